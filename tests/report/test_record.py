import math
from collections.abc import Callable
from pathlib import Path

import pytest

from recbole_ext.errors import UsageError
from recbole_ext.report.record import read_record


def test_a_run_is_read_with_origins_points_and_its_end(make_run: Callable[..., Path]) -> None:
    record = read_record(make_run(columns={"kl": ["", "nan", 2.5, "", "x", 1]}))
    assert record.origins["epochs"] == "command line" and record.origins["criteria"] == "mine.yaml:3"
    assert record.columns["ndcg@10"][2] == (3.0, 0.1) and "epoch" not in record.columns
    assert [e for e, _ in record.columns["kl"]] == [2, 3, 6] and math.isnan(record.columns["kl"][0][1])
    assert record.metric == "ndcg@10" and record.end["event"] == "finished" and record.command.startswith("python")


def test_a_run_that_was_killed_has_no_result(make_run: Callable[..., Path]) -> None:
    record = read_record(make_run(result=None, end={"event": "continued"}))
    assert record.result == {} and record.end["event"] == "continued"


def test_what_is_no_run_or_is_damaged_is_said(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    with pytest.raises(UsageError, match="there is no run here"):
        read_record(tmp_path)
    folder = make_run()
    (folder / "result.json").write_text("{")
    record = read_record(folder)
    assert record.result == {} and record.rows and "result.json is damaged: it is not JSON" in record.damage[0]
