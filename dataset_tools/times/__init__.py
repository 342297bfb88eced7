"""Times: what a column of them counts, exact seconds and fractions, and the order of events."""
