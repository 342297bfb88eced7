"""What a server logs of its lists, and that `ab` reads it."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from dataset_tools.drift.ab.log import read_outcomes
from recbole_ext.errors import UsageError
from recbole_ext.serving.http.live import Live
from recbole_ext.serving.http.recommendation_log import RecommendationLog
from recbole_ext.serving.live.messages import Event, Query
from tests.serving.http.made_server import made_run, made_settings, open_made


def test_ab_reads_what_a_server_logs(tmp_path: Path) -> None:
    state = tmp_path / "state"
    settings = made_settings(made_run(tmp_path / "run", "w1"), state_dir=state, log_recommendations=True)

    async def session() -> None:
        live = Live(settings, open_made)
        await live.start()
        await live.take([Event("u", "i7", 1, "e1"), Event("v", "i8", 1, "e2")])
        await live.recommend(live.served, Query("u", k=3))
        await live.recommend(live.served, Query("v", k=3))
        await live.recommend(live.served, Query(None, [("i1", 1)], k=3))  # of no user
        await live.take([Event("u", "i0", 5, "e3"), Event("u", "i0", 5, "e3"), Event("v", "i40", 5, "e4")])
        await live.take([Event("v", "i1", None)])  # refused by this engine
        await live.stop()

    asyncio.run(session())
    (file,) = state.glob("recommendations-*.jsonl")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line.get("items", line.get("item")) for line in lines] == [
        *("i7", "i8", ["i7", "i0", "i1"], ["i8", "i0", "i1"], "i0", "i40"),
    ]
    assert file.stat().st_mode & 0o777 == 0o600
    found = read_outcomes(state, 86400)
    assert (found.users, found.counts.tolist()) == (["u", "v"], [[1, 1, 1], [1, 0, 0]])


def test_a_torn_line_is_dropped_and_a_full_disk_stops_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    log = RecommendationLog(tmp_path)
    log.shown("u", ["a"], "r")
    log.close()
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole + b'{"time": 5, "us')
    log.shown("v", ["b"], "r")
    assert file.read_bytes().startswith(whole) and len(file.read_bytes().splitlines()) == 2

    def short(descriptor: int, content: Any) -> int:
        return len(content) - 3

    monkeypatch.setattr(os, "write", short)
    log.shown("w", ["c"], "r")
    log.shown("w", ["c"], "r")
    assert log.lost == 2 and caplog.text.count("lists are not logged: the disk is full") == 1
    assert len(read_outcomes(tmp_path, None).users) == 2


def test_files_of_old_days_are_deleted_on_request(tmp_path: Path) -> None:
    for name, days in (("recommendations-20200101.jsonl", 40), ("recommendations-20200201.jsonl", 0)):
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, times=(os.stat(tmp_path).st_mtime - days * 86400,) * 2)
    RecommendationLog(tmp_path, 30).shown("u", ["a"], "r")
    assert sorted(path.name for path in tmp_path.iterdir())[0] == "recommendations-20200201.jsonl"


def test_it_needs_a_state_directory(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--log-recommendations writes to the state directory"):
        made_settings(tmp_path, log_recommendations=True)
