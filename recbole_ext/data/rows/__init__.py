"""Rows: filters, splits, and the account of what was left out."""
