"""Ranking of items: sequences and general recommendation."""
