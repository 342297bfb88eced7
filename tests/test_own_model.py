"""A user's own model class: `--model=package.module:Class`, with a property file beside it."""

import sys
from pathlib import Path
from typing import Any

import pytest

import recbole_ext as rx
from recbole_ext.cli.main import main
from recbole_ext.errors import RecBoleExtError, ResourceError, UsageError
from recbole_ext.pipeline.configure import build_config, resolve
from recbole_ext.pipeline.train import run
from recbole_ext.registry import find_model
from recbole_ext.runs.recorded import recorded
from recbole_ext.serving.load import finished_config, load_run
from recbole_ext.tasks.ranking.outputs import METRICS, metrics_of
from tests.conftest import write_inter

MODEL = """
import torch
from recbole.model.abstract_recommender import GeneralRecommender, SequentialRecommender
from recbole.model.context_aware_recommender import KD_DAGFM
from recbole.model.general_recommender import BPR
from recbole.model.loss import BPRLoss
from recbole.model.sequential_recommender import DIN
from recbole.utils import InputType


class MyModel(GeneralRecommender):
    input_type = InputType.PAIRWISE

    def __init__(self, config, dataset):
        super().__init__(config, dataset)
        self.user = torch.nn.Embedding(self.n_users, config["my_size"])
        self.item = torch.nn.Embedding(self.n_items, config["my_size"])
        self.loss = BPRLoss()

    def calculate_loss(self, interaction):
        positive = self.predict(interaction)
        user, other = self.user(interaction[self.USER_ID]), self.item(interaction[self.NEG_ITEM_ID])
        return self.loss(positive, (user * other).sum(dim=1))

    def predict(self, interaction):
        return (self.user(interaction[self.USER_ID]) * self.item(interaction[self.ITEM_ID])).sum(dim=1)


class WithoutLoss(GeneralRecommender):
    pass


class BPR(BPR):
    pass


class MyBPR(BPR):
    pass


class MyList(list):
    pass


class MyDIN(DIN):
    pass


class MyStudent(KD_DAGFM):
    pass
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module with MyModel, and its folder on the Python path."""
    name = f"own_{abs(hash(str(tmp_path)))}"
    (tmp_path / f"{name}.py").write_text(MODEL)
    (tmp_path / "MyModel.yaml").write_text("my_size: 4  # (int) Length of the embeddings.\n")
    monkeypatch.syspath_prepend(tmp_path)
    return name


@pytest.fixture
def given(tmp_path: Path) -> dict[str, Any]:
    """Settings of a small run on `made`."""
    write_inter(tmp_path, "made", [(f"u{u}", f"i{(3 * u + k) % 9}", 100 * u + k) for u in range(8) for k in range(6)])
    return {
        "data_path": str(tmp_path),
        "runs_dir": str(tmp_path / "runs"),
        "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
        "topk": [3],
        "valid_metric": "MRR@3",
        "epochs": 1,
        "show_progress": False,
        "device": "cpu",
    }


def test_a_class_of_the_user_is_trained_recorded_and_opened_again(module: str, given: dict[str, Any]) -> None:
    result = run(build_config(f"{module}:MyModel", "made", [], {**given, "my_size": 8}))
    path = Path(result["run_directory"])
    assert path.name.startswith("MyModel-made-") and result["test"]["mrr@3"] > 0
    assert recorded(path)["model"] == f"{module}:MyModel" and recorded(path)["my_size"] == 8
    loaded = load_run(path, finished_config(path))
    assert loaded.model.user.weight.shape[1] == 8 and type(loaded.model).__name__ == "MyModel"


def test_its_keys_are_checked_like_those_of_other_models(module: str, given: dict[str, Any]) -> None:
    assert resolve(f"{module}:MyModel", "made", [], given).values["my_size"] == 4
    with pytest.raises(UsageError, match=r"unknown key 'my_sise'.*'my_size'"):
        resolve(f"{module}:MyModel", "made", [], {**given, "my_sise": 8})
    with pytest.raises(UsageError, match=r"my_size must be of type int \(got 'large'\)"):
        resolve(f"{module}:MyModel", "made", [], {**given, "my_size": "large"})


@pytest.mark.slow
def test_on_the_command_line_it_has_what_other_models_have(
    module: str, given: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    words = [f"--{key}={value}" for key, value in given.items() if key != "epochs"]
    command = [f"--model={module}:MyModel", "--dataset=made", *words]
    assert main(["run", *command, "--epochs=1", "--my_size=2"]) == 0
    first = next(Path(given["runs_dir"]).glob("MyModel-made-*"))
    (first / "result.json").unlink()  # as if it had been interrupted before the end
    assert main(["run", *command, "--epochs=1", "--my_size=2", "--resume"]) == 0
    assert main(["run", f"--resume={first.name}", f"--runs_dir={given['runs_dir']}"]) == 2
    assert "this run is finished" in capsys.readouterr().err
    assert main(["compare", str(first)]) == 0 and "MyModel" in capsys.readouterr().out
    found = rx.load(first).recommend(users=["u1"], k=2)
    assert list(found["rank"]) == [1, 2] and found["user_id"].unique().tolist() == ["u1"]
    assert main(["keys", f"{module}:MyModel"]) == 0 and "Length of the embeddings." in capsys.readouterr().out


def test_a_key_that_the_class_reads_needs_no_file(module: str, given: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "MyModel.yaml").rename(tmp_path / "Other.yaml")
    assert resolve(f"{module}:MyModel", "made", [], {**given, "my_size": 8}).values["my_size"] == 8


def test_a_subclass_of_a_registered_model_has_its_keys(module: str, given: dict[str, Any]) -> None:
    entry = find_model(f"{module}:MyBPR")
    assert (entry.name, entry.base, entry.family, entry.task) == ("MyBPR", "BPR", "general", "ranking")
    assert resolve(f"{module}:MyBPR", "made", [], given).values["embedding_size"] == 64


def test_a_subclass_is_checked_like_the_model_it_derives_from(module: str, given: dict[str, Any]) -> None:
    assert metrics_of(find_model(f"{module}:MyDIN")) == METRICS["labels"]
    with pytest.raises(UsageError, match="teacher must be one of CrossNet, CIN, DAGFM"):
        resolve(f"{module}:MyStudent", "made", [], {**given, "teacher": "__import__('os')"})


def test_a_class_is_found_as_itself_and_by_its_name_afterwards(module: str) -> None:
    entry = find_model(f"{module}:MyModel")
    assert find_model(entry.load()).model_class is entry.model_class is find_model("MyModel").model_class
    registered = find_model("BPR")
    assert find_model(registered.load()) is registered


@pytest.mark.parametrize(
    ("reference", "kind", "message"),
    [
        ("{}:WithoutLoss", UsageError, r"the class has no method calculate_loss.*; nor predict"),
        ("{}:MyList", UsageError, "a model derives from GeneralRecommender"),
        ("{}:BPR", UsageError, "BPR is the name of a model of recbole.model.general_recommender.bpr"),
        ("{}:MyModle", UsageError, "has no class MyModle.*'MyModel'"),
        ("no_such_module_here:MyModel", UsageError, "there is no module 'no_such_module_here'"),
        ("a b:C", UsageError, r"is named package.module:Class \(got 'a b:C'\)"),
        ("__main__:MyModel", UsageError, "a class of a script is known in that script alone"),
        ("broken:MyModel", UsageError, "importing broken raises ZeroDivisionError: .*\nat .*broken.py:1"),
        ("typo:MyModel", UsageError, "importing typo raises SyntaxError"),
        ("needy:MyModel", ResourceError, "needs the library 'no_such_library'"),
    ],
)
def test_what_is_wrong_with_a_class_is_reported(
    module: str, tmp_path: Path, reference: str, kind: type[RecBoleExtError], message: str
) -> None:
    (tmp_path / "broken.py").write_text("1 / 0\n")
    (tmp_path / "typo.py").write_text("class MyModel(:\n")
    (tmp_path / "needy.py").write_text("import no_such_library\n")
    with pytest.raises(kind, match=message):
        find_model(reference.format(module))


def test_an_own_key_that_clashes_is_reported(module: str, given: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "MyModel.yaml").write_text("my_size: 4\nepochs: many\n")
    with pytest.raises(UsageError, match=r"MyModel.yaml:2: epochs is a key of all models, of type int \(got 'many'\)"):
        resolve(f"{module}:MyModel", "made", [], {key: value for key, value in given.items() if key != "epochs"})


def test_the_working_directory_is_searched(module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path not in ("", str(tmp_path))])
    monkeypatch.chdir(tmp_path)
    (tmp_path / f"{module}_here.py").write_text(MODEL)
    assert find_model(f"{module}_here:MyModel").name == "MyModel"
