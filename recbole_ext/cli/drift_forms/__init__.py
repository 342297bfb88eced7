"""Forms of `drift` beside `drift --run`; each has `SUMMARY` and `declare(parser)`."""
