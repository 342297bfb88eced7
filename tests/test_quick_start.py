"""Scripts of RecBole run after changing their imports, as docs/recbole.md describes."""

import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from recbole.evaluator import register
from recbole.evaluator.base_metric import TopkMetric
from recbole.utils import ModelType

from recbole_ext.config.keys.metric_kinds import METRIC_KINDS, OWN_METRICS
from recbole_ext.errors import NonFiniteError, UsageError
from recbole_ext.quick_start import (
    Config,
    HyperTuning,
    create_dataset,
    data_preparation,
    full_sort_scores,
    full_sort_topk,
    get_model,
    get_trainer,
    init_seed,
    load_data_and_model,
    register_metric,
    run,
    run_recbole,
)
from tests import recbole_scripts as scripts
from tests.conftest import write_inter

N_ITEMS = 12


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory of a script: `dataset/tiny`, and `tiny.yaml` with one setting."""
    rows = [(f"u{u}", f"i{(3 * u + k) % N_ITEMS}", 1 + k % 5, 100 * u + k) for u in range(8) for k in range(6)]
    header = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
    write_inter(tmp_path / "dataset", "tiny", rows, header)
    (tmp_path / "tiny.yaml").write_text("learning_rate: 0.01\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["script.py"])
    return tmp_path


def carried_out(script: str, **known: Any) -> dict[str, Any]:
    """The names of a script after it has run."""
    Path("script.py").write_text(scripts.changed_imports(scripts.SETTINGS + script))
    return runpy.run_path("script.py", known, run_name="__main__")


def settings(**more: Any) -> dict[str, Any]:
    """Those of the scripts."""
    names: dict[str, Any] = {}
    exec(scripts.SETTINGS, names)
    return {**names["settings"], **more}


def seen_items(before_last: int) -> dict[str, set[str]]:
    """Each user's items but the last ones."""
    frame = pd.read_csv("dataset/tiny/tiny.inter", sep="\t").set_axis(["user", "item", "rating", "time"], axis=1)
    return {user: set(rows["item"][:-before_last]) for user, rows in frame.groupby("user")}


@pytest.mark.slow
def test_the_quick_start_and_the_steps_by_hand_agree() -> None:
    whole = carried_out(scripts.QUICK_START)["result"]
    assert list(whole) == [
        "best_valid_score",
        "valid_score_bigger",
        "best_valid_result",
        "test_result",
        "run_directory",
    ]
    assert whole["best_valid_score"] == whole["best_valid_result"]["mrr@3"] and whole["valid_score_bigger"]
    steps = carried_out(scripts.BY_HAND)
    assert steps["test_result"] == whole["test_result"]
    assert steps["best_valid_score"] == whole["best_valid_score"]
    opened = load_data_and_model(steps["trainer"].saved_model_file)
    assert steps["trainer"].evaluate(opened[5], load_best_model=False) == whole["test_result"]


@pytest.mark.parametrize("model", ["BPR", "SASRec"])
def test_the_case_study(model: str) -> None:
    more = {"train_neg_sample_args": None, "n_layers": 1, "hidden_size": 8} if model == "SASRec" else {}
    split = {"eval_args": {"split": {"LS": "valid_and_test"}, "order": "TO"}}
    result = run_recbole(model, "tiny", config_dict=settings(epochs=1, filter_seen_items=True, **more, **split))
    found = carried_out(scripts.CASE_STUDY, FILE=result["run_directory"])
    assert found["topk_score"].shape == (2, 2) and found["scores"].shape == (2, N_ITEMS + 1)
    removed = seen_items(1)
    for user, items, scores in zip(("u1", "u2"), found["external_item_list"], found["scores"], strict=True):
        assert not set(items) & removed[user]
        tokens = found["dataset"].id2token("item_id", np.flatnonzero(np.isneginf(scores.numpy())))
        assert set(tokens) == {"[PAD]", *removed[user]}
    assert found["of_one"].shape == (2,)


@pytest.mark.slow
def test_hyper_tuning() -> None:
    found = carried_out(scripts.HYPER_TUNING)
    hp = found["hp"]
    assert hp.params_list == ["learning_rate:0.1", "learning_rate:0.001"]
    assert hp.best_score == max(hp.score_list) == found["best"]["best_valid_score"]
    assert hp.best_test_result == found["best"]["test_result"] and found["best"]["model"] == "BPR"
    assert "learning_rate:0.1\nValid result:" in Path("hyper.result").read_text()


def test_an_own_model_with_an_own_trainer() -> None:
    found = carried_out(scripts.OWN_MODEL)
    assert found["trainer"].epochs_seen == [0, 1]
    assert set(found["results"]) == {"NewModel", "NewSequence"}
    assert all(0 <= result["mrr@3"] <= 1 for result in found["results"].values())
    assert len(list(Path("runs").glob("NewModel-tiny-*/checkpoint/best.json"))) == 1


def test_an_own_sampler_and_an_own_loader() -> None:
    found = carried_out(scripts.OWN_LOADER)
    assert found["CountingLoader"].batches >= 2
    assert 0 <= found["test_result"]["mrr@3"] <= 1 and found["best_valid_result"]


@pytest.fixture
def restored_metrics() -> Iterator[None]:
    """The registers of metrics are as they were after the test."""
    tables = (METRIC_KINDS, OWN_METRICS, register.metrics_dict, register.metric_information, register.metric_types)
    before = [dict(table) for table in tables]
    yield
    for table, then in zip(tables, before, strict=True):
        table.clear()
        table.update(then)
    if "listed" in register.smaller_metrics:
        register.smaller_metrics.remove("listed")


@pytest.mark.usefixtures("restored_metrics")
def test_an_own_metric() -> None:
    found = carried_out(scripts.OWN_METRIC)["result"]
    tested = found["test_result"]
    assert tested["hittwice@3"] == pytest.approx(2 * tested["hit@3"]) and 0 <= tested["firsthit@3"] <= tested["hit@3"]
    assert 0 < tested["listed"] < 1 + N_ITEMS and found["valid_score_bigger"] is False
    with np.load(Path(found["run_directory"]) / "test_units.npz") as units:  # of comparisons, user by user
        names = " ".join(units.files)
    assert "hittwice@3" in names and "firsthit" not in names and "listed" not in names


@pytest.mark.usefixtures("restored_metrics")
def test_a_registered_metric_is_named_like_others_and_a_wrong_one_is_refused() -> None:
    class Doubled(TopkMetric):
        def calculate_metric(self, dataobject: Any) -> dict[str, float]:
            return {"doubled": 2.0}

    class Recall(Doubled):
        pass

    class Needy(Doubled):
        metric_need = ("rec.colour",)

    class Empty(TopkMetric):
        pass

    with pytest.raises(UsageError, match="there is no metric named 'Doubled'"):
        Config("BPR", "tiny", config_dict=settings(metrics=["MRR", "Doubled"]))
    assert register_metric(Doubled) is Doubled
    assert run_recbole("BPR", "tiny", None, settings(metrics=["MRR", "Doubled"]))["test_result"]["doubled"] == 2
    with pytest.raises(UsageError, match="metrics: doubled cannot be measured for BPR in mode labeled"):
        Config("BPR", "tiny", config_dict=settings(metrics=["Doubled"], eval_args={"mode": "labeled"}))
    with pytest.raises(UsageError, match="Recall has the name of a metric of RecBole"):
        register_metric(Recall)
    with pytest.raises(UsageError, match=r"metric_need must be among .* \(got 'rec.colour'\)"):
        register_metric(Needy)
    with pytest.raises(UsageError, match="Empty has no calculate_metric"):
        register_metric(Empty)
    with pytest.raises(UsageError, match="must derive from AbstractMetric"):
        register_metric(int)


def test_a_model_may_be_a_class_and_nothing_is_left_of_a_run_that_is_not_saved() -> None:
    by_name = run_recbole("BPR", "tiny", None, settings(epochs=1), saved=False)
    assert run_recbole(get_model("BPR"), "tiny", None, settings(epochs=1), saved=False) == by_name
    assert by_name["run_directory"] is None and not Path("runs").exists()


def test_words_of_the_command_line_are_keys_or_left_to_the_script(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    words = ["script.py", "--embedding_size=8", "--gpus=2", "--model=SASRec", "more"]
    monkeypatch.setattr(sys, "argv", words)
    config = Config("BPR", "tiny", config_dict={**settings(), "embedding_size": 4})
    assert config["embedding_size"] == 8 and config.model == "BPR" and "--gpus of the command line" in caplog.text


def test_a_configuration_is_as_strict_as_the_command_line() -> None:
    with pytest.raises(UsageError, match="config_dict: unknown key 'learning_rat'; did you mean 'learning_rate'"):
        Config("BPR", "tiny", config_dict={"learning_rat": 0.1})
    with pytest.raises(UsageError, match="dataset is needed: as an argument"):
        Config("BPR")
    for given in (["epochs", 3], {5: 3}):
        with pytest.raises(UsageError, match="config_dict must be a mapping of keys to values"):
            run_recbole("BPR", "tiny", config_dict=given, saved=False)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"--config_files: no file 'none.yaml'"):
        Config("BPR", "tiny", config_file_list="none.yaml")
    given = {"epochs": np.int64(3), "topk": (5, 10), "embedding_size": np.array(8)[()]}
    numbers = Config("BPR", "tiny", config_dict=given)
    assert (numbers["epochs"], numbers["topk"], numbers["embedding_size"]) == (3, [5, 10], 8)
    config = Config(config_dict={"model": "NeuMF", "dataset": "tiny", "mlp_hidden_size": "[8, 4]"})
    assert config["mlp_hidden_size"] == [8, 4]


def test_a_key_that_the_script_reads_is_known() -> None:
    script = """
from recbole.config import Config
config = Config(model="BPR", dataset="tiny", config_dict={**settings, "my_key": 3})
found = config["my_key"]
"""
    assert carried_out(script)["found"] == 3


@pytest.mark.slow
def test_what_a_case_study_cannot_answer_is_refused() -> None:
    split = {"eval_args": {"mode": "uni5"}, "train_neg_sample_args": None, "n_layers": 1, "hidden_size": 8}
    result = run_recbole("SASRec", "tiny", None, settings(epochs=1, **split))
    _, model, _, _, _, test = load_data_and_model(result["run_directory"])
    with pytest.raises(UsageError, match="needs a loader that ranks all items"):
        full_sort_scores([1], model, test)
    _, model, _, _, _, test = load_data_and_model(
        run_recbole("BPR", "tiny", None, settings(epochs=1))["run_directory"] + "/checkpoint"
    )
    with pytest.raises(UsageError, match=r"internal ids from 1 to 8 \(got 9\)"):
        full_sort_scores(np.array([1, 9]), model, test)
    with pytest.raises(UsageError, match=r"k must be at least 1 and at most the 12 items \(got 13\)"):
        full_sort_topk([1], model, test, 13)
    with pytest.raises(UsageError, match=r"neither a run directory nor a checkpoint in one; .*import-checkpoint"):
        load_data_and_model("saved/BPR-1.pth")


def test_what_cannot_be_done_by_hand_is_refused() -> None:
    config = Config("BPR", "tiny", config_dict=settings())
    with pytest.raises(UsageError, match="take run_recbole"):
        get_trainer(ModelType.DECISIONTREE, "XGBoost")
    with pytest.raises(UsageError, match="nproc=2: start the script with torchrun"):
        run("BPR", "tiny", nproc=2)
    trainer = get_trainer(config["MODEL_TYPE"], "BPR")(config, torch.nn.Linear(1, 1))
    with pytest.raises(UsageError, match="evaluate needs the training split"):
        trainer.evaluate(None)


def test_the_special_trainers_have_the_steps_by_hand() -> None:
    """RecVAE has two optimisers and alternates; its epochs by hand are those of a whole run."""
    small = settings(epochs=1, hidden_dimension=8, latent_dimension=4)
    whole = run_recbole("RecVAE", "tiny", None, small, saved=False)
    config = Config("RecVAE", "tiny", config_dict=small)
    init_seed(config["seed"], config["reproducibility"])
    train, valid, test = data_preparation(config, create_dataset(config))
    init_seed(config["seed"], config["reproducibility"])
    model = get_model("RecVAE")(config, train.dataset)
    trainer = get_trainer(config["MODEL_TYPE"], "RecVAE")(config, model)
    assert trainer.fit(train, valid, saved=False)[0] == whole["best_valid_score"]
    assert trainer.evaluate(test) == whole["test_result"]


def test_an_own_loss_and_an_own_optimizer() -> None:
    script = """
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.model.general_recommender import BPR
from recbole.trainer import Trainer
import torch
calls = []
class Halved(Trainer):
    def _build_optimizer(self, **kwargs):
        return torch.optim.SGD(self.model.parameters(), lr=0.5)
    def loss(self, interaction):
        calls.append(1)
        return self.model.calculate_loss(interaction) / 2
    def _train_epoch(self, train_data, epoch_idx, loss_func=None, show_progress=False):
        return super()._train_epoch(train_data, epoch_idx, loss_func=self.loss, show_progress=show_progress)
config = Config(model="BPR", dataset="tiny", config_dict=settings)
train_data, valid_data, test_data = data_preparation(config, create_dataset(config))
model = BPR(config, train_data.dataset)
before = model.user_embedding.weight.detach().clone()
trainer = Halved(config, model)
score, result = trainer.fit(train_data, valid_data, saved=False)
changed = not torch.equal(before, model.user_embedding.weight)
"""
    found = carried_out(script)
    assert len(found["calls"]) == 2 * len(found["train_data"]) and found["changed"] and found["result"]
    with pytest.raises(NonFiniteError, match="the training loss is nan"):
        found["trainer"]._check_nan(torch.tensor(float("nan")))


def made_tuning(**arguments: Any) -> HyperTuning:
    """A tuning whose score is the learning rate."""

    def score(config_dict: dict[str, Any], config_file_list: Any) -> dict[str, Any]:
        value = config_dict["learning_rate"]
        return {
            "model": "BPR",
            "best_valid_score": value,
            "valid_score_bigger": True,
            "best_valid_result": {},
            "test_result": {"mrr": value},
        }

    return HyperTuning(score, **arguments)


@pytest.mark.parametrize("algo", ["random", "bayes"])
def test_hyper_tuning_samples(algo: str) -> None:
    tuning = made_tuning(params_dict={"loguniform": {"learning_rate": [-4, 0]}}, algo=algo, max_evals=12, early_stop=12)
    tuning.run()
    assert len(tuning.score_list) == 12 and all(0.018 < score <= 1 for score in tuning.score_list)
    assert tuning.best_score == max(tuning.score_list) == tuning.best_test_result["mrr"]


def test_hyper_tuning_stops_early_and_refuses_what_it_cannot_do() -> None:
    tuning = made_tuning(params_dict={"choice": {"learning_rate": [0.5, 0.4, 0.3, 0.2]}}, early_stop=2)
    tuning.run()
    assert tuning.score_list == [0.5, 0.4, 0.3] and tuning.best_params == {"learning_rate": 0.5}
    space = {"params_dict": {"uniform": {"learning_rate": [0, 1]}}}
    for arguments, message in (
        ({"space": object()}, "space: hyperopt's objects are not read here"),
        ({**space, "display_file": "a.html"}, "no page is made here"),
        ({**space, "algo": "grid"}, "algo must be one of exhaustive, random, bayes"),
        (space, "learning_rate has infinitely many values"),
        ({}, "HyperTuning needs params_file or params_dict"),
    ):
        with pytest.raises(UsageError, match=message):
            made_tuning(**arguments)


def test_every_script_changes_an_import_that_the_table_names() -> None:
    kinds = (scripts.QUICK_START, scripts.BY_HAND, scripts.CASE_STUDY, scripts.HYPER_TUNING)
    for script in (*kinds, scripts.OWN_MODEL, scripts.OWN_LOADER, scripts.OWN_METRIC):
        changed = scripts.changed_imports(script)
        assert "recbole_ext.quick_start" in changed and "recbole.quick_start" not in changed
    import recbole_ext.quick_start as quick_start

    assert {name for _, name in scripts.new_places()} <= set(quick_start.__all__)
