"""The model of docs/own-model.md, taken from the page: trained, resumed, asked, and held to the common contract."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import recbole_ext as rx
from recbole_ext.cli.main import main
from recbole_ext.config.config import Config
from recbole_ext.model_entry import ModelEntry
from recbole_ext.pipeline.configure import resolve
from recbole_ext.registry import find_model
from recbole_ext.runs.recorded import recorded
from tests import test_every_model
from tests.conftest import write_inter
from tests.runs.test_resume import interrupt_at, outcome

PAGE = (Path(__file__).parents[1] / "docs" / "own-model.md").read_text(encoding="utf-8")
MODULE, NAME = "my_models", "FadingMean"


def block(first: str) -> str:
    """A block of code of the page, by its first line."""
    found = re.search(rf"```\w*\n({re.escape(first)}\n.*?)```", PAGE, re.DOTALL)
    assert found is not None, first
    return found[1]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the two files of the page and a data set."""
    (tmp_path / "my_models.py").write_text(block("# my_models.py"))
    (tmp_path / "FadingMean.yaml").write_text(block("# FadingMean.yaml"))
    rows = [(f"u{u}", f"i{(3 * u + k) % 9}", 100 * u + k) for u in range(8) for k in range(6)]
    write_inter(tmp_path / "dataset", "made", rows)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, MODULE, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.fixture
def entry(folder: Path) -> ModelEntry:
    return find_model(f"{MODULE}:{NAME}")


WORDS = ["--dataset=made", "--topk=[3]", "--valid_metric=MRR@3", "--baselines=[]", "--device=cpu"]


def test_the_class_is_short_and_its_settings_are_known(entry: ModelEntry) -> None:
    assert len(block("# my_models.py").strip().splitlines()) <= 38
    assert resolve(entry.reference, "made", [], {}).values["fading_size"] == 64
    assert (entry.family, entry.task) == ("sequential", "ranking")


@pytest.mark.slow
def test_its_run_is_resumed_to_equal_weights_and_answers(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [f"--model={MODULE}:{NAME}", *WORDS, "--epochs=3", "--train_batch_size=8"]
    assert main(command) == 0
    first = next(Path("runs").iterdir())
    with monkeypatch.context() as patch:
        interrupt_at(5, patch)
        assert main([*command, "--runs_dir=parts"]) == 143
    again = next(Path("parts").iterdir())
    capsys.readouterr()
    assert main([f"--resume={again.name}", "--runs_dir=parts"]) == 0
    assert outcome(again) == outcome(first) and recorded(again)["model"] == f"{MODULE}:{NAME}"
    assert main(["recommend", "--run", str(first), "--users", "u1,u2", "--k", "2"]) == 0
    assert "u2" in capsys.readouterr().out
    new_user = rx.load(first).recommend(history=["i1", "i2"], k=2)
    assert list(new_user["rank"]) == [1, 2] and not {"i1", "i2"} & set(new_user["item_id"])


@pytest.mark.slow
def test_the_contract_of_all_models(make_config: Callable[..., Config], tmp_path: Path, entry: ModelEntry) -> None:
    test_every_model.test_five_items(make_config, tmp_path, entry)
    test_every_model.test_columns_of_other_names(make_config, tmp_path, entry)
