"""One run: the configuration checked, the model built, trained, and evaluated."""
