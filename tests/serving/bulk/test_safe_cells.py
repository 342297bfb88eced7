import pandas as pd
import polars as pl

from recbole_ext.serving.bulk.safe_cells import safe_cells, safe_frame

COLUMNS = {"user": ["=A1", "\tx", "u-1"], "@item": ["-i", "", "i"], "value": [-1.5, 2.0, 3.0]}


def test_tables_of_polars_and_of_pandas_are_marked_alike() -> None:
    marked = {"user": ["'=A1", "'\tx", "u-1"], "'@item": ["'-i", "", "i"], "value": [-1.5, 2.0, 3.0]}
    assert safe_cells(pl.DataFrame(COLUMNS)).to_dict(as_series=False) == marked
    assert safe_frame(pd.DataFrame(COLUMNS)).to_dict("list") == marked
    assert safe_frame(pd.DataFrame({"n": [-1]})).to_dict("list") == {"n": [-1]}
