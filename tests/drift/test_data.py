"""Data that the data tools do not read leave the model's part as it is, with the reason."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from recbole_ext.drift import data
from recbole_ext.drift.console import summary_lines
from recbole_ext.drift.options import ModelDriftOptions
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
