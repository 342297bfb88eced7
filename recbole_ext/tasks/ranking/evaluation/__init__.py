"""Candidates, ranking metrics, and the baselines of ranking."""
