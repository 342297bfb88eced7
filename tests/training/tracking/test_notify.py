import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from recbole_ext import redact
from recbole_ext.errors import UsageError
from recbole_ext.training.tracking import notify
from recbole_ext.training.tracking.notify import Notifier, event_text, message, notifier, notify_address, send

DISCORD = "https://discord.com/api/webhooks/12/canary-4711"


class Service:
    """A server on this machine that keeps what it is sent."""

    def __init__(self, status: int = 200, wait: float = 0.0, location: str = "") -> None:
        service, self.received = self, []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                service.received.append((self.path, json.loads(content or b"null")))
                time.sleep(wait)
                with suppress(ConnectionError):  # whoever asked has given up
                    self.send_response(status)
                    if location:
                        self.send_header("Location", location)
                    self.end_headers()

            do_GET = do_POST

            def log_message(self, *args: Any) -> None:
                """Silence."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/canary-4711"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def service() -> Iterator[Callable[..., Service]]:
    made: list[Service] = []
    yield lambda *given: made.append(Service(*given)) or made[-1]
    for each in made:
        each.server.shutdown()
        each.server.server_close()


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redact, "_remembered", {})
    monkeypatch.delenv(notify.VARIABLE, raising=False)


@pytest.mark.parametrize(
    ("kind", "address", "hosts"),
    [
        ("discord", DISCORD, []),
        ("discord", "https://discordapp.com/api/webhooks/1/x", []),
        ("slack", "https://hooks.slack.com/services/T/B/x", []),
        ("webhook", "https://hooks.example.org:443/x?y=1", ["other.org", "Hooks.Example.org"]),
    ],
)
def test_allowed_addresses(
    kind: str, address: str, hosts: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(notify.VARIABLE, f" {address}\n")
    assert notify_address(kind, None, hosts) == address
    monkeypatch.delenv(notify.VARIABLE)
    (tmp_path / "address").write_text(address + "\n")
    assert notify_address(kind, str(tmp_path / "address"), hosts) == address


@pytest.mark.parametrize(
    "address",
    [
        "http://discord.com/api/canary-4711",
        "https://discord.com.evil.org/canary-4711",
        "https://evil.org/discord.com/canary-4711",
        "https://discord.com@evil.org/canary-4711",
        "https://user:canary-4711@discord.com/",
        "https://evil.org#@discord.com/canary-4711",
        "https://evil.org\\@discord.com/canary-4711",
        "https://discord.com:8443/canary-4711",
        "https://discord.com:x/canary-4711",
        "https://127.0.0.1/canary-4711",
        "https://[::1]/canary-4711",
        "https://[discord.com/canary-4711",
        "https:///canary-4711",
        "file:///etc/canary-4711",
        "ftp://discord.com/canary-4711",
        "discord.com/canary-4711",
        "https://discord.com/a b/canary-4711",
        "https://discord.com/a\r\nHost: evil.org/canary-4711",
        "https://discord.com/\x7f/canary-4711",
        "https://d\u0131scord.com/canary-4711",
        "https://hooks.slack.com/canary-4711",
    ],
)
def test_other_addresses_are_refused_and_not_shown(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(notify.VARIABLE, address)
    with pytest.raises(
        UsageError, match=r"https://HOST/\.\.\., with HOST one of discord\.com, discordapp\.com"
    ) as error:
        notify_address("discord", None, [])
    assert "canary" not in str(error.value)


def test_an_address_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="notify: slack needs an address; put it into the variable RECBOLE_EXT_NOTIF"):
        notify_address("slack", None, [])
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    for name in ("none", "bytes"):
        with pytest.raises(UsageError, match=f"notify_file .*{name} cannot be read; it must hold the https address"):
            notify_address("slack", str(tmp_path / name), [])


def test_what_is_sent(service: Callable[..., Service]) -> None:
    there = service()
    sent = Notifier("webhook", there.address, "M on d (M-d-1)")
    sent.event("epoch", {"epoch": 1})
    sent.event("failed", {"text": "the loss\nis nan at https://user:canary-4711@host/"})
    sent.event("finished", {"test": {"ndcg@10": 0.12345}, "best_epoch": 3, "total_seconds": 9.5})
    assert there.received == [
        ("/canary-4711", {"text": "M on d (M-d-1) failed: the loss is nan at https://[redacted]@host/"}),
        ("/canary-4711", {"text": "M on d (M-d-1) finished: test ndcg@10 0.1235; best epoch 3, 9.5 s"}),
    ]


def test_warnings_are_few(service: Callable[..., Service]) -> None:
    there = service()
    sent = Notifier("webhook", there.address, "M")
    for number in range(9):
        sent.event("warning", {"text": f"slow {number}"})
    assert [body["text"] for _, body in there.received] == [f"M warning: slow {number}" for number in range(3)]


def test_nobody_is_called_and_no_markup_obeyed() -> None:
    assert message("discord", "@everyone") == {"content": "@everyone", "allowed_mentions": {"parse": []}}
    assert message("slack", "<!channel> a&b") == {"text": "&lt;!channel&gt; a&amp;b"}
    assert len(event_text("failed", {"text": "x" * 10**6})) == 1500


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int, service: Callable[..., Service]) -> None:
    elsewhere = service()
    there = service(status, 0.0, elsewhere.address)
    with pytest.raises(OSError, match=f"the answer was HTTP {status}"):
        send(there.address, {})
    assert len(there.received) == 1 and elsewhere.received == []


def test_a_service_that_does_not_answer_is_given_up(service: Callable[..., Service]) -> None:
    assert notify.TIMEOUT_SECONDS == 5.0
    started = time.perf_counter()
    with pytest.raises(OSError, match=r"no answer within 0\.2 s|could not be sent \(TimeoutError\)"):
        send(service(200, 2.0).address, {}, timeout=0.2)
    assert time.perf_counter() - started < 1.0


def test_a_service_that_is_not_there_is_reported_without_its_address(service: Callable[..., Service]) -> None:
    there = service()
    there.server.shutdown()
    there.server.server_close()
    with pytest.raises(OSError, match=r"it could not be sent \(ConnectionRefusedError\)") as error:
        send(there.address, {})
    assert "canary" not in str(error.value)
    with pytest.raises(OSError, match="the answer was HTTP 500"):
        send(service(500).address, {})


def test_a_run_is_notified_and_failures_to_notify_do_not_matter(
    build: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from recbole_ext.pipeline.train import run

    config, _, _ = build(notify="discord", epochs=1)
    with pytest.raises(UsageError, match="notify: discord needs an address"):
        run(config)
    monkeypatch.setenv(notify.VARIABLE, DISCORD)
    bodies: list[dict[str, Any]] = []

    def refused(address: str, body: dict[str, Any]) -> None:
        bodies.append(body)
        raise OSError(f"the answer of {address} was HTTP 500")

    monkeypatch.setattr(notify, "send", refused)
    with caplog.at_level(logging.WARNING, "recbole_ext"):
        assert run(config)["best_epoch"] == 1
    assert "finished: test" in bodies[-1]["content"]
    warned = [record.getMessage() for record in caplog.records if "notify does not work" in record.getMessage()]
    assert len(warned) == 1 and "canary" not in warned[0]


def test_a_server_that_refuses_is_reported_on_the_console_and_stops_nothing(
    build: Callable[..., Any],
    service: Callable[..., Service],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from recbole_ext.pipeline.train import run

    there = service(500)
    monkeypatch.setattr(notify, "notify_address", lambda *given: there.address)
    config, _, _ = build(notify="webhook", notify_hosts=["hooks.example.org"], epochs=1)
    assert run(config)["epochs_trained"] == 1
    assert "finished: test" in there.received[-1][1]["text"]
    shown = capsys.readouterr().out
    assert "the answer was HTTP 500" in shown and "canary" not in shown


def test_the_variable_that_other_programs_use_for_discord(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_WEBHOOK_URL", DISCORD)
    assert notify_address("discord", None, []) == DISCORD
    with pytest.raises(UsageError, match="the variable RECBOLE_EXT_NOTIFY_URL"):
        notify_address("slack", None, [])
    monkeypatch.setenv(notify.VARIABLE, "https://discord.com/api/webhooks/1/other")
    assert notify_address("discord", None, []).endswith("/other")
    monkeypatch.delenv(notify.VARIABLE)
    monkeypatch.setenv("DISCORD_WEBHOOK_URL", "https://evil.example/x")
    with pytest.raises(UsageError, match="the variable DISCORD_WEBHOOK_URL: the address must be"):
        notify_address("discord", None, [])


def test_a_configuration_without_notify() -> None:
    assert notifier(None, None, None, "run") is None
