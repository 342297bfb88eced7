"""Categories of items: pairs from the `.item` tables of the data sets."""

from collections.abc import Sequence

import polars as pl

from dataset_tools.drift.inputs import Columns, Source, item_table
from dataset_tools.files.atomic import read_columns
from dataset_tools.files.headers import Column, read_header


def item_categories(sources: Sequence[Source], columns: Columns) -> pl.DataFrame:
    """Every pair of an item and one of its categories, as text; of an item in two tables the first counts.

    A `token_seq` holds several categories, which blanks separate; a blank in a `token` is a part of its name.

    Args:
        sources: files whose tables are read, the past's first.
        columns: with a category in the table of items.
    """
    tables = dict.fromkeys(filter(None, (item_table(source.path) for source in sources)))
    field = str(columns.item_group)
    found: pl.DataFrame | None = None
    for table in tables:
        header = {column.field: column for column in read_header(table)}
        if {field, columns.item} <= set(header):
            read, _ = read_columns(table, [columns.item, field])
            pairs = pl.DataFrame({"item": read[columns.item].cast(pl.String), "group": read[field].cast(pl.String)})
            pairs = pairs.with_columns(_names(header[field]))
            found = pairs if found is None else pl.concat([found, pairs.join(found, on="item", how="anti")])
    if found is None:
        return pl.DataFrame(schema={"item": pl.String, "group": pl.String})
    names = found.explode("group").drop_nulls()
    return names.filter(pl.col("group") != "").unique(maintain_order=True)


def _names(column: Column) -> pl.Expr:
    """The categories of a cell, as a list."""
    cell = pl.col("group")
    return cell.str.split(" ") if column.type.endswith("_seq") else pl.concat_list(cell)
