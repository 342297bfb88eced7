"""Interaction sequences: histories, windows, negatives, seen items."""
