"""Data sets for click models: advertisements with impressions, and samples from logs of actions."""
