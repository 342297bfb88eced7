"""Settings of a server, and the variable that holds them."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.errors import UsageError
from recbole_ext.serving.http.settings import VARIABLE, Limits, ServeSettings


def from_text(text: str) -> ServeSettings:
    return ServeSettings.from_environment({VARIABLE: text})


def test_processes_find_the_settings_that_were_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")
    settings = ServeSettings(Path("r"), state_dir=Path("s"), limits=Limits(k=7), engine={"warm": True}, device="cpu")
    settings.to_environment()
    assert ServeSettings.from_environment(os.environ) == settings
    assert from_text('{"run": "r"}') == ServeSettings(Path("r"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "must hold settings as a JSON object.*it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ("[]", r"settings: no object, but \[\]"),
        ('"runs/NAME"', "settings: no object, but 'runs/NAME'"),
        ("{}", r"run must be the path of a run \(got None\)"),
        ('{"runs": "r"}', "no settings 'runs'; there are run, host"),
        ('{"run": "r", "limits": {"max-k": 3}}', "no limits 'max-k'; there are body, k"),
        ('{"run": "r", "limits": []}', "limits: no object"),
    ],
)
def test_a_variable_that_holds_no_settings(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        from_text(text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("run", None), ("run", 3), ("run", []), ("run", ""), ("state_dir", 5), ("state_dir", "")),
        *(("token_file", True), ("host", None), ("data_path", 5), ("device", 0), ("log_requests", "yes")),
        *(("log_recommendations", 1), ("engine", None), ("engine", []), ("port", "8000"), ("workers", True)),
    ],
)
def test_values_of_another_type(name: str, value: Any) -> None:
    with pytest.raises(UsageError, match=rf"{VARIABLE}: (--)?{name} must be "):
        from_text(json.dumps({"run": "r", name: value}))


def test_no_variable() -> None:
    with pytest.raises(UsageError, match=rf"{VARIABLE} must hold settings .* \(it is not set\)"):
        ServeSettings.from_environment({})
