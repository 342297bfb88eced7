"""What benchmarks print is what they measured: epochs, rows, sizes of logs, ids of events."""

import argparse
import asyncio
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import data, data_tools, phases, recommend, scan, serve_load


def test_the_best_epoch_of_a_phase_is_that_of_its_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    valid = dict.fromkeys(phases.COLUMNS, 0.5)
    result = {"valid": valid, "test": {"auc": 0.5}, "best_epoch": 5, "criteria": [{"verdict": "", "text": ""}]}
    monkeypatch.setattr(phases, "configuration", lambda *words, **given: {"seeds": [1], "epochs": 5})
    monkeypatch.setattr(phases, "run", lambda config: result)
    phases.summary(argparse.Namespace(config_files="mdaf-phase-1"), [1])
    assert "best epoch           5.0000" in capsys.readouterr().out


def test_the_loop_is_scaled_by_the_rows_that_it_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data_tools.make_movielens(tmp_path / "ratings.csv", 50)
    times = iter([SimpleNamespace(ru_utime=0.0, ru_stime=0.0), SimpleNamespace(ru_utime=4.0, ru_stime=1.0)])
    monkeypatch.setattr(data_tools.resource, "getrusage", lambda who: next(times))
    assert data_tools.loop_over_iloc(tmp_path / "ratings.csv", 200_000) == 5.0 / 50


def test_a_kept_folder_holds_a_log_of_each_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(data.subprocess, "run", lambda *words, **given: None)
    for rows in (400, 800):
        monkeypatch.setattr(sys, "argv", ["data", f"--folder={tmp_path}", f"--rows={rows}"])
        data.main()
    written = sorted(len(file.read_text().splitlines()) - 1 for file in tmp_path.rglob("*.inter"))
    assert written == [400, 800] and "800 rows" in capsys.readouterr().out


def test_a_kept_folder_of_recommend_holds_a_run_of_each_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders: list[Path] = []
    monkeypatch.setattr(recommend, "make_inter", lambda folder, *sizes: folders.append(folder))
    monkeypatch.setattr(recommend, "make_run", lambda folder, *given: folder)
    monkeypatch.setattr(recommend, "measure", lambda run, *given: str(run))
    for users in (10, 20):
        monkeypatch.setattr(sys, "argv", ["recommend", f"--folder={tmp_path}", f"--users={users}"])
        recommend.main()
    assert len(set(folders)) == 2


def test_events_of_a_second_load_are_no_duplicates(monkeypatch: pytest.MonkeyPatch) -> None:
    ids: list[str] = []

    class Answers:
        def __init__(self, url: str, token: str | None) -> None:
            pass

        async def post(self, path: str, body: bytes) -> tuple[int, bytes]:
            ids.extend(event["id"] for event in json.loads(body) if path == "/v1/events")
            return 200, b""

    async def at_once(count: int, per_second: float, ask: Any, into: serve_load.Measured) -> None:
        for number in range(count):
            await ask(number)

    monkeypatch.setattr(serve_load, "Pool", Answers)
    monkeypatch.setattr(serve_load, "at_rate", at_once)
    words = argparse.Namespace(requests=4, rate=2, event_rate=2, events_per_request=1, items=5, token=None)
    for _ in range(2):
        asyncio.run(serve_load.load(words, ""))
    assert len(ids) == len(set(ids)) == 8


def test_a_server_that_does_not_start_ends_the_load_with_its_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    start = subprocess.Popen

    def refused(words: list[str], **given: Any) -> Any:
        return start(
            [sys.executable, "-c", "import sys; print('error: no such run', flush=True); sys.exit(3)"], **given
        )

    monkeypatch.setattr(serve_load.subprocess, "Popen", refused)
    with pytest.raises(SystemExit) as caught, serve_load.serving(tmp_path / "run", tmp_path / "state"):
        pass
    assert caught.value.code == 3 and "error: no such run" in capsys.readouterr().err


def test_every_scan_is_repeated_as_often(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[set[str], int]] = []

    def least(contestants: dict[str, Any], repetitions: int = scan.REPETITIONS) -> dict[str, float]:
        asked.append((set(contestants), repetitions))
        return dict.fromkeys(contestants, 1.0)

    monkeypatch.setattr(scan, "least_seconds", least)
    monkeypatch.setattr(scan, "selective_work", lambda *words: lambda: None)
    monkeypatch.setattr(scan.torch, "set_num_threads", lambda number: None)
    scan.compare_selective(50)
    assert {repetitions for _, repetitions in asked} == {scan.REPETITIONS}
    assert {"cpu", "parallel", "16"} <= asked[0][0]


def test_kernels_are_compiled_before_a_part_is_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(data.subprocess, "run", lambda words, **given: started.append(words))
    monkeypatch.setattr(sys, "argv", ["data", f"--folder={tmp_path}", "--rows=400"])
    data.main()
    parts = [words[-2] for words in started]
    assert parts == ["--part=reading", "--part=ranking"] * 2 and started[0][-1] != started[2][-1]


def test_recommend_is_measured_after_a_first_use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    started: list[list[str]] = []

    def written(words: list[str], check: bool) -> None:
        started.append(words)
        output = next(word.removeprefix("--output=") for word in words if word.startswith("--output="))
        recommend.pl.DataFrame({"user_id": [1]}).write_parquet(output)

    monkeypatch.setattr(recommend.subprocess, "run", written)
    assert recommend.measure(tmp_path / "run", 5, ["--engine=ray"]).startswith("1 rows")
    assert ["--users=1" in words for words in started] == [True, False]


@pytest.mark.parametrize(("taobao", "release"), [(False, "ml-20m"), (True, "taobao")])
def test_the_kernels_of_the_format_are_compiled_before(
    taobao: bool, release: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started: list[list[str]] = []

    def measured(words: list[str]) -> dict[str, float]:
        started.append(words)
        return {"cpu_s": 1.0, "wall_s": 1.0, "peak_mib": 1.0}

    monkeypatch.setattr(data_tools, "measured", measured)
    data_tools.run(tmp_path, 100, taobao, compare=False)
    assert [words[0] for words in started] == ["convert", "split"] * 2
    assert [words[1] for words in started if words[0] == "convert"] == [release] * 2
