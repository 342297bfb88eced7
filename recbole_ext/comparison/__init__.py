"""Finished runs beside each other: comparison and ensembles."""
