"""Answers of finished runs."""
