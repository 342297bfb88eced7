"""Layers that models of several tasks share."""
