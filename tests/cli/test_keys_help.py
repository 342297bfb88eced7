from pathlib import Path

import pytest

from recbole_ext.cli.keys_help import found_datasets, help_text
from recbole_ext.config.keys.known_keys import keys_of
from recbole_ext.errors import UsageError
from recbole_ext.registry import models


def words(text: str) -> str:
    return " ".join(text.split())


def test_the_general_help_names_all_models_and_data_sets() -> None:
    text = words(help_text(None))
    assert [name for name in models() if name not in text] == []
    assert "ml-100k" in text and "--print-config" in text and "--dry-run" in text


@pytest.mark.parametrize("model", ["SS4Rec", "Mamba4Rec", "SASRec"])
def test_a_models_help_explains_every_key(model: str) -> None:
    text = words(help_text(model))
    assert f"Keys of {model}:" in text
    for key in keys_of(models()[model].properties).values():
        assert f"{key.name} ({key.type}) {words(key.text)}" in text


def test_lines_stay_readable() -> None:
    assert [line for line in help_text("SS4Rec").splitlines() if len(line) > 115] == []


def test_an_unknown_model() -> None:
    with pytest.raises(UsageError, match="no model named 'SS5Rec'; did you mean 'SS4Rec'"):
        help_text("SS5Rec")


def test_data_sets_are_folders_with_their_file(tmp_path: Path) -> None:
    for name, file in (("a", "a.inter"), ("b", "b.train.inter"), ("c", "other.inter"), ("d", "d.user")):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).touch()
    assert found_datasets(tmp_path) == ["a", "b", "ml-100k"]
    assert found_datasets(tmp_path / "none") == ["ml-100k"]
