"""Pages, charts and model cards of a run."""
