from pathlib import Path
from typing import Any

import pytest

from recbole_ext.errors import UsageError
from recbole_ext.pipeline.configure import build_config


@pytest.mark.parametrize(
    "code",
    ["__import__('os').system('touch executed')", "open('executed', 'w')", "open", "exec", "DAGFM; x", 7, ["CIN"]],
)
def test_a_teacher_is_a_name_and_no_code(code: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"teacher must be one of CrossNet, CIN, DAGFM|teacher must be of type str"):
        build_config("KD_DAGFM", "ml-100k", [], {"teacher": code, "device": "cpu"})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"benchmark_filename": ["../../x", "past"]}, r"benchmark_filename: a part of a file's name .*'\.\./\.\./x'"),
        ({"additional_feat_suffix": ["/etc/passwd"]}, "additional_feat_suffix: a part of a file's name"),
        ({"additional_feat_suffix": ["a\0b"]}, "additional_feat_suffix: a part of a file's name"),
        ({"log_tensorboard": "on please"}, "log_tensorboard must be one of auto, True, False"),
        ({"notify": "telegram"}, "notify must be one of discord, slack, webhook; the address is no part of it"),
        ({"notify": "webhook"}, "notify: webhook needs the hosts that may be written to"),
        ({"notify": "webhook", "notify_hosts": ["a/b"]}, "notify_hosts must hold names of hosts"),
    ],
    ids=str,
)
def test_what_does_not_pass(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build_config("BPR", "ml-100k", [], {**given, "device": "cpu"})


def test_a_notified_address_is_not_shown() -> None:
    with pytest.raises(UsageError) as error:
        build_config("BPR", "ml-100k", [], {"notify": "https://hooks.slack.com/canary", "device": "cpu"})
    assert "canary" not in str(error.value)


def test_a_data_path_that_is_no_text_is_a_plain_error(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("data_path: [a]\n")
    with pytest.raises(UsageError, match="data_path must be of type str"):
        build_config("BPR", "ml-100k", [str(tmp_path / "a.yaml")], {"device": "cpu"})
