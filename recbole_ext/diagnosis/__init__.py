"""Rules that read learning curves and results."""
