"""A server in a process of its own: signals, kills, its port, hostile clients, workers."""

import asyncio
import json
import random
import signal
import socket
import threading
import time
from argparse import Namespace
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.serve_load import load
from recbole_ext.serving.http.server import _bound
from recbole_ext.serving.http.settings import Limits
from tests.serving.http.made_server import (
    MadeEngine,
    NotServed,
    Process,
    made_run,
    made_settings,
    open_made,
    server,
)

TOKEN = "0123456789abcdef-token"


def event(number: int) -> dict[str, Any]:
    return {"user": f"u{number % 5}", "item": f"i{number % 50}", "time": number, "id": f"e{number}"}


def connected(started: Process) -> socket.socket:
    host, _, port = started.url.removeprefix("http://").rpartition(":")
    return socket.create_connection((host, int(port)), timeout=20)


def answered(connection: socket.socket) -> bytes:
    """What comes until the server closes."""
    found = b""
    try:
        while part := connection.recv(65536):
            found += part
    except ConnectionResetError:
        pass
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_without_loss(tmp_path: Path, number: int) -> None:
    settings = made_settings(made_run(tmp_path / "run", "w1"), state_dir=tmp_path / "state")
    with server(settings) as started:
        acknowledged = []
        for k in range(100):
            if k == 60:
                started.send(number)
            try:
                sent = started.client.post("/v1/events", json=event(k))
                acknowledged += [k] if sent.status_code == 200 else []
            except httpx.TransportError:
                break
        assert started.wait() == 0 and "stopped" in started.text() and "Traceback" not in started.text()
    assert len(acknowledged) >= 60
    assert state_after(settings).ids >= {f"e{k}" for k in acknowledged}
    assert len(list((tmp_path / "state" / "snapshots").iterdir())) == 1


def killed_in_the_middle(tmp_path: Path, times: int) -> None:
    """Kill a server while it takes events, again and again: nothing that it acknowledged is lost or doubled."""
    settings = made_settings(made_run(tmp_path / "run", "w1"), state_dir=tmp_path / "state", snapshot_events=40)
    dice, acknowledged, sent = random.Random(1), set[int](), 0
    lock = threading.Lock()

    def send(client: httpx.Client, numbers: range) -> None:
        for first in numbers:
            try:
                answer = client.post("/v1/events", json=[event(3 * first + k) for k in range(3)])
            except httpx.TransportError:
                return
            assert answer.status_code == 200, answer.text
            with lock:
                acknowledged.update(3 * first + k for k in range(3))

    for _ in range(times):
        before = len(acknowledged)
        with server(settings) as started, ThreadPoolExecutor(3) as pool:
            clients = [httpx.Client(base_url=started.url, timeout=20) for _ in range(3)]
            for client in clients:
                pool.submit(send, client, range(sent, sent + 1000))
                sent += 1000
            while len(acknowledged) < before + 3:
                time.sleep(0.005)
            time.sleep(dice.uniform(0.0, 0.25))
            started.kill()
        assert "damaged" not in started.text()
    found = state_after(settings)
    assert {f"e{k}" for k in acknowledged} <= found.ids and acknowledged
    assert_uninterrupted(found, settings)
    with server(settings) as started:  # doubled ids stay doubled
        again = started.client.post("/v1/events", json=[event(k) for k in sorted(acknowledged)[:50]]).json()
        assert set(again["results"]) == {"duplicate"}


def state_after(settings: Any) -> MadeEngine:
    """The engine of a server that starts now."""
    from recbole_ext.serving.http.state_directory import StateDirectory

    served, state = open_made(settings), StateDirectory(settings.state_dir)
    assert served.follower is not None
    state.load(served.follower)
    state.close()
    return served.engine  # type: ignore[return-value]


def assert_uninterrupted(found: MadeEngine, settings: Any) -> None:
    """The state is that of an engine which had all events of the log in one go."""
    from recbole_ext.serving.http.event_log import EventLog

    whole, log = MadeEngine("w1"), EventLog(settings.state_dir)
    for _, one in log.read(0):
        whole.update(one)
    log.close()
    assert (found.users, found.ids) == (whole.users, whole.ids)


@pytest.mark.slow
def test_no_acknowledged_event_is_lost_by_a_kill(tmp_path: Path) -> None:
    killed_in_the_middle(tmp_path, 3)


@pytest.mark.slow
def test_no_acknowledged_event_is_lost_by_20_kills(tmp_path: Path) -> None:
    killed_in_the_middle(tmp_path, 20)


@pytest.mark.torture
def test_no_acknowledged_event_is_lost_by_200_kills(tmp_path: Path) -> None:
    killed_in_the_middle(tmp_path, 200)


def test_a_newer_run_takes_over_without_a_dropped_request(tmp_path: Path) -> None:
    run = tmp_path / "current"
    run.symlink_to(made_run(tmp_path / "old", "w1"))
    made_run(tmp_path / "new", "w2")
    settings = made_settings(run, state_dir=tmp_path / "state")
    with server(settings) as started:
        started.client.post("/v1/events", json=[event(k) for k in range(5)])
        stop, found = threading.Event(), list[tuple[int, str]]()

        def load() -> None:
            with httpx.Client(base_url=started.url, timeout=20) as client:
                while not stop.is_set():
                    answer = client.post("/v1/recommend", json={"user": "u1"})
                    found.append((answer.status_code, answer.json().get("run")))

        threads = [threading.Thread(target=load) for _ in range(3)]
        for thread in threads:
            thread.start()
        while not found:
            time.sleep(0.01)
        for name in ("new", "old", "new"):
            (tmp_path / "next").symlink_to(tmp_path / name)
            (tmp_path / "next").rename(run)
            started.send(signal.SIGHUP)
            started.wait_for(f"{name} is served instead of")
            count = len(found)
            while len(found) < count + 9:
                time.sleep(0.01)
        stop.set()
        for thread in threads:
            thread.join()
        run.unlink()
        run.symlink_to(tmp_path / "nowhere")
        started.send(signal.SIGHUP)
        started.wait_for("new is served on; the reload failed")
        assert started.client.post("/v1/recommend", json={"user": "u1"}).json()["run"] == "new"
    assert {status for status, _ in found} == {200} and {name for _, name in found} == {"old", "new"}


def test_a_body_of_100_mb_is_refused_and_the_client_sees_why(tmp_path: Path) -> None:
    with server(made_settings(made_run(tmp_path / "run", "w1"))) as started:
        body = b"x" * 1_000_000
        for headers in ({"content-length": "100000000"}, {}):
            sent = {**headers, "content-type": "application/json"}
            answer = started.client.post("/v1/events", content=(body for _ in range(100)), headers=sent)
            assert answer.status_code == 413
            assert answer.json() == {"error": "the body is larger than 262,144 bytes, the limit of this server"}
        assert started.client.get("/healthz").status_code == 200


def test_connections_are_bounded_and_do_not_stay(tmp_path: Path) -> None:
    settings = made_settings(made_run(tmp_path / "run", "w1"), limits=Limits(connections=200, seconds=1.0))
    with server(settings) as started:
        many = [connected(started) for _ in range(500)]
        refused = answered(many[-1])
        assert refused.startswith(b"HTTP/1.1 503 ") and b"retry-after: 1" in refused
        assert "as many connections as it takes" in json.loads(refused.partition(b"\r\n\r\n")[2])["error"]
        end = time.monotonic() + 10
        while True:  # those that send nothing are closed
            try:
                if started.client.get("/healthz").status_code == 200:
                    break
            except httpx.TransportError:
                pass
            assert time.monotonic() < end
            time.sleep(0.1)
        for connection in many:
            connection.close()
        assert "Traceback" not in started.text()


SLOW: dict[str, list[bytes]] = {
    "headers": [b"POST /v1/events HTTP/1.1\r\n", *[b"x-slow: 1\r\n"] * 100],
    "body": [b"POST /v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n", *[b"x"] * 100],
    "nothing": [b""],
}


@pytest.mark.parametrize("kind", SLOW)
def test_slow_clients_are_let_go(tmp_path: Path, kind: str) -> None:
    settings = made_settings(made_run(tmp_path / "run", "w1"), limits=Limits(seconds=0.5))
    with server(settings) as started, connected(started) as connection:
        begin = time.monotonic()
        try:
            for part in SLOW[kind]:
                connection.sendall(part)
                time.sleep(0.1)
                if time.monotonic() - begin > 1.5:
                    break
        except (BrokenPipeError, ConnectionResetError):
            pass
        found = answered(connection)
        assert time.monotonic() - begin < 6 and (kind != "body" or b"408" in found)


HOSTILE = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n" + b"x: " + b"y" * 100_000 + b"\r\n\r\n",
    b"POST /v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
    b"POST /v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-length: -5\r\n\r\n",
    b"POST /v1/events HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    b"POST /v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99999999999999999999999999\r\n\r\n",
    b"GET /%00%0a%0dINJECTED HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
    b"GET /../../etc/passwd HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
    b"GET /v1/model HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade, close\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
]


def test_what_is_no_request_gets_a_plain_answer(tmp_path: Path) -> None:
    with server(made_settings(made_run(tmp_path / "run", "w1"), limits=Limits(seconds=2.0))) as started:
        for sent in HOSTILE:
            with connected(started) as connection:
                connection.sendall(sent)
                connection.shutdown(socket.SHUT_WR)
                found = answered(connection)
            status = int(found[9:12] or 0)
            assert status in (0, 200) or 400 <= status < 500, (sent[:80], found)
            assert status in (0, 200) or json.loads(found.partition(b"\r\n\r\n")[2])["error"], (sent[:80], found)
        assert started.client.get("/healthz").status_code == 200
        assert "Traceback" not in started.text() and "INJECTED" not in started.text()


@pytest.mark.slow
def test_a_token_in_a_file_or_in_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    run = made_run(tmp_path / "run", "w1")
    for given, environment in (({"token_file": file}, {}), ({}, {"RECBOLE_EXT_TOKEN": TOKEN})):
        with server(made_settings(run, host="0.0.0.0", **given), environment) as started:
            url = started.url.replace("0.0.0.0", "127.0.0.1")
            assert httpx.get(f"{url}/v1/model").status_code == 401
            sent = {"authorization": f"Bearer {TOKEN}", "host": "any.example"}
            assert httpx.get(f"{url}/v1/model", headers=sent).status_code == 200
            assert TOKEN not in started.text()


def failed(settings: Any) -> tuple[int, str]:
    with pytest.raises(NotServed) as error:
        Process(settings)
    code, text = error.value.args
    return code, text


def test_a_port_in_use_and_an_open_host_are_refused(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", "w1")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, error = failed(made_settings(run, port=port))
    assert code == 4
    assert error == (
        f"error: cannot listen on port {port} of 127.0.0.1: address already in use; choose another one with --port, or "
        "0 for any free one"
    )
    code, error = failed(made_settings(run, host="0.0.0.0"))
    assert code == 2 and error.startswith("error: --host=0.0.0.0 can be reached from other machines; set a token")
    code, error = failed(made_settings(run, token_file=run / "weights"))
    assert code == 2 and "a token has at least 16 characters" in error
    code, error = failed(made_settings(run, token_file=run / "nothing"))
    assert code == 3 and "No such file" in error
    code, error = failed(made_settings(tmp_path / "none"))
    assert code == 2 and error.endswith("there is no run")


def test_answers_are_sent_at_once() -> None:
    """asyncio turns Nagle's algorithm off only on sockets whose protocol is named; with it each answer takes 40 ms."""
    with _bound("localhost", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_the_load_generator_counts_answers_and_errors(tmp_path: Path) -> None:
    words = Namespace(token=None, requests=20, rate=200, event_rate=400, events_per_request=5, items=50)
    with server(made_settings(made_run(tmp_path / "run", "w1"))) as started:
        asked, sent = asyncio.run(load(words, started.url))
    assert len(asked.milliseconds) == 20 and asked.errors and asked.errors[0].startswith("422 ")
    assert len(sent.milliseconds) == 8 and sent.errors == [] and max(sent.milliseconds) < 5000
