"""Guards of a run: non-finite numbers, memory, hangs, recovery."""
