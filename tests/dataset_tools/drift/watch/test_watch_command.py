"""The command: messages, signals."""

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.cli.main import main
from recbole_ext.training.tracking import notify
from tests.dataset_tools.drift.watch.conftest import json_lines, rows


def test_a_message_is_sent_and_one_that_fails_ends_nothing(
    profile: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = rows(2400, 6)
    other.items = other.items + 300
    stream = tmp_path / "a.jsonl"
    stream.write_text("".join(f"{line}\n" for line in json_lines(other)))
    monkeypatch.setenv("RECBOLE_EXT_NOTIFY_URL", "https://hooks.slack.com/services/secret-part-of-it")
    sent: list[Any] = []
    monkeypatch.setattr(notify, "send", lambda address, body: sent.append((address, body)))
    command = ["drift", "watch", f"--reference={profile}", f"--stream={stream}", "--window=20d", "--once"]
    assert main([*command, "--notify=slack"]) == 0
    (address, body), *more = sent
    assert address.startswith("https://hooks.slack.com/") and "drift in " in body["text"] and not more
    capsys.readouterr()

    def refuse(address: str, body: dict[str, Any]) -> None:
        raise OSError("the answer was HTTP 500")

    monkeypatch.setattr(notify, "send", refuse)
    assert main([*command, "--notify=slack"]) == 0
    printed = capsys.readouterr()
    assert printed.err == "the message was not sent: the answer was HTTP 500\n" and len(printed.out.splitlines()) > 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_watch_in_good_order(profile: Path, tmp_path: Path, number: signal.Signals) -> None:
    stream, state = tmp_path / "a.jsonl", tmp_path / "state.json"
    stream.write_text("".join(f"{line}\n" for line in json_lines(rows(50, 5))))

    def stop() -> None:
        for _ in range(1000):
            if state.exists():
                break
            time.sleep(0.01)
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=stop)
    thread.start()
    command = ["drift", "watch", f"--reference={profile}", f"--stream={stream}", f"--state={state}", "--window=100"]
    assert main([*command, "--poll-seconds=0.01"]) == 0
    thread.join()
    assert main([*command, "--once"]) == 0  # the lines that were left
    assert '"rows":50' in state.read_text()
