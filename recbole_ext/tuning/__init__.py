"""Search over runs: a space of settings, a table of trials, proposals, and Ray Tune that executes them."""
