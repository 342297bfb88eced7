"""Atomic files -> exact interactions -> batches."""
