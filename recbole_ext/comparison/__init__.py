"""Finished runs compared, and ensembles of them."""
