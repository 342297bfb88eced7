"""What was measured, under which protocol, and beside which baselines."""
