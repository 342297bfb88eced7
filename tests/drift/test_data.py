"""Data that the data tools do not read leave the model's part as it is, with the reason."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from recbole_ext.drift import data
from recbole_ext.drift.console import summary_lines
from recbole_ext.drift.options import ModelDriftOptions
from recbole_ext.errors import DataError
from tests.drift.made_report import made_report


@pytest.mark.parametrize(
    ("separator", "encoding", "reason"),
    [(",", None, "the run's have ',' in utf-8"), ("\t", "latin-1", r"the run's have '\t' in latin-1")],
)
def test_other_separators_and_encodings(
    separator: str, encoding: str | None, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "own_files", lambda run: (tmp_path / "x.inter",))
    run: Any = SimpleNamespace(config={"field_separator": separator, "encoding": encoding})
    options = ModelDriftOptions(tmp_path, "test", tmp_path / "out")
    future: Any = None
    found = data.data_report(run, future, options, tmp_path / "data")
    assert found["data"] is None and reason in found["no_data"] and "tabs in UTF-8" in found["no_data"]
    report = made_report(1) | found | {"own_baselines": {}}
    assert any(line.startswith("data        not compared: the data tools") for line in summary_lines(report))


def test_a_later_file_that_cannot_be_compared_names_the_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.inter").write_text("user_id:token\titem_id:token\ttimestamp:float\n1\ta\t5\n")
    (tmp_path / "y.inter").write_text("user_id:token\titem_id:token\ttimestamp:float\tshop:token\n1\ta\t9\ts\n")
    monkeypatch.setattr(data, "own_files", lambda run: (tmp_path / "x.inter",))
    fields = {"USER_ID_FIELD": "user_id", "ITEM_ID_FIELD": "item_id", "TIME_FIELD": "timestamp", "time_unit": "seconds"}
    run: Any = SimpleNamespace(config={"field_separator": "\t", "encoding": None, "seed": 1, **fields})
    options = ModelDriftOptions(tmp_path, str(tmp_path / "y.inter"), tmp_path / "out")
    future: Any = SimpleNamespace(is_own=False)
    with pytest.raises(DataError, match="--no-data-drift leaves the comparison of the data out"):
        data.data_report(run, future, options, tmp_path / "data")
