"""Columns of atomic files: names, roles, types, separators, times."""
