import re
import subprocess
import sys

import pytest

from recbole_ext.cli.keys_help import contains, keys_text
from recbole_ext.cli.main import main
from recbole_ext.config.keys.known_keys import Key, keys_of
from recbole_ext.errors import UsageError
from recbole_ext.registry import models


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("model", ["SS4Rec", "Mamba4Rec", "SASRec"])
def test_a_models_keys_have_their_type_default_and_meaning(model: str) -> None:
    text = words(keys_text(model))
    assert text.startswith(f"Keys of {model}:")
    for key in keys_of(models()[model].properties).values():
        before, _, after = text.partition(f" {key.name} ({key.type}) = ")
        refers = f"see {key.name} in properties/overall.yaml" in key.text
        assert before and after and (refers or words(key.text) in after)


def test_each_key_is_explained_once_and_where_it_is() -> None:
    text = keys_text("SS4Rec")
    names = re.findall(r"^  (\w+) ", text, re.MULTILINE)
    assert len(names) == len(set(names)) > 50 and "properties/overall.yaml" not in text
    assert "valid_metric (str) = NDCG@10" in keys_text(None)


def test_lines_stay_readable() -> None:
    assert [line for line in keys_text("SS4Rec").splitlines() if len(line) > 115] == []


def test_without_a_model_the_keys_are_those_of_all() -> None:
    text = keys_text(None)
    assert "Keys of SS4Rec" not in text and "gap_transform" not in text
    assert "  learning_rate (float) = 0.001  " in text and "  runs_dir (str) = runs  " in text


@pytest.mark.parametrize(
    ("part", "found"),
    [("lr", "learning_rate"), ("LR", "lr_schedule"), ("gap-tr", "gap_transform"), ("final weights", None)],
)
def test_a_filter_reads_names_initials_and_meanings(part: str, found: str | None) -> None:
    if found is None:
        with pytest.raises(UsageError, match=f"--filter={part}: no key contains it"):
            keys_text("SS4Rec", part)
        return
    text = keys_text("SS4Rec", part)
    assert f"  {found} (" in text and "hidden_size" not in text


def test_a_filter_matches_the_meaning() -> None:
    assert contains(Key("wd", "float", "Weight of the penalty."), "penalty")
    assert not contains(Key("wd", "float", "Weight of the penalty."), "decay")


def test_an_unknown_model() -> None:
    with pytest.raises(UsageError, match="no model named 'SS5Rec'; did you mean 'SS4Rec'"):
        keys_text("SS5Rec")


@pytest.mark.slow
def test_the_order_does_not_depend_on_the_hash_seed() -> None:
    def printed(seed: str) -> str:
        code = "from recbole_ext.cli.keys_help import keys_text; print(keys_text('SASRec'))"
        environment = {"PYTHONHASHSEED": seed, "PATH": ""}
        return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True).stdout

    assert printed("1") == printed("2") != ""


def test_models_are_listed_by_task_and_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--filter=ratings"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:-1]] == ["HybridVAE"]
    assert main(["models"]) == 0
    assert {line.split()[0] for line in capsys.readouterr().out.splitlines()[1:-1]} == set(models())
    assert main(["models", "--filter=mamba"]) == 0
    assert "Mamba4Rec" in capsys.readouterr().out
