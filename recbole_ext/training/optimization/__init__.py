"""Optimizer, schedule, clipping, averaging."""
