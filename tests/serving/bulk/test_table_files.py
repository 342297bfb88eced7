"""Tables that are written piece by piece are the same rows in every format, whatever the pieces."""

from pathlib import Path

import polars as pl
import pytest

from recbole_ext.errors import ResourceError
from recbole_ext.serving.bulk import table_files
from recbole_ext.serving.bulk.table_files import table_file

TABLE = pl.DataFrame(
    {
        "who": ["a,b", 'c"d', "ü", "007"] * 3,
        "item": [f"i{number}" for number in range(12)],
        "rank": range(1, 13),
        "score": [1.5, -0.25, 1e-9, 3.0] * 3,
    }
)


@pytest.mark.parametrize("ending", table_files.FORMATS)
@pytest.mark.parametrize("size", [1, 5, 12])
def test_pieces_are_one_table(ending: str, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_files, "_ROW_GROUP", 4)
    path = tmp_path / f"found{ending}"
    with table_file(path) as file:
        for start in range(0, 12, size):
            file.add(TABLE[start : start + size])
        assert not path.exists()
    types = {"who": pl.String}
    read = {
        ".tsv": lambda: pl.read_csv(path, separator="\t", schema_overrides=types),
        ".csv": lambda: pl.read_csv(path, schema_overrides=types),
        ".jsonl": lambda: pl.read_ndjson(path),
        ".parquet": lambda: pl.read_parquet(path),
    }[ending]()
    assert read.equals(TABLE) and [*tmp_path.iterdir()] == [path]


def test_a_folder_that_refuses(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match=r"cannot write .*found.csv: .*choose another --output"):
        with table_file(tmp_path / "none" / "found.csv") as file:
            file.add(TABLE)


@pytest.mark.parametrize("ending", table_files.FORMATS)
def test_cells_that_a_spreadsheet_would_execute_are_marked_on_request(ending: str, tmp_path: Path) -> None:
    path, tokens = tmp_path / f"found{ending}", ["=1+1", "+1", "-1", "@SUM(1)", "a=b", None]
    with table_file(path, safe=True) as file:
        file.add(pl.DataFrame({"=item": tokens, "score": [-1.0] * 6}))
    if ending in (".tsv", ".csv"):
        read = pl.read_csv(path, separator="\t" if ending == ".tsv" else ",")
        assert read["'=item"].to_list() == ["'=1+1", "'+1", "'-1", "'@SUM(1)", "a=b", None]
        assert read["score"].to_list() == [-1.0] * 6
    else:
        read = pl.read_ndjson(path) if ending == ".jsonl" else pl.read_parquet(path)
        assert read["=item"].to_list() == tokens
