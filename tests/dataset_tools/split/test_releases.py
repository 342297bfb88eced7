"""A cut at the end of an older release: past and future of the newer one, and whether user ids were redrawn."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataset_tools.cli import main
from dataset_tools.errors import DataError
from dataset_tools.split import releases
from tests.dataset_tools.split.toy import HEADER, Cut, Rows, read, write

END = 5000


def log(n: int, first: int, users: int = 40) -> Rows:
    random = np.random.default_rng(first)
    times = np.sort(random.integers(first, first + 3000, n)).tolist()
    return [(str(random.integers(1, users)), str(random.integers(1, 90)), 3, time) for time in times]


OLD = [*log(300, END - 3000), ("7", "91", 3, END)]
LATER = log(100, END + 1)


def redrawn(rows: Rows) -> Rows:
    return [(str(99 - int(user)), item, rating, time) for user, item, rating, time in rows]


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(("change", "same"), [(list, 301), (redrawn, 0)])
def test_past_and_future_are_those_of_the_newer_release(
    order: int,
    change: Callable[[Rows], Rows],
    same: int,
    cut: Cut,
    tmp_path: Path,
    capsys: Any,
) -> None:
    older, newer = write(tmp_path, OLD[::order], "old"), change(OLD) + LATER
    folder, summary = cut(newer, after=older, valid="none")
    assert read(folder, "train") == newer[:301] and read(folder, "test") == newer[301:]
    assert summary["cut_timestamp"] == END + 1 and summary["older_last_timestamp"] == END
    in_both = summary["rows_in_both"]
    assert 280 < in_both <= 301  # without an item twice in one second
    assert summary["rows_with_the_same_user"] == (in_both if same else 0)
    command = ["split", str(write(tmp_path, newer, "new")), "--output", str(tmp_path / "o"), "--after", str(older)]
    assert main(command) == 0
    expected = "user ids were kept" if same else "user ids were redrawn, and old.inter is not the past of these users"
    assert expected in capsys.readouterr().out


def test_only_the_latest_rows_are_compared(cut: Cut, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(releases, "COMPARED_ROWS", 20)
    _, summary = cut(OLD + LATER, after=write(tmp_path, OLD, "old"), valid="none")
    assert 15 <= summary["rows_in_both"] <= 20
    assert "Only" in releases.sentence(summary) and "too few" in releases.sentence(summary)


def test_tokens_that_are_no_numbers(cut: Cut, tmp_path: Path) -> None:
    named = [(f"u{user}", f"i{item}", rating, time) for user, item, rating, time in OLD]
    _, summary = cut([*named, ("x", "y", 1, END + 5)], after=write(tmp_path, named, "old"), valid="none")
    assert summary["rows_with_the_same_user"] == summary["rows_in_both"] > 280


def test_releases_that_cannot_be_cut(cut: Cut, tmp_path: Path) -> None:
    older = write(tmp_path, OLD, "old")
    with pytest.raises(DataError, match=r"no row is before the cut at 5001(?s:.)*drift --past OLDER --future NEWER"):
        cut(LATER, after=older)
    with pytest.raises(DataError, match="no row is at or after the cut at 5001"):
        cut(OLD[:200], after=older)
    with pytest.raises(DataError, match="a header and no rows"):
        cut(OLD, after=write(tmp_path, [], "none"))
    (tmp_path / "none" / "none.inter").write_text(HEADER.replace("item_id", "movie"))
    with pytest.raises(DataError, match="no field item_id"):
        cut(OLD, after=tmp_path / "none")
