"""Counts of byte ranges that merge in any order, and the finished counts of a log."""
