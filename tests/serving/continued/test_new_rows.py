"""Rows that cannot be continued on are refused with a sentence, before anything is written."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from recbole_ext.errors import DataError, RecBoleExtError, UsageError
from recbole_ext.serving.continued.continue_run import Continuation
from recbole_ext.serving.continued.new_rows import Shares, newest_time, read_new, require_growing
from tests.drift.made_logs import DAY, START
from tests.serving.continued.conftest import KNOWN, LATER, PAST, trained

EARLY = ("u0", "i1", START + 5 * DAY + 7)
HEADER = "user_id:token\titem_id:token\ttimestamp:float"


def test_parts_are_divided_by_time_and_the_unknown_is_counted(past_run: Any, later_file: Callable[..., Path]) -> None:
    again = [*PAST[-5:], *LATER]
    new = read_new(past_run.loaded, later_file(again), Shares(0.2, 0.1))
    assert new.left_out == {"rows of the run already": 5} and len(new.table) == len(LATER)
    assert (new.new_users, new.new_items) == (18, 2)
    times = {part: new.of(part)["timestamp"].to_numpy() for part in ("train", "valid", "test")}
    assert times["train"].max() < times["valid"].min() and times["valid"].max() < times["test"].min()
    assert {part: int(of.min()) for part, of in times.items()} == new.starts
    assert len(times["test"]) == pytest.approx(0.1 * len(LATER), abs=40)
    assert newest_time(past_run.loaded) == max(row[2] for row in PAST)


WRONG: dict[str, tuple[list[Any], str, str]] = {
    "earlier": ([EARLY, *LATER], HEADER, r"1 of \d+ new rows are earlier than the newest row of the run.*row 1, of"),
    "known": (PAST, HEADER, r"none of the 600 rows is new \(600 rows of the run already\)"),
    "empty": ([], HEADER, "no rows|holds no"),
    "other columns": ([(1, 2)], "user:token\titem:token", "user_id"),
    "no time": ([("u1", "i1")], "user_id:token\titem_id:token", "timestamp"),
    "no number": ([("u1", "i1", "noon")], HEADER, "noon"),
    "too few": (KNOWN[:2], HEADER, "2 new rows with 2 different times cannot be divided by time"),
    "another type": (LATER, HEADER.replace("item_id:token", "item_id:float"), "item_id"),
    "without users": ([("", "i1", START + 21 * DAY)], HEADER, r"none of the 1 rows is new \(1 without a user"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said(past_run: Any, later_file: Callable[..., Path], name: str) -> None:
    rows, header, message = WRONG[name]
    with pytest.raises(DataError, match=message):
        read_new(past_run.loaded, later_file(rows, header), Shares())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Continuation(replay=1.5), r"--replay must lie between 0 and 1 \(got 1.5\)"),
        (lambda: Continuation(replay=-0.1), "--replay must lie between 0 and 1"),
        (lambda: Continuation(replay=np.nan), "--replay must lie between 0 and 1"),
        (lambda: Shares(test=0), "--test-share must lie between 0 and 1, ends excluded"),
        (lambda: Shares(valid=0.5, test=0.5), "leave nothing to train on"),
    ],
)
def test_fractions(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make()


def _run(**config: Any) -> Any:
    grows, family = config.pop("grows", True), config.pop("family", "sequential")
    values = {"normalize_all": None, "normalize_field": None, "LIST_SUFFIX": "_list", **config}
    entry = SimpleNamespace(grows=grows, family=family)
    named = type("Named", (dict,), {"entry": entry, "model": "BPR"})(values)
    train = SimpleNamespace(time_field="timestamp", inter_feat={"user_id": 0})
    return SimpleNamespace(path="runs/a", config=named, train=train)


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (_run(grows=False), "a run of BPR cannot be continued.*SS4Rec, Mamba4Rec, HybridVAE"),
        (_run(normalize_all=True), "normalised over its own rows"),
        (_run(), "its rows bring their histories along"),
        (_run(family="general"), "it reads no times"),
    ],
)
def test_runs_that_cannot_be_continued(run: Any, message: str) -> None:
    with pytest.raises(RecBoleExtError, match=message):
        require_growing(run)


@pytest.mark.slow
def test_a_run_of_another_model(tmp_path: Path, later_file: Callable[..., Path]) -> None:
    with pytest.raises(UsageError, match="a run of BPR cannot be continued"):
        trained(tmp_path, "BPR").continue_with(later_file())
    assert not (tmp_path / "runs" / "continued-data").exists()
