"""Runs of each task behind HTTP, with their real engines and models."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import recbole_ext as rx
from recbole_ext.errors import UsageError
from recbole_ext.serving.http.app import from_environment, open_app
from recbole_ext.serving.http.settings import ServeSettings
from recbole_ext.serving.run import Run
from tests.conftest import CLICK_HEADER, SMALL_CLICKS, write_inter
from tests.serving.http.made_server import ROOT, wait_for
from tests.serving.http.test_app import Client

ROWS = [(f"u{u}", f"i{(u + 3 * k + k * (u % 3)) % 14}", 100 * u + 10 * k) for u in range(18) for k in range(6)]
TINY: dict[str, Any] = {"epochs": 1, "baselines": [], "show_progress": False, "device": "cpu"}
SEQUENCES: dict[str, Any] = {"hidden_size": 8, "MAX_ITEM_LIST_LENGTH": 8, "topk": [3], "valid_metric": "MRR@3"}
COLUMNS = {"load_col": {"inter": ["user_id", "item_id", "timestamp"]}}


@pytest.fixture(scope="module")
def train(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Run]:
    root = tmp_path_factory.mktemp("served")

    def trained(model: str, rows: list[tuple[Any, ...]], header: str = "", **given: Any) -> Run:
        data = write_inter(root / model, "made", rows, header)
        return rx.train(model, "made", data_path=data, runs_dir=root / "runs", **{**TINY, **given})

    return trained


@pytest.fixture
def serve() -> Iterator[Callable[..., Client]]:
    loop, clients = asyncio.new_event_loop(), list[Client]()

    def started(run: Path, **given: Any) -> Client:
        clients.append(Client(open_app(ServeSettings(run, **given)), loop))
        return clients[-1]

    yield started
    for client in clients:
        client.close()
    loop.close()


@pytest.fixture(scope="module")
def ss4rec(train: Callable[..., Run]) -> Run:
    return train("SS4Rec", ROWS, num_layers=1, d_state=4, **SEQUENCES, **COLUMNS)


@pytest.mark.slow
def test_a_served_run_answers_as_it_recommends_and_follows_events(
    tmp_path: Path, ss4rec: Run, serve: Callable[..., Client]
) -> None:
    def asked(client: Client, **named: Any) -> dict[str, Any]:
        answer = client.ask("/v1/recommend", {"user": "u3", "k": 5, "at": 9999, **named})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    client = serve(ss4rec.path, state_dir=tmp_path / "state")
    expected = ss4rec.recommend(["u3"], k=5, time=9999)
    assert asked(client)["items"] == expected["item_id"].to_list()
    assert asked(client)["scores"] == pytest.approx(expected["score"].to_list(), abs=1e-4)
    sent = [{"user": user, "item": "i5", "time": 5000, "id": f"{user}-1"} for user in ("u3", "new")]
    assert client.ask("/v1/events", sent).json() == {"results": ["applied"] * 2, "errors": {}, "durable": True}
    assert "i5" not in asked(client)["items"] and "i5" in asked(client, exclude_seen=False, k=14)["items"]
    answers = asked(client), asked(client, user="new")
    assert "recbole_ext_state_users 19.0" in client.ask("/metrics").text
    client.close()
    again = serve(ss4rec.path, state_dir=tmp_path / "state")
    assert (asked(again), asked(again, user="new")) == answers
    assert again.ask("/v1/events", sent).json()["results"] == ["duplicate"] * 2
    assert asked(again, k=15)["notes"] == ["k is 15, and 7 items are candidates"]
    for wrong, sentence in (({"user": "lost"}, "lost"), ({"history": []}, "history")):
        answer = again.ask("/v1/recommend", wrong)
        assert answer.status_code == 422 and sentence in answer.json()["error"], answer.text
    facts = again.ask("/v1/model").json()
    assert len(facts["weights_sha256"]) == 64 and facts["model_card"].startswith("---\n") and facts["finished"] is True


@pytest.mark.slow
def test_the_application_is_built_from_the_environment(
    ss4rec: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("recbole_ext.serving.http.logs.log_to_terminal", lambda: None)
    monkeypatch.setenv("RECBOLE_EXT_SERVE", json.dumps({"run": str(ss4rec.path), "workers": 2}))
    loop = asyncio.new_event_loop()
    client = Client(from_environment(), loop)
    assert client.ask("/v1/recommend", {"user": "u3", "k": 2}).status_code == 200
    assert client.ask("/v1/events", {"user": "u3", "item": "i1", "time": 1}).status_code == 409
    client.close()
    loop.close()
    for wrong in ("{", '{"runs": 3}', json.dumps({"run": str(ss4rec.path / "nothing")})):
        monkeypatch.setenv("RECBOLE_EXT_SERVE", wrong)
        with pytest.raises(SystemExit):
            from_environment()
        assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.slow
def test_a_rating_model_rates(train: Callable[..., Run], serve: Callable[..., Client]) -> None:
    rows = [(u, i, 1 + (u * i) % 5, 100 * u + i) for u in range(1, 13) for i in range(1, 13) if (u + i) % 3]
    header = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
    run = train("HybridVAE", rows, header, load_col={"inter": ["user_id", "item_id", "rating", "timestamp"]})
    client = serve(run.path)
    pairs = [{"user": "1", "item": "2"}, {"user": "lost", "item": "3"}]
    answer = client.ask("/v1/rate", {"pairs": pairs}).json()
    assert len(answer["predictions"]) == 2 and all(1 <= rating <= 5 for rating in answer["predictions"])
    assert min(answer["stds"]) > 0 and answer["run"] == run.path.name
    mixed = client.ask("/v1/rate", {"pairs": [{**pairs[0], "time": 5}, pairs[1]]})
    assert mixed.status_code == 422 and mixed.json()["error"] == "pairs: give a time for all pairs or for none"
    assert client.ask("/v1/events", {"user": "1", "item": "2", "time": 3}).status_code == 409
    with pytest.raises(UsageError, match="HybridVAE follows no users"):
        serve(run.path, state_dir=run.path / "state")


@pytest.mark.slow
def test_a_click_model_scores(train: Callable[..., Run], serve: Callable[..., Client]) -> None:
    rows = [(u, i, 100 * u + i, (u + i) % 2) for u in range(1, 9) for i in range(1, 9)]
    settings = {name: value for name, value in SMALL_CLICKS.items() if name != "epochs"}
    run = train("MDAFMamba", rows, CLICK_HEADER, **settings)
    client = serve(run.path)
    answer = client.ask("/v1/click", {"rows": [{"user": "1", "item": "2", "time": 5000}]}).json()
    assert 0 < answer["probabilities"][0] < 1
    wrong = client.ask("/v1/click", {"rows": [{"user": "1", "item": "2", "time": 5000, "context": {"x": "y"}}]})
    assert wrong.status_code == 422 and wrong.json()["error"] == "rows.0.context must have no fields (got x)"


def test_the_command_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from recbole_ext.cli.commands import serve as command
    from recbole_ext.cli.main import main

    assert main(["serve", f"--run={tmp_path}"]) == 2
    assert "there is no run" in capsys.readouterr().err
    monkeypatch.setattr(command, "LIBRARIES", ("fastapi", "no_such_library"))
    assert main(["serve", f"--run={tmp_path}"]) == 4
    assert "serve needs no_such_library, not installed here; install with: make serve-setup" in capsys.readouterr().err


@pytest.mark.slow
def test_workers_share_the_port_and_their_counters_and_reload_together(tmp_path: Path, ss4rec: Run) -> None:
    run, newer, printed = tmp_path / "current", tmp_path / "newer", tmp_path / "printed"
    shutil.copytree(ss4rec.path, newer)
    run.symlink_to(ss4rec.path)
    words = [sys.executable, "run_recbole_ext.py", "serve", f"--run={run}", "--port=0", "--workers=2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with open(printed, "wb") as file:
        process = subprocess.Popen(words, cwd=ROOT, stdout=file, stderr=file, env=environment)
    try:
        url = wait_for(printed, "serving on ").split()[0]
        end = time.monotonic() + 240
        while printed.read_text().count("is ready") < 2:
            assert time.monotonic() < end and process.poll() is None, printed.read_text()
            time.sleep(0.2)
        event = {"user": "u1", "item": "i1", "time": 1}
        assert httpx.post(f"{url}/v1/events", json=event, timeout=30).status_code == 409
        for _ in range(20):
            answer = httpx.post(f"{url}/v1/recommend", json={"history": [{"item": "i1", "time": 1}]}, timeout=30)
            assert answer.status_code == 200
        assert 'recbole_ext_requests_total{path="/v1/recommend",status="200"} 20.0' in httpx.get(f"{url}/metrics").text
        run.unlink()
        run.symlink_to(newer)
        process.send_signal(1)
        while printed.read_text().count("newer is served instead of") < 2:
            assert httpx.get(f"{url}/healthz", timeout=30).status_code == 200 and time.monotonic() < end
            time.sleep(0.2)
        process.terminate()
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
