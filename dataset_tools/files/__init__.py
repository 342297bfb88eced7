"""The files of a data set: read as columns, found, and written atomically."""
