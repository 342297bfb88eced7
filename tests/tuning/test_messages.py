"""What is sent of a tuning, and that nothing depends on it."""

from typing import Any

import pytest

from recbole_ext.errors import DataError, InterruptedRun
from recbole_ext.training.tracking import notify
from recbole_ext.tuning.messages import notified

CONFIG = {"notify": "webhook", "notify_file": None, "notify_hosts": ["hooks.example.org"]}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setenv(notify.VARIABLE, "https://hooks.example.org/canary-4711")
    monkeypatch.setattr(notify, "send", lambda address, body: found.append(body["text"]))
    return found


def test_how_a_tuning_ends_is_sent(sent: list[str]) -> None:
    with notified(CONFIG, "tuning of M") as facts:
        facts["text"] = "best ndcg@10 0.12 by trial 3"
    for error in (DataError("no trial has a score"), InterruptedRun("stopped", 15)):
        with pytest.raises(type(error)), notified(CONFIG, "tuning of M"):
            raise error
    assert sent == [
        "tuning of M finished: best ndcg@10 0.12 by trial 3",
        "tuning of M failed: no trial has a score",
        "tuning of M interrupted: stopped",
    ]


def test_a_message_that_is_not_sent_is_said_and_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, sent: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*given: Any) -> None:
        raise OSError("the answer was HTTP 500")

    monkeypatch.setattr(notify, "send", refused)
    with notified(CONFIG, "tuning of M"):
        pass
    assert capsys.readouterr().err == "warning: the message 'finished' was not sent: the answer was HTTP 500\n"


def test_without_notify_nothing_is_sent(sent: list[str]) -> None:
    with notified({"notify": None, "notify_file": None, "notify_hosts": []}, "tuning of M"):
        pass
    assert sent == []
