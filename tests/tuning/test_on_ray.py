"""What needs Ray itself: whole tunings as a user starts them, each in a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from recbole_ext.cli.main import main
from recbole_ext.tuning.settings import Settings
from recbole_ext.tuning.table import Table, Trial

pytest.importorskip("ray", reason="tuning needs Ray: make tune-setup")
pytest.importorskip("optuna", reason="tuning needs Optuna: make tune-setup")
ROOT = Path(__file__).parents[2]
Start = Callable[..., "subprocess.Popen[str]"]


def results_of(searcher: Any, trial_id: str, *scores: float, start: int = 1) -> list[str]:
    """Report scores as Ray does; what the scheduler decides on each."""
    from recbole_ext.tuning.on_ray import _Past

    searcher.scheduler.on_trial_add(None, _Past(trial_id))
    decisions = []
    for epoch, score in enumerate(scores, start):
        result = {"epochs": epoch, "score": score}
        decisions.append(searcher.scheduler.on_trial_result(None, _Past(trial_id), result))
        searcher.on_trial_result(trial_id, result)
    return decisions


@pytest.fixture
def make(settings: Settings, tmp_path: Path) -> Callable[..., Any]:
    """A searcher on the table in the test's folder; `over` gathers the trials that ended."""

    def searcher(over: list[Trial] | None = None, trials: int = 4, width: int = 1, epochs: int = 9) -> Any:
        from recbole_ext.tuning.on_ray import TableSearcher, scheduler_of

        asked = Settings(**{**vars(settings), "trials": trials})
        ended = [] if over is None else over
        return TableSearcher(asked, Table(tmp_path, True), scheduler_of(asked, epochs, True), 1, width, ended.append)

    return searcher


@pytest.mark.slow
def test_trials_are_handed_out_once_and_as_many_as_were_asked_for(make: Callable[..., Any]) -> None:
    over: list[Trial] = []
    searcher = make(over, trials=2)
    job = searcher.suggest("a")["job"]
    assert job.values == searcher.table.trials[0].values and searcher.suggest("b") is None
    results_of(searcher, "a", 0.1, 0.2)
    searcher.on_trial_complete("a", {"over": True, "failure": ""})
    assert (over[0].state, over[0].reports) == ("finished", [[1, 0.1], [2, 0.2]])
    searcher.suggest("b")
    searcher.on_trial_complete("b", {"over": True, "failure": "NonFiniteError: a loss"})
    assert (over[1].state, over[1].cause) == ("failed", "NonFiniteError: a loss")
    assert searcher.suggest("c") == "FINISHED" and len(searcher.table.trials) == 2


@pytest.mark.slow
def test_after_a_kill_asha_knows_what_was_reported(make: Callable[..., Any]) -> None:
    searcher = make()
    searcher.suggest("a")
    assert results_of(searcher, "a", 0.5, 0.5, 0.5) == ["CONTINUE"] * 3
    searcher.on_trial_complete("a", {"over": True, "failure": ""})
    searcher.suggest("b")  # and here the driver is killed
    over: list[Trial] = []
    again = make(over)
    job = again.suggest("c")["job"]
    assert job.values == searcher.table.trials[1].values and job.reported == 0
    assert results_of(again, "c", 0.1) == ["STOP"]  # worse than the first trial, of which this driver only read
    again.on_trial_complete("c", {"epochs": 1, "score": 0.1})
    assert (over[0].number, over[0].state) == (1, "stopped")


@pytest.mark.slow
def test_a_trial_that_was_to_be_stopped_when_the_driver_died_is_not_begun_again(make: Callable[..., Any]) -> None:
    searcher = make()
    for name, score in (("a", 0.5), ("b", 0.1)):
        searcher.suggest(name)
        decisions = results_of(searcher, name, score)
        if name == "a":
            searcher.on_trial_complete(name, {"over": True, "failure": ""})
    assert decisions == ["STOP"]  # written down, and here the driver is killed
    over: list[Trial] = []
    again = make(over)
    job = again.suggest("c")["job"]
    assert [(t.number, t.state) for t in over] == [(1, "stopped")]
    assert job.place.endswith("0002") and again.table.trials[1].epochs == 1


@pytest.fixture
def start(words: Callable[..., dict[str, Any]], tmp_path: Path) -> Iterator[Start]:
    """Start `tune` as a user does; what a failed test leaves running is ended."""
    begun: list[subprocess.Popen[str]] = []

    def begin(*more: str, **given: Any) -> "subprocess.Popen[str]":
        pairs = [
            f"--{key}={json.dumps(value) if isinstance(value, dict | list) else value}" for key, value in given.items()
        ]
        command = [sys.executable, "run_recbole_ext.py", "tune", *pairs, f"--tune-dir={tmp_path / 'tune'}", *more]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        begun.append(
            subprocess.Popen(
                command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )
        )
        return begun[-1]

    yield begin
    for process in begun:
        if process.poll() is None:
            for each in [*family(process), psutil.Process(process.pid)]:
                each.kill()


def family(process: "subprocess.Popen[str]") -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def wait_for(condition: Callable[[], Any], seconds: float = 400.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def test_a_cluster_that_does_not_answer_is_said_at_once() -> None:
    from recbole_ext.cluster.ray_session import _start
    from recbole_ext.errors import ResourceError

    with pytest.raises(ResourceError, match=r"--ray-address=127\.0\.0\.1:1: no Ray answers there"):
        _start(None, "127.0.0.1:1", "")


@pytest.mark.slow
def test_a_whole_tuning(words: Callable[..., dict[str, Any]], start: Start, tmp_path: Path) -> None:
    process = start(**words(trials=3, max_concurrent=1))
    out = process.communicate(timeout=400)[0]
    assert process.returncode == 0, out
    (folder,) = (tmp_path / "tune").iterdir()
    table = Table(folder, True)
    assert len(table.ended()) == 3 and out.count("  trial ") == 3 and "3/3" in out
    kept = {".lock", "best.yaml", "report.html", "trials", "trials.csv", "tune.yaml"}
    assert {path.name for path in folder.iterdir()} == kept
    best = table.best()
    assert best and [p.parts[-4] for p in folder.glob("trials/*/*/checkpoint/best.json")] == [f"{best.number:04d}"]
    results = [json.loads(path.read_text()) for path in folder.glob("trials/*/*/result.json")]
    assert results and all(result["test"] is None and result["baselines"] == {} for result in results)
    words = [f"--config_files={folder / 'best.yaml'}", f"--runs_dir={tmp_path / 'runs'}", "--torch_threads=1"]
    assert main([*words, "--baselines=[]"]) == 0
    (result,) = (json.loads(path.read_text()) for path in (tmp_path / "runs").glob("*/result.json"))
    assert result["valid"]["ndcg@5"] == pytest.approx(best.score, abs=1e-6) and result["test"]


@pytest.mark.slow
def test_a_budget_ends_a_tuning_and_a_larger_one_goes_on(
    words: Callable[..., dict[str, Any]], start: Start, tmp_path: Path
) -> None:
    given = {"trials": 2, "epochs": 240, "stopping_step": 240, "scheduler": "none", "max_concurrent": 1}
    process = start(**words(**given, price_per_hour=3600.0, budget=10.0, log_tensorboard=False))
    out = process.communicate(timeout=400)[0]
    assert process.returncode in (0, 4) and "budget is spent after" in out, out
    (folder,) = (tmp_path / "tune").iterdir()
    before = Table(folder, True).trials
    assert all(trial.state in ("paused", "finished") for trial in before) and "paused" in [t.state for t in before]
    process = start(f"--resume={folder.name}", "--budget=None")
    out = process.communicate(timeout=400)[0]
    assert process.returncode == 0 and "best        ndcg@5" in out, out
    after = Table(folder, True).trials
    assert [trial.state for trial in after] == ["finished", "finished"]
    assert all(new.reports[: len(old.reports)] == old.reports for old, new in zip(before, after, strict=False))


@pytest.mark.slow
def test_ctrl_c_says_how_to_go_on_and_leaves_no_process_and_no_open_port(
    words: Callable[..., dict[str, Any]], start: Start, tmp_path: Path
) -> None:
    from recbole_ext.cluster.ray_session import _LOOPBACK

    process = start(**words(trials=3, epochs=400, scheduler="none", save_seconds=1, max_concurrent=1))
    wait_for(lambda: list((tmp_path / "tune").glob("*/trials/*/*/metrics.csv")))
    children = family(process)
    sockets = [
        connection.laddr
        for each in [psutil.Process(process.pid), *children]
        for connection in each.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(sockets) > 4 and all(address.ip.startswith(_LOOPBACK) for address in sockets)
    assert not any(address.port == 8265 for address in sockets)  # the dashboard's
    servers = [each for each in children if each.name() in ("gcs_server", "raylet")]
    assert [each.environ().get("RAY_USAGE_STATS_ENABLED") for each in servers] == ["0", "0"]
    process.send_signal(signal.SIGINT)
    out = process.communicate(timeout=120)[0]
    assert process.returncode == 130, out
    (folder,) = (tmp_path / "tune").iterdir()
    assert f"tune --resume={folder.name}" in out and "Traceback" not in out
    wait_for(lambda: not any(each.is_running() and each.status() != "zombie" for each in children), 30)
    assert main(["tune", f"--resume={folder.name}", "--epochs=3", f"--tune_dir={folder.parent}"]) == 2


@pytest.mark.slow
def test_a_worker_that_is_killed_is_begun_again(
    words: Callable[..., dict[str, Any]], start: Start, tmp_path: Path
) -> None:
    process = start(**words(trials=2, epochs=60, scheduler="none", max_concurrent=1))
    wait_for(lambda: list((tmp_path / "tune").glob("*/trials/0000/*/metrics.csv")))
    (worker,) = (each for each in family(process) if "ImplicitFunc" in " ".join(each.cmdline()))
    worker.kill()
    out = process.communicate(timeout=400)[0]
    assert process.returncode == 0, out
    (folder,) = (tmp_path / "tune").iterdir()
    first, second = Table(folder, True).trials
    assert (first.state, first.retries, second.retries) == ("finished", 1, 0)
    assert "killed, or out of memory" in first.cause and not second.cause
    assert [epochs for epochs, _ in first.reports] == list(range(1, first.epochs + 1))


@pytest.mark.torture
@pytest.mark.parametrize("kills", [10])
def test_a_tuning_survives_kills_at_random_instants(
    words: Callable[..., dict[str, Any]], tmp_path: Path, kills: int
) -> None:
    from benchmarks.tuning import killed, same, tuned

    given = words(trials=24, epochs=80, stopping_step=80, max_concurrent=1)
    pairs = [
        f"--{key}={json.dumps(value) if isinstance(value, dict | list) else value}" for key, value in given.items()
    ]
    command = [sys.executable, "run_recbole_ext.py", "tune", *pairs]
    folders = [tmp_path / "whole", tmp_path / "killed"]
    tuned([*command, f"--tune-dir={folders[0]}"], folders[0])
    facts = killed([*command, f"--tune-dir={folders[1]}"], folders[1], kills, seed=3, most=150)
    assert facts["kills"] == kills and facts["ended before a kill"] > 0 and facts["of these run again"] == []
    assert facts["finished"] + facts["stopped"] == 24
    assert same(*folders) == "24 of 24 trials are the same in values, scores and end"
