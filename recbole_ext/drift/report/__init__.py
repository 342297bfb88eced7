"""What people read of a `drift.json` of model drift: a page, a summary in Markdown, and a picture of the curve."""
