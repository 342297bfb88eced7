"""The event log: what is on the disk after a crash, a full disk, and a bit that has turned."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.errors import DataError
from recbole_ext.serving.http.event_log import EventLog
from recbole_ext.serving.live.messages import Event


def events(first: int, count: int) -> list[Event]:
    values: list[dict[str, Any]] = [{}, {"act": "é buy", "rating": 0.1}, {"act": None}]
    ids = [f"id-{k}" if k % 2 else None for k in range(first + count)]
    return [Event(f"u{k % 3}", f"i{k} é", k, ids[k], values[k % 3]) for k in range(first, first + count)]


def everything(folder: Path) -> list[Event]:
    log = EventLog(folder)
    found = [event for _, event in log.read(0)]
    log.close()
    return found


def test_events_are_read_as_they_were_written(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    for first, count in ((1, 1), (2, 5), (7, 2)):
        log.append(events(first, count))
    assert log.last == 8 and [event for _, event in log.read(0)] == events(1, 8)
    assert [number for number, _ in log.read(3, 6)] == [4, 5, 6]
    log.close()
    assert everything(tmp_path) == events(1, 8)


def test_each_length_of_a_torn_batch_is_dropped_up_to_its_first_damaged_line(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    log.append(events(1, 2))
    (path,) = log.parts()
    whole = path.read_bytes()
    log.append(events(3, 3))
    log.close()
    full = path.read_bytes()
    for size in range(len(whole), len(full) + 1):
        path.write_bytes(full[:size])
        complete = full[:size].count(b"\n")
        again = EventLog(tmp_path)
        assert again.last == complete and [event for _, event in again.read(0)] == events(1, complete)
        again.append(events(complete + 1, 1))
        again.close()
        assert everything(tmp_path) == events(1, complete + 1)


def test_a_torn_batch_of_which_a_later_block_was_written_is_dropped(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    log.append(events(1, 2))
    log.append(events(3, 5))
    log.close()
    (path,) = log.parts()
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], bytes(len(lines[3])), *lines[4:]]))  # power went while pages were written
    again = EventLog(tmp_path)
    assert again.last == 3 and again.dropped > 0
    again.close()


def test_a_damaged_event_that_was_on_the_disk_is_refused(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    for first in (1, 3, 5):
        log.append(events(first, 2))
    log.close()
    (path,) = log.parts()
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"i3 ', b'"i4 '))
    with pytest.raises(DataError, match=r"event 3 is damaged, and later ones follow; restore the file from a copy, or"):
        EventLog(tmp_path)


def test_files_follow_each_other(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    for first in range(1, 10, 3):
        log.append(events(first, 3))
        log.rotate()
    log.rotate()
    log.append(events(10, 1))
    assert [int(part.stem[-3:]) for part in log.parts()] == [1, 4, 7, 10]
    for after in range(11):
        assert [number for number, _ in log.read(after)] == list(range(after + 1, 11))
    log.parts()[1].rename(tmp_path / "lost")
    with pytest.raises(DataError, match="event 4 is damaged or missing"):
        list(log.read(0))
    assert [number for number, _ in log.read(6)] == [7, 8, 9, 10]
    log.close()
    (tmp_path / "events-old.log").write_text("")
    with pytest.raises(DataError, match="is no file of an event log"):
        EventLog(tmp_path)


def test_old_files_are_deleted_once_a_snapshot_covers_them(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    for first in range(1, 10, 3):
        log.append(events(first, 3))
        log.rotate()
    far = 2.0**40
    log.forget(5, 0)
    assert log.first == 1
    log.forget(5, far)
    assert log.first == 4
    log.forget(9, far)
    assert log.first == 10 and log.last == 9
    log.close()
    assert EventLog(tmp_path).last == 9


@pytest.mark.parametrize("name", ["pwrite", "fsync"])
def test_a_full_disk_refuses_a_batch_and_takes_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    log = EventLog(tmp_path)
    log.append(events(1, 2))
    real = os.pwrite

    def half(file: int, content: Any = b"", at: int = 0) -> int:
        real(file, bytes(content)[: len(content) // 2], at)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, name, half)
        for _ in range(2):
            with pytest.raises(OSError, match="No space left"):
                log.append(events(3, 4))
    assert log.last == 2
    log.append(events(3, 1))
    log.close()
    assert everything(tmp_path) == events(1, 3)


def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").touch()
    (tmp_path / "events-00000000000000000001.log").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"):
        EventLog(tmp_path)


def test_a_folder_that_cannot_be_flushed_leaves_the_old_file_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = EventLog(tmp_path)
    log.append(events(1, 2))

    def refuse(folder: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr("recbole_ext.serving.http.event_log.flush", refuse)
        with pytest.raises(OSError, match="Input/output error"):
            log.rotate()
    log.append(events(3, 2))
    log.rotate()
    log.append(events(5, 1))
    log.close()
    assert everything(tmp_path) == events(1, 5)
