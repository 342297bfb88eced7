import json
import logging
import re
import shlex
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml

from recbole_ext import redact as module
from recbole_ext.cli.main import main
from recbole_ext.config.keys.known_keys import host_keys, keys_of
from recbole_ext.config.keys.mappings import DECLARED
from recbole_ext.config.keys.schema import ByColumn
from recbole_ext.redact import HIDDEN, is_secret_name, redact, redact_text, redact_words, remember, remember_text
from recbole_ext.registry import models
from recbole_ext.report.page import Page
from recbole_ext.runs.recorded import recorded
from recbole_ext.runs.run_files import config_text
from recbole_ext.runs.setting_lines import setting_lines

CANARY = "cAnArY-4711-'quoted' \"twice\" äß\\"
ROWS = [(user, (user + 3 * k) % 12, 1000 * k + user) for user in range(16) for k in range(7)]


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test begins without a remembered secret."""
    monkeypatch.setattr(module, "_remembered", {})
    yield


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("options are --key=value or --key value", "options are --key=value or --key value"),
        ("--key=VALUE.", "--key=VALUE."),
        ("(--api_key=value)", "(--api_key=value)"),
        ("--key=valuable", f"--key={HIDDEN}"),
        ("--api-key=value7", f"--api-key={HIDDEN}"),
    ],
)
def test_placeholders_are_no_secrets(text: str, shown: str) -> None:
    assert redact_text(text) == shown


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("WANDB_API_KEY", True),
        ("AWS_SECRET_ACCESS_KEY", True),
        ("GITHUB_TOKEN", True),
        ("DB_PASS", True),
        ("apiKey", True),
        ("notify-webhook", True),
        ("RECBOLE_EXT_NOTIFY_URL", True),
        ("TOKENIZERS_PARALLELISM", False),
        ("PWD", False),
        ("SSH_AUTH_SOCK", False),
        ("SECRET_FILE", False),
        ("convert_token_to_onehot", False),
        ("monkey", False),
    ],
)
def test_names_of_secrets(name: str, secret: bool) -> None:
    assert is_secret_name(name) is secret


def test_no_setting_of_recbole_is_taken_for_a_secret() -> None:
    names = {*host_keys(), *(key for entry in models().values() for key in keys_of(entry.properties))}
    assert len(names) > 200 and [name for name in names if is_secret_name(name)] == []


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("https://user:pa55@host/x", f"https://{HIDDEN}@host/x"),
        ("at https://discord.com/api/webhooks/12/abc-DEF now", f"at https://discord.com/api/webhooks/{HIDDEN} now"),
        ("https://hooks.slack.com/services/T0/B0/x", f"https://hooks.slack.com/{HIDDEN}"),
        ("ghp_" + "a1" * 15, HIDDEN),
        ("hf_" + "a1" * 15, HIDDEN),
        ("AKIA" + "A1B2" * 4, HIDDEN),
        ("https://h/x?token=abc&page=2", f"https://h/x?token={HIDDEN}&page=2"),
        ("--api_key=abc --seed=7", f"--api_key={HIDDEN} --seed=7"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----!", f"{HIDDEN}!"),
        ("user_id:token\titem_id:token\ttimestamp:float", "user_id:token\titem_id:token\ttimestamp:float"),
        ("2026-11-21 07:49:27,123 INFO a:b@c", "2026-11-21 07:49:27,123 INFO a:b@c"),
    ],
)
def test_forms_of_secrets(text: str, hidden: str) -> None:
    assert redact_text(text) == hidden


@pytest.mark.slow
@pytest.mark.parametrize("part", ["x", "eyJ-", "sk-", "\\", "a:", "https://a:", "-----BEGIN ", "token="])
def test_long_texts_take_no_long_time(part: str) -> None:
    remember_text(CANARY[::-1])
    started = time.process_time()
    redact_text(part * (200_000 // len(part)))
    assert time.process_time() - started < 3


def test_a_value_of_the_environment_is_hidden_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", CANARY)
    for text in (
        CANARY,
        json.dumps(CANARY),
        repr(CANARY),
        repr([repr(CANARY)]),
        json.dumps(repr(CANARY)),
        quote(CANARY),
    ):
        assert "4711" not in redact_text(text)
    monkeypatch.setenv("SHORT_TOKEN", "epochs")
    assert redact_text("epochs: 3") == "epochs: 3"


def test_nested_values_keep_their_shape() -> None:
    values = {"seed": 7, "my_password": "x", "deep": [{"api_key": 12345678, "b": None}], "token": None, "t": ("a", 1.5)}
    assert redact(values) == {
        "seed": 7,
        "my_password": HIDDEN,
        "deep": [{"api_key": HIDDEN, "b": None}],
        "token": None,
        "t": ("a", 1.5),
    }
    remember(values)
    assert redact_text("12345678 x") == f"{HIDDEN} x"


def test_names_of_columns_and_items_name_no_secrets(tmp_path: Path) -> None:
    given = {
        "discretization": {"key": {"method": "ED", "bucket": 3}},
        "val_interval": {"cookie": ["accepted", "refused!"], "sort_token": "[1,2]"},
        "api_token": "canary-4711",
    }
    remember(given)
    (tmp_path / "config.yaml").write_text(config_text(given, {}))
    assert recorded(tmp_path) == {**given, "api_token": HIDDEN}
    assert redact_text("accepted canary-4711") == f"accepted {HIDDEN}"
    result = {"rows": {"filled": {"pass": 3, "my_token": 1}}, "examples": [{"titles": {"the-key": "Title"}}]}
    assert redact(result) == result
    assert redact({"store": {"password": "x"}, "titles": "a"}) == {"store": {"password": HIDDEN}, "titles": "a"}


def test_every_setting_by_column_is_known_as_one() -> None:
    assert {key for key, form in DECLARED.items() if isinstance(form, ByColumn)} <= module.NAMES_OF_DATA


def test_settings_that_equal_a_secret_stay_as_they_were_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", "timestamp")
    given = {"TIME_FIELD": "timestamp", "load_col": {"inter": ["user_id", "timestamp"]}, "db_password": "timestamp"}
    text = config_text(given, {"TIME_FIELD": "timestamp.yaml:3"})
    assert setting_lines(text) == {
        "TIME_FIELD": "TIME_FIELD: timestamp",
        "load_col": "load_col: {inter: [user_id, timestamp]}",
        "db_password": f"db_password: '{HIDDEN}'",
    }
    assert "TIME_FIELD: timestamp  # timestamp.yaml:3" in text
    words = ["python", "run.py", "--TIME_FIELD=timestamp", "--data_path", "timestamp", "--password=timestamp"]
    assert redact_words(words) == [*words[:-1], f"--password={HIDDEN}"]


def test_of_what_is_read_again_only_sentences_are_searched_for_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", "timestamp")
    result = {"model": "timestamp", "timestamp": 7, "warnings": ["no timestamp here"], "hashes": {"timestamp": "a"}}
    assert redact(result) == {**result, "warnings": [f"no {HIDDEN} here"]}
    assert redact({"event": "failed", "text": "KeyError: timestamp", "a": "https://u:timestamp@h"}) == {
        "event": "failed",
        "text": f"KeyError: {HIDDEN}",
        "a": f"https://{HIDDEN}@h",
    }


def test_a_page_shows_settings_and_hides_secrets_in_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", "timestamp")
    page = Page("timestamp").text("a timestamp").table(["timestamp"], [["timestamp"]]).facts({"timestamp": "timestamp"})
    page.code("run --TIME_FIELD=timestamp --password=timestamp")
    shown = page.html()
    assert f"a {HIDDEN}" in shown and f"--TIME_FIELD=timestamp --password={HIDDEN}" in shown
    assert shown.count("timestamp") == 7  # the title twice, head, cell, name, value, setting


def test_the_words_of_a_command_keep_their_options() -> None:
    words = ["python", "run.py", "--api_key=abc", "--password", "geheim", "--seed", "7", "--token"]
    assert redact_words(words) == [
        "python",
        "run.py",
        f"--api_key={HIDDEN}",
        "--password",
        HIDDEN,
        "--seed",
        "7",
        "--token",
    ]


def test_a_key_of_several_lines_is_hidden_line_by_line() -> None:
    remember_text("first line of a key\nsecond line of a key\n")
    assert redact_text("it holds second line of a key") == f"it holds {HIDDEN}"


def test_error_messages_hide_what_was_typed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--model=SS4Rec", "--dataset=ml-100k", "--api_key=[canary-4711"]) == 2
    assert main(["--model=SS4Rec", "--dataset=ml-100k", "--notify=https://hooks.slack.com/services/canary-4711"]) == 2
    assert main(["--model=SS4Rec", "--dataset=canary-4711/x", "--password=canary-4711"]) == 2
    output = capsys.readouterr()
    assert "4711" not in output.err + output.out and output.err.count("error: ") == 3


def made_data(root: Path, write: Callable[..., Path], secret: str) -> None:
    """A data set whose own file has keys of secrets, so that they are known keys."""
    write(root, "made", ROWS)
    extra = {"api_token": secret, "store": {"password": secret}, "other_token": None}
    (root / "made" / "made.yaml").write_text(
        yaml.safe_dump({"load_col": {"inter": ["user_id", "item_id", "timestamp"]}, **extra}, allow_unicode=True)
    )


def words_of_a_run(root: Path) -> list[str]:
    sizes = ["--epochs=2", "--hidden_size=8", "--d_state=2", "--MAX_ITEM_LIST_LENGTH=5", "--topk=[2]"]
    places = [f"--data_path={root}", f"--runs_dir={root / 'runs'}", "--device=cpu", "--show_progress=False"]
    return ["--model=Mamba4Rec", "--dataset=made", *sizes, "--valid_metric=NDCG@2", *places]


@pytest.mark.slow
@pytest.mark.parametrize("fails", [False, True], ids=["to the end", "failing"])
def test_a_secret_is_in_no_byte_of_a_run(
    fails: bool,
    tmp_path: Path,
    write: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    in_file, in_words, in_user_file = "canary-file-4711", "canary-words-4712", "canary-user-4713"
    made_data(tmp_path, write, in_file)
    (tmp_path / "user.yaml").write_text(f"api_token: {in_user_file}\n")
    monkeypatch.setenv("MY_API_KEY", CANARY)
    monkeypatch.setenv("RECBOLE_EXT_NOTIFY_URL", "https://discord.com/api/webhooks/1/canary-hook-4714")
    secrets = [CANARY, in_file, in_words, in_user_file]
    words = [*words_of_a_run(tmp_path), f"--config_files={tmp_path / 'user.yaml'}", f"--other_token={in_words}"]
    monkeypatch.setattr("sys.argv", ["run_recbole_ext.py", *words])
    speak_of(secrets, fails, monkeypatch)
    assert main([*words, "--notify=discord"]) == (1 if fails else 0)
    (folder,) = (tmp_path / "runs").iterdir()
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} >= {".yaml", ".txt", ".json", ".csv", ".jsonl", ".safetensors"}
    assert any("tfevents" in path.name for path in files)
    for path in files:
        content = path.read_bytes()
        assert not re.search(rb"canary", content, re.IGNORECASE), path
    output = capsys.readouterr()
    assert not re.search("canary", output.out + output.err, re.IGNORECASE)
    assert f"--other_token={HIDDEN}" in shlex.split((folder / "command.txt").read_text())
    if not fails:
        assert yaml.safe_load((folder / "config.yaml").read_text())["store"] == {"password": HIDDEN}


def speak_of(secrets: list[str], fails: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the trainer log the secrets, warn of them, and fail with them; nothing is sent."""
    from recbole_ext.training.keeper import Keeper
    from recbole_ext.training.tracking import notify

    begun = Keeper.before_epoch

    sent: list[str] = []
    monkeypatch.setattr(notify, "send", lambda address, body: sent.append(json.dumps(body)))

    def before_epoch(self: Keeper) -> None:
        begun(self)
        logging.getLogger("anything").info("secrets: %s", secrets)
        logging.getLogger("recbole_ext.x").warning("secrets: %s", " ".join(secrets))
        assert sent and "canary" not in "".join(sent).lower()
        if fails and self.state.epoch == 1:
            raise KeyError(f"a fault with {secrets}")

    monkeypatch.setattr(Keeper, "before_epoch", before_epoch)
