from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.cli.all_commands import parse
from recbole_ext.cli.run_settings import given_keys
from recbole_ext.config.config import Config
from recbole_ext.config.keys.separators import literal
from recbole_ext.config.yaml_reader import read_yaml
from recbole_ext.errors import UsageError
from recbole_ext.experiments.template import change_of
from recbole_ext.pipeline.configure import build_config
from recbole_ext.tuning.settings import settings_of


@pytest.mark.parametrize("typed", [",", ";", "|", " ", "\\t", "\t"])
@pytest.mark.parametrize("key", ["field_separator", "seq_separator"])
def test_what_is_typed_is_the_separator(key: str, typed: str, tmp_path: Path) -> None:
    meant = "\t" if typed == "\\t" else typed
    given = parse(["--model=BPR", "--dataset=made", f"--{key}={typed}"]).keys
    assert build_config("BPR", "made", [], {key: given[key]})[key] == meant
    assert parse(["--model=BPR", f"--{key}", typed]).keys[key] == given[key]
    assert change_of(f"data.{key}={typed}").values[key] == typed
    space, file = tmp_path / "space.yaml", tmp_path / "own.yaml"
    space.write_text("learning_rate: {choice: [0.1, 0.2]}\n")
    words = parse(["tune", "--model=BPR", "--dataset=made", f"--{key}={typed}"])
    tuned = settings_of(given_keys(words) | {"space": str(space)})
    assert tuned.given[key] == typed
    for line in [f'{key}: "{typed}"', f"{key}: '{typed}'", f"{key}: {typed}  # so"][: 3 if typed.strip() else 2]:
        file.write_text(f"{line}\ntopk: [10]\n")
        assert build_config("BPR", "made", [str(file)], {})[key] == meant, line


def test_quotes_around_a_separator_are_no_part_of_it() -> None:
    assert [literal(text) for text in ("','", '"|"', "'\\t'", "'", ", ")] == [",", "|", "\t", "'", ", "]


def test_other_lines_of_a_file_stay_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text("field_separator: ,\nrunning: |\n  a\n  b\n")
    assert read_yaml(file) == ({"field_separator": ",", "running": "a\nb\n"}, {"field_separator": 1, "running": 2})


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"field_separator": "::"}, r"field_separator must be one character, .* \(got '::'\); for instance"),
        ({"field_separator": r"\s+"}, "taken literally, never as a pattern"),
        ({"field_separator": ""}, "field_separator must be one character"),
        ({"field_separator": None}, r"\(got None\)"),
        ({"field_separator": "x"}, "no letter"),
        ({"seq_separator": ""}, "seq_separator must be one or more characters"),
        ({"encoding": "gbkk"}, "encoding: Python knows no text encoding 'gbkk'; for instance utf-8, gbk"),
        ({"encoding": "hex"}, "no text encoding 'hex'"),
    ],
)
def test_what_no_file_can_be_read_with(given: dict[str, Any], fault: str) -> None:
    with pytest.raises(UsageError, match=fault):
        build_config("BPR", "made", [], given)


@pytest.mark.parametrize("name", ["gbk", "latin-1", "utf-8-sig", "UTF8", None])
def test_encodings_that_are_known(name: str | None, make_config: Callable[..., Config], tmp_path: Path) -> None:
    assert make_config("BPR", tmp_path, encoding=name)["encoding"] == name
