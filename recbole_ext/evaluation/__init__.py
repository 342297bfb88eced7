"""What was measured, under which protocol, and with which baselines."""
