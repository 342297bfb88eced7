"""One strict, typed configuration, with the origin of every value."""
