"""Recommendations for many users: a question, its plan, lists ranked and files written piece by piece."""
