"""A table of 200,000 rows on Ray: the bytes of the local engine, from every kind of input."""

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dataset_tools.convert import runs
from dataset_tools.convert.table.options import TableOptions
from dataset_tools.convert.table.reading import read
from dataset_tools.convert.table.reading.blocks import text_blocks
from dataset_tools.convert.table.reading.frame import Frame, inputs_of
from dataset_tools.convert.table.table import convert_table

ROWS = 200_000
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed, an optional extra"),
]


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """Events in no order of time, one of a thousand of them again, and a rating in 50,000 that is none."""
    random = np.random.default_rng(5)
    rows = pd.DataFrame(
        {
            "user": random.integers(0, 4000, ROWS),
            "item": [f"é,{item}" for item in random.integers(0, 900, ROWS)],
            "rating": random.integers(1, 11, ROWS) / 2,
            "timestamp": 1_600_000_000 + random.integers(0, 100_000, ROWS),
        }
    )
    rows.loc[::50_000, "rating"] = np.nan
    rows.iloc[999::1000] = rows.iloc[998::1000].to_numpy()
    return rows


@pytest.fixture(scope="module", autouse=True)
def one_ray() -> Iterator[None]:
    """A Ray that all conversions use; each would start one of its own, which takes seconds."""
    import ray

    ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield
    ray.shutdown()


KINDS: dict[str, Callable[[pd.DataFrame, Path], object]] = {
    "csv": lambda rows, path: rows.to_csv(path, index=False),
    "jsonl": lambda rows, path: rows.to_json(path, orient="records", lines=True),
    "parquet": lambda rows, path: rows.to_parquet(path),
    "DataFrame": lambda rows, path: None,
}


@pytest.mark.parametrize("kind", KINDS)
def test_ray_writes_the_bytes_of_the_local_engine(
    kind: str, table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "BUCKET_ROWS", 1 << 15)
    monkeypatch.setattr(read, "text_blocks", lambda source, progress: text_blocks(source, progress, 1 << 19))
    monkeypatch.setattr(Frame.blocks, "__defaults__", (1 << 14,))
    path = tmp_path / f"log.{kind}"
    KINDS[kind](table, path)
    given = inputs_of(table) if kind == "DataFrame" else (path,)
    found = []
    for engine in ("local", "ray"):
        options = TableOptions(given, tmp_path / engine, name="log", engine=engine, threads=1, quiet=True)
        found.append(convert_table(options, lambda sentence: None))
    assert found[0] == found[1] and found[0]["rows_rejected"] > 100 and found[0]["n_users"] == 4000
    for one in (tmp_path / "local" / "log").iterdir():
        assert one.read_bytes() == (tmp_path / "ray" / "log" / one.name).read_bytes(), one.name
