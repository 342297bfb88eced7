"""What a watch reports, that it counts nothing twice, and what it refuses."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataset_tools.drift.watch import state
from dataset_tools.drift.watch.profile import read_profile
from dataset_tools.errors import DataError, ResourceError, UsageError
from recbole_ext.cli.main import main
from recbole_ext.serving.http.event_log import EventLog
from recbole_ext.serving.live.messages import Event
from tests.dataset_tools.drift.made_log import DAY
from tests.dataset_tools.drift.watch.conftest import END, json_lines, rows, write_profile

Watched = Callable[..., list[dict[str, Any]]]


def write(path: Path, lines: list[str]) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def totals(lines: list[dict[str, Any]], key: str = "rows") -> int:
    return sum(line[key] for line in lines)


def test_windows_without_drift_and_with_drift(tmp_path: Path, watched: Watched) -> None:
    same = write(tmp_path / "same.jsonl", json_lines(rows(2400, 5)))
    lines = watched(same, close_last=True)
    assert [line["window"] for line in lines] == [*range(1, len(lines) + 1)] and totals(lines) == 2400
    whole = [line for line in lines if line["rows"] >= 500]
    assert len(whole) >= 2 and {one["state"] for line in whole for one in line["measures"].values()} == {"OK"}
    assert {line["state"] for line in lines if line["rows"] < 500} <= {"INSUFFICIENT_DATA"}
    assert set(whole[0]["measures"]["items_js"]) == {
        "state",
        "value",
        "excess",
        "threshold",
        "against",
        "more_than_neighbours",
    }
    other = rows(2400, 6)
    other.items = other.items + 200
    other.ratings = np.full_like(other.ratings, 1)
    found = watched(write(tmp_path / "other.jsonl", json_lines(other)))
    drifting = {name for name, one in found[0]["measures"].items() if one["state"] == "DRIFT"}
    assert found[0]["state"] == "DRIFT" and {"unknown_items", "items_js", "value_ks"} <= drifting


def test_notifications_come_with_changes(tmp_path: Path, watched: Watched) -> None:
    other, same = rows(1600, 6, END, END + 40 * DAY), rows(1600, 7, END + 40 * DAY, END + 80 * DAY)
    other.items = other.items + 300
    sent: list[str] = []
    stream = write(tmp_path / "s.jsonl", json_lines(other) + json_lines(same, "f"))
    lines = watched(stream, close_last=True, notify=sent.append)
    states = [line["state"] for line in lines]
    assert states.count("DRIFT") >= 2 and states[-1] == "OK"
    assert len(sent) == 2 and "no more drift" in sent[1]
    assert re.match(r"s.jsonl, window 1 \(\d+ rows\): drift in ", sent[0])


@pytest.mark.slow
def test_a_watch_goes_on_where_it_stopped(tmp_path: Path, watched: Watched) -> None:
    lines = json_lines(rows(2400, 5))
    expected = watched(write(tmp_path / "whole" / "a.jsonl", lines), close_last=True)
    stream, kept, out = tmp_path / "b.jsonl", tmp_path / "state.json", tmp_path / "out.jsonl"
    found = []
    for end in (1, 400, 401, 900, 2400):
        text = "".join(f"{line}\n" for line in lines[:end])
        stream.open("a").write(text[stream.stat().st_size if stream.exists() else 0 :] + '{"user": "half')
        found += watched(stream, state=kept, output=out, close_last=end == 2400)
        os.truncate(stream, len(text))
    assert found == expected == [json.loads(line) for line in out.read_text().splitlines()]
    assert watched(stream, state=kept, output=out) == []
    assert kept.stat().st_mode & 0o777 == 0o600 and "half" not in kept.read_text()


@pytest.mark.slow
def test_the_event_log_of_serve_is_read_as_it_is(tmp_path: Path, watched: Watched) -> None:
    log_rows = rows(2400, 5)
    columns = zip(*(of.tolist() for of in (log_rows.users, log_rows.items, log_rows.times)), strict=True)
    events = [Event(str(u), str(i), t, f"e{k}") for k, (u, i, t) in enumerate(columns)]
    folder, kept = tmp_path / "state", tmp_path / "watch.json"
    folder.mkdir()
    log, found = EventLog(folder), list[dict[str, Any]]()
    (folder / "recommendations-20260101.jsonl").write_text('{"user": "1", "items": ["2"]}\n')
    (folder / "runs.json").write_text("[]")
    for start in range(0, 2400, 300):
        log.append(events[start : start + 300])
        log.append(events[start : start + 5])  # delivered twice
        if start == 600:
            log.rotate()
        found += watched(folder, state=kept)
    found += watched(folder, state=kept, close_last=True)
    plain = watched(
        write(tmp_path / "plain.jsonl", [json.dumps({"user": e.user, "item": e.item, "time": e.time}) for e in events]),
        close_last=True,
    )
    assert totals(found) == 2400 and totals(found, "duplicate") == 40
    assert [{**line, "duplicate": 0} for line in found] == plain
    assert "value_ks" not in found[0]["measures"]


def test_an_atomic_file_is_the_same_stream(tmp_path: Path, watched: Watched) -> None:
    log = rows(2400, 5)
    folder = log.write(tmp_path / "later")
    assert watched(folder, close_last=True) == watched(write(tmp_path / "same.jsonl", json_lines(log)), close_last=True)


def test_rotated_shortened_and_replaced_files(
    tmp_path: Path, watched: Watched, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = json_lines(rows(1200, 5))
    stream, kept = write(tmp_path / "s" / "a.jsonl", lines[:300]), tmp_path / "state.json"
    found = watched(stream, state=kept)
    with stream.open("a") as file:
        file.write("".join(f"{line}\n" for line in lines[300:500]))
    stream.rename(stream.with_name("a.jsonl.1"))  # renamed with unread lines, and a new file in its place
    write(stream, lines[500:900])
    found += watched(stream, state=kept)
    write(stream, lines[900:1000])  # the same file, shortened: other lines
    found += watched(stream, state=kept)
    stream.unlink()
    write(stream, lines[1000:])
    found += watched(stream, state=kept, close_last=True)
    assert totals(found) == 1200 and totals(found, "duplicate") == 0


def test_a_shortened_event_log_counts_its_events_once(tmp_path: Path, watched: Watched) -> None:
    log, kept = EventLog(tmp_path), tmp_path / "watch.json"
    log.append([Event("u", "1", END + k, None) for k in range(10)])
    assert watched(tmp_path, state=kept, window="100") == []
    (file,) = tmp_path.glob("events-*.log")
    os.truncate(file, file.stat().st_size - 40)  # a batch that was refused
    assert watched(tmp_path, state=kept, window="100") == []
    EventLog(tmp_path).append([Event("u", "1", END + k, None) for k in range(9, 12)])
    (line,) = watched(tmp_path, state=kept, window="100", close_last=True)
    assert (line["rows"], line["duplicate"]) == (
        12,
        10,
    )  # the refused event 10 counts, the new one of this number does not


def test_windows_of_rows_need_no_times(tmp_path: Path, watched: Watched) -> None:
    lines = [json.dumps({"user": str(k % 50), "item": str(k % 40)}) for k in range(1250)]
    found = watched(write(tmp_path / "a.jsonl", lines), window="600")
    assert [line["rows"] for line in found] == [600, 600] and found[0]["start"] is None
    assert "volume" not in found[0]["measures"] and found[0]["users"] == 50
    with pytest.raises(DataError, match="rows have no time; count windows in rows"):
        watched(tmp_path / "a.jsonl", window="1d")


def test_lines_that_are_not_counted_are_reported(tmp_path: Path, watched: Watched) -> None:
    def line(time: Any, **more: Any) -> str:
        return json.dumps({"user": "1", "item": "2", "time": time, **more})

    lines = [
        line(END),
        "no json",
        line(END - 20 * DAY),
        line(END + 5000 * DAY),
        line(None),
        line(END, id="a"),
        line(END, id="a"),
    ]
    (found,) = watched(write(tmp_path / "a.jsonl", lines), close_last=True)
    counted = {key: found[key] for key in ("rows", "late", "ahead", "without_time", "duplicate", "unreadable")}
    assert counted == {"rows": 2, "late": 1, "ahead": 1, "without_time": 1, "duplicate": 1, "unreadable": 1}


@pytest.mark.slow
def test_users_are_recognised_only_where_the_profile_has_them(tmp_path: Path, watched: Watched) -> None:
    own = write_profile(tmp_path, with_users=True)
    other = rows(2400, 5)
    other.users = other.users + 100_000
    stream = write(tmp_path / "a.jsonl", json_lines(other))
    assert "unknown_users" not in watched(stream)[0]["measures"]
    found = watched(stream, reference=own)[0]["measures"]["unknown_users"]
    assert (found["state"], found["value"]) == ("DRIFT", 1.0)


def test_a_profile_holds_no_rows_and_no_user(profile: Path, tmp_path: Path) -> None:
    stored, text = read_profile(profile), profile.read_text()
    assert stored.rows == 12_000 == sum(stored.items.values()) == sum(stored.week) and stored.users == 300
    assert stored.user_rows == {} and "no rows" in stored.holds and "the number of users, and no user" in stored.holds
    assert stored.item_groups["3"] == ["Action", "Drama"] and len(stored.neighbours) == 5
    assert len(text) < 40_000 and profile.stat().st_mode & 0o777 == 0o600
    with_users = read_profile(write_profile(tmp_path, with_users=True))
    assert len(with_users.user_rows) == 300 and not {"1", "2", "3"} & set(with_users.user_rows)


def test_memory_grows_with_items_and_users_alone(
    tmp_path: Path, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "RECENT_IDS", 50)
    lines = [json.dumps({"user": str(k % 7), "item": str(k % 5), "time": END + k, "id": str(k)}) for k in range(3000)]
    kept = tmp_path / "state.json"
    watched(write(tmp_path / "a.jsonl", lines[:1000]), state=kept)
    size = kept.stat().st_size
    write(tmp_path / "a.jsonl", lines)
    watched(tmp_path / "a.jsonl", state=kept)
    assert kept.stat().st_size < size + 50 and json.loads(kept.read_text())["window"]["rows"] == 3000


@pytest.mark.slow
def test_two_watches_do_not_share_a_state(tmp_path: Path, watched: Watched, profile: Path) -> None:
    from dataset_tools.drift.watch.options import WatchOptions
    from dataset_tools.drift.watch.watch import Watch

    stream, kept = write(tmp_path / "a.jsonl", json_lines(rows(10, 5))), tmp_path / "state.json"
    first = Watch(WatchOptions(profile, stream, state=kept, once=True))
    with pytest.raises(ResourceError, match="is held by a watch that is running"):
        Watch(WatchOptions(profile, stream, state=kept, once=True))
    first.run()
    assert watched(stream, state=kept, window="1d") == []
    with pytest.raises(UsageError, match=r"another --window \(1d\)"):
        watched(stream, state=kept, window="2d")
    with pytest.raises(UsageError, match="another profile"):
        watched(stream, state=kept, window="1d", reference=write_profile(tmp_path))
    kept.write_text(kept.read_text()[:-9])
    with pytest.raises(DataError, match="damaged; remove it to count the stream from its start"):
        watched(stream, state=kept, window="1d")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace('"version":1', '"version":2'), "version 2, this program reads 1; write it again"),
        (lambda text: text.replace('"rows":12000', '"rows":12001'), "damaged, its content does not have the recorded"),
        (lambda text: text[:-5], "damaged, it is not JSON"),
        (lambda text: "[]", "it is no drift profile"),
        (None, "cannot read --reference=.*No such file"),
    ],
)
def test_profiles_that_cannot_be_used(
    change: Any, message: str, profile: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own.profile"
    if change is not None:
        own.write_text(change(profile.read_text()))
    stream = write(tmp_path / "a.jsonl", json_lines(rows(10, 5)))
    assert main(["drift", "watch", f"--reference={own}", f"--stream={stream}", "--once"]) == 3
    assert re.search(message, capsys.readouterr().err)


@pytest.mark.parametrize(
    ("name", "text", "options", "code", "message"),
    [
        ("a.jsonl", '{"who": 1}\n', (), 3, "a.jsonl: the first line is no interaction, it has no user"),
        ("a.jsonl", "user,item\n", (), 3, "no interaction, it is not JSON: 'user,item'"),
        (
            "a.jsonl",
            '{"user": "1", "item": "2", "time": 1764440000000}\n',
            (),
            3,
            "is in the future; times are",
        ),
        ("a.inter", "user:token\titem:token\ttimestamp:float\n1\t2\t3\n", (), 3, "no column user_id, item_id, as the"),
        (
            "a.inter",
            "user_id:token\titem_id:token\ttimestamp:float\n1\t2\n",
            (),
            3,
            "it has 2 columns, the header",
        ),
        ("a.csv", "1,2,3\n", (), 3, r"the format is known by the name: events-\*.log, \*.jsonl, \*.inter"),
        ("no/a.jsonl", None, (), 3, "there is no such file or directory"),
        (".", None, (), 3, "no file of a stream in it"),
        ("a.jsonl", "", ("--window=0",), 2, "a window has one row at least"),
        ("a.jsonl", "", ("--window=soon",), 2, "--window soon: write a whole number and h, d or w"),
        ("a.jsonl", "", ("--output=o",), 2, "--output needs --state"),
        (".", None, ("--state=a.json", "--output=o.jsonl"), 2, "o.jsonl: it would be read as a part of the stream"),
        ("a.jsonl", "", ("--state=a.jsonl",), 2, "--state=a.jsonl: the same command reads"),
        ("a.jsonl", "", ("--poll-seconds=0",), 2, "--poll-seconds must be a number above 0"),
        ("a.jsonl", "", ("--state=no/s.json",), 4, "--state=no/s.json: the folder no does not exist"),
        ("a.jsonl", "", ("--notify=webhook",), 2, "--notify=webhook needs the hosts"),
        ("a.jsonl", "", ("--notify=slack", "--notify-file=no"), 2, "notify_file no cannot be read"),
    ],
)
def test_streams_and_options_that_cannot_be_used(
    name: str,
    text: str | None,
    options: tuple[str, ...],
    code: int,
    message: str,
    profile: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    if text is not None:
        (tmp_path / name).write_text(text)
    command = ["drift", "watch", f"--reference={profile}", f"--stream={tmp_path / name}", "--once", *options]
    assert main(command) == code
    error = capsys.readouterr().err
    assert re.search(message, error) and len(error.splitlines()) <= 3, error


def test_a_file_that_may_not_be_read(tmp_path: Path, watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = write(tmp_path / "a.jsonl", json_lines(rows(10, 5)))

    def refuse(path: Path, mode: str = "r") -> Any:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(ResourceError, match=r"cannot read .*a\.jsonl: Permission denied"):
        watched(stream)


def test_exit_codes_on_request(profile: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = rows(2400, 6)
    other.items = other.items + 300
    stream = write(tmp_path / "a.jsonl", json_lines(other))
    command = ["drift", "watch", f"--reference={profile}", f"--stream={stream}", "--window=20d"]
    assert main([*command, "--once"]) == 0 and len(capsys.readouterr().out.splitlines()) > 1
    assert main([*command, "--exit-code"]) == 6 and len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.slow
def test_the_command_that_writes_a_profile(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from dataset_tools.cli import main as data_main
    from tests.dataset_tools.drift.made_log import made_log

    log = made_log()
    past = log.write(tmp_path / "past", order=np.random.default_rng(0).permutation(len(log.users)))  # sorted first
    command = ["profile", str(past), "--output", str(tmp_path / "p.profile")]
    assert data_main(command) == 0 and "12,000 rows" in capsys.readouterr().out
    assert data_main([*command, "--quiet"]) == 0  # in place of another profile
    (tmp_path / "p.profile").write_text("mine")
    assert data_main(command) == 2 and "does not look like one that this command writes" in capsys.readouterr().err
    assert data_main([*command, "--overwrite", "--quiet"]) == 0
    assert read_profile(tmp_path / "p.profile").week == read_profile(write_profile(tmp_path / "other")).week
