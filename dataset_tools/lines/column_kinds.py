"""Kinds of columns of a log, as the compiled kernel defines them."""

ID, TIME, TEXT, SKIP = 0, 1, 2, 3
