"""A table of one's own, with any names of columns, to atomic files: csv, tsv, json lines or parquet."""
