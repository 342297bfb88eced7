"""Parts of the sequence models."""
