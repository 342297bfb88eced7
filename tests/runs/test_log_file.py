"""`log.txt` on a disk that refuses it: the run ends with exit code 4, whenever that is noticed."""

import errno
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.errors import DataError, ResourceError, reported
from recbole_ext.runs.log_file import log_file
from recbole_ext.runs.run_directory import RunDirectory


def full(*given: Any, **named: Any) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_line_that_does_not_fit(tmp_path: Path) -> None:
    (tmp_path / "log.txt").symlink_to("/dev/full")
    with pytest.raises(ResourceError, match=r"cannot write .*log.txt: No space left on device; free some"):
        with log_file(tmp_path / "log.txt") as handler:
            handler.handle(logging.LogRecord("x", logging.INFO, "x", 1, "a line", None, None))


def test_an_end_that_does_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ResourceError, match=r"cannot write .*log.txt: No space"):
        with log_file(tmp_path / "log.txt") as handler:
            monkeypatch.setattr(handler, "close", full)
    with pytest.raises(DataError, match="first"):  # what ended the run says more than its log
        with log_file(tmp_path / "log.txt") as handler:
            monkeypatch.setattr(handler, "close", full)
            raise DataError("first")


def test_a_file_that_cannot_be_made(tmp_path: Path) -> None:
    with (
        pytest.raises(ResourceError, match=r"cannot write .*log.txt: No such file"),
        log_file(tmp_path / "no" / "log.txt"),
    ):
        pass


@pytest.mark.parametrize(
    "action",
    [
        lambda root: RunDirectory.new(root / "runs", "BPR", "made"),
        lambda root: RunDirectory(root).write_config({"a": 1}, {}, ["x"]),
        lambda root: RunDirectory(root).append_metrics({"epoch": 0}),
        lambda root: RunDirectory(root).write_result({"test": {}}),
    ],
    ids=["folder", "config", "metrics", "result"],
)
@pytest.mark.parametrize("refused", ["mkdir", "open", "replace"])
def test_no_room_and_no_inode_anywhere(
    action: Callable[[Path], Any], refused: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the system refuses, the command ends with exit code 4."""
    monkeypatch.setattr(os, refused, full)
    try:
        action(tmp_path)
    except Exception as error:
        known = reported(error)
        assert known is not None and known.exit_code == 4
