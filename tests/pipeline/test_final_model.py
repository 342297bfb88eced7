"""A final model on all rows: `train_on: all`, and the settings of an earlier run with `final_of`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import recbole_ext as rx
from recbole_ext.cli.run_settings import named_in_files, resolved_run
from recbole_ext.comparison.compare import compare
from recbole_ext.config.config import Config
from recbole_ext.diagnosis.curve import read_curve
from recbole_ext.diagnosis.rules import findings
from recbole_ext.errors import DataError, InterruptedRun, UsageError
from recbole_ext.pipeline.configure import build_config, resolve
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.pipeline.train import run
from recbole_ext.report.report import leave_report
from recbole_ext.runs.resume import run_values
from recbole_ext.runs.run_files import config_text
from recbole_ext.training.keeper import Keeper
from recbole_ext.training.tracking.notify import event_text
from tests.conftest import write_inter
from tests.written_runs import RESULT

HEADER = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
ROWS = [
    (f"u{user}", f"i{(user * 5 + step * step) % 17}", 1 + (user + step) % 5, 1000 * step + user)
    for user in range(10)
    for step in range(6)
]
LATER = [(f"u{user}", f"i{(3 * user + k) % 17}", 3 + k, 9000 + 10 * user + k) for user in range(10) for k in range(2)]
RANKED: dict[str, Any] = {"topk": [3], "valid_metric": "ndcg@3", "metrics": ["NDCG", "Hit"]}
OF_RATINGS = {"load_col": {"inter": ["user_id", "item_id", "rating", "timestamp"]}}
MODELS: dict[str, dict[str, Any]] = {
    "SS4Rec": {**RANKED, "hidden_size": 8, "d_state": 4, "epochs": 2},
    "BPR": {**RANKED, "embedding_size": 4, "epochs": 2},
    "EASE": RANKED,
    "HybridVAE": {**OF_RATINGS, "epochs": 1, "hidden_size": 8},
    "MDAFMamba": {
        **OF_RATINGS,
        **{"threshold": {"rating": 4}, "hidden_size": 8, "embedding_size": 4, "d_state": 4, "attention_heads": 2},
        "epochs": 1,
    },
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_inter(tmp_path_factory.mktemp("data"), "made", ROWS, HEADER)


@pytest.fixture(scope="module")
def configured(root: Path) -> Callable[..., Config]:
    """A configuration of a small model, all of whose rows are trained on unless something else is said."""

    def make(model: str, data: Path = root, **given: Any) -> Config:
        columns = {"load_col": {"inter": ["user_id", "item_id", "timestamp"]}}
        fixed = {"data_path": str(data), "runs_dir": str(root / "runs"), "show_progress": False, "device": "cpu"}
        return build_config(model, "made", [], {**columns, **fixed, "train_on": "all", **MODELS[model], **given})

    return make


@pytest.fixture(scope="module")
def final(configured: Callable[..., Config]) -> Callable[[str], dict[str, Any]]:
    """The result of a model on all rows, trained once."""
    known: dict[str, dict[str, Any]] = {}

    def result(model: str) -> dict[str, Any]:
        if model not in known:
            known[model] = run(configured(model), ["run"], at_end=leave_report)
        return known[model]

    return result


@pytest.fixture(scope="module")
def chosen(configured: Callable[..., Config]) -> dict[str, Any]:
    """A run whose epochs validation chose."""
    return run(configured("BPR", train_on="train", epochs=4, stopping_step=1, learning_rate=0.05), ["run"])


def keys(part: Any) -> set[tuple[int, ...]]:
    table = part.inter_feat
    return set(zip(*(np.asarray(table[name]).tolist() for name in ("user_id", "item_id")), strict=True))


@pytest.mark.parametrize("model", MODELS)
def test_every_row_is_a_training_row(model: str, configured: Callable[..., Config]) -> None:
    config, apart = configured(model), configured(model, train_on="train", epochs=1)
    loaders, split = (build_loaders(each, create_dataset(each)) for each in (config, apart))
    assert loaders.valid is None and loaders.test is None
    assert keys(loaders.parts[0]) == set().union(*map(keys, split.parts))
    assert len(loaders.parts[0]) == sum(map(len, split.parts)) == len(ROWS) - 10 * (model == "SS4Rec")


@pytest.mark.parametrize("model", MODELS)
def test_the_result_says_that_nothing_was_tested(
    model: str, final: Callable[[str], dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    result = final(model)
    folder = Path(result["run_directory"])
    assert (result["test"], result["valid"], result["baselines"]) == (None, None, {})
    assert (result["trained_on"], result["tested_on"]) == ("all", "nothing")
    assert result["best_epoch"] == result["epochs_trained"]
    assert "trained on all rows and tested on nothing" in result["protocol"]["split"]
    for name in ("report.html", "model_card.md"):
        assert "trained on all rows and tested on nothing" in (folder / name).read_text()
    assert "chosen by validation" not in (folder / "model_card.md").read_text()
    assert "ndcg" not in (folder / "metrics.csv").read_text() and not (folder / "test_units.npz").exists()
    found = findings(read_curve(folder, {}, {}, {}))
    assert [one.limit for one in found if one.name == "untested"] == [True]
    with pytest.raises(UsageError, match="tested on nothing; nothing of it can be compared"):
        compare([str(folder)], None, None)
    assert event_text("finished", result).startswith("trained on all rows and tested on nothing; best epoch")


def test_ease_has_the_weights_of_all_rows(final: Callable[[str], dict[str, Any]]) -> None:
    """B = I - P / diag(P), P = (X'X + reg I)^-1, by numpy from the rows of the file."""
    opened = rx.load(final("EASE")["run_directory"])
    train = opened.loaded.train
    x = np.zeros((train.user_num, train.item_num))
    for user, item, *_ in ROWS:
        x[train.token2id("user_id", user), train.token2id("item_id", item)] = 1
    inverse = np.linalg.inv(x.T @ x + opened.config["reg_weight"] * np.eye(train.item_num))
    expected = -inverse / np.diag(inverse)
    np.fill_diagonal(expected, 0)
    assert np.allclose(np.asarray(opened.loaded.model.item_similarity), expected, atol=1e-5)


@pytest.mark.parametrize("model", ["SS4Rec", "BPR", "EASE"])
def test_it_recommends_nothing_that_a_user_has_seen(model: str, final: Callable[[str], dict[str, Any]]) -> None:
    opened = rx.load(final(model)["run_directory"])
    found = opened.recommend(k=17)
    assert not set(zip(found["user_id"], found["item_id"], strict=True)) & {(user, item) for user, item, *_ in ROWS}
    assert found["user_id"].nunique() == 10
    with pytest.raises(UsageError, match="tested on nothing; it has no split 'test'; ask for 'now'"):
        opened.recommend(users=["u1"], at="test")


@pytest.mark.parametrize("model", MODELS)
def test_it_is_evaluated_on_later_rows_beside_no_test_of_its_own(
    model: str, final: Callable[[str], dict[str, Any]], tmp_path: Path
) -> None:
    from recbole_ext.serving.later.report import later_report, lines

    data = write_inter(tmp_path, "made", LATER, HEADER) / "made" / "made.inter"
    report, _ = later_report(rx.load(final(model)["run_directory"]), data, None, False, True)
    assert report["later"]["rows"] > 0 and report["own_test"] == {}
    assert any("it has no test of its own" in line for line in lines(report))


@pytest.mark.parametrize("model", ["BPR", "MDAFMamba"])
def test_an_interrupted_run_continues_to_the_same_weights(
    model: str, configured: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"runs_dir": str(tmp_path), "lr_schedule": "cosine", "averaging": "ema", "epochs": 3, "seed": 7}
    whole = rx.load(run(configured(model, **given), ["run"])["run_directory"])
    with monkeypatch.context() as patch, pytest.raises(InterruptedRun):
        patch.setattr(Keeper, "after_epoch", _interrupted_after(Keeper.after_epoch, 1))
        run(configured(model, **given), ["run"])
    again = run(configured(model, **given), ["run"], resume="newest")
    expected, found = (each.loaded.model.state_dict() for each in (whole, rx.load(again["run_directory"])))
    assert again["epochs_trained"] == 3 and again["run_directory"] != str(whole.path)
    assert all(torch.equal(expected[name], found[name]) for name in expected)


def _interrupted_after(step: Callable[..., None], last: int) -> Callable[..., None]:
    def after_epoch(keeper: Keeper, epoch: int, seconds: float) -> None:
        step(keeper, epoch, seconds)
        if epoch == last:
            raise InterruptedRun("by the test", 130)

    return after_epoch


def test_it_takes_the_settings_and_the_best_epoch_of_a_run(
    configured: Callable[..., Config], root: Path, chosen: dict[str, Any]
) -> None:
    earlier, folder = rx.load(chosen["run_directory"]).config, chosen["run_directory"]
    places = {"data_path": str(root), "runs_dir": str(root / "runs")}
    config = build_config("BPR", "made", [], {**places, "final_of": folder, "seed": 3})
    epochs = chosen["best_epoch"]
    recorded = {"run": folder, "epochs": epochs}
    assert (config["train_on"], config["epochs"], config["final_of"], config["seed"]) == ("all", epochs, recorded, 3)
    assert config["learning_rate"] == earlier["learning_rate"] and config["embedding_size"] == 4
    assert config.origins["learning_rate"].startswith(f"{folder}/config.yaml:")
    result = run(config, ["run"], at_end=leave_report)
    assert result["final_of"] == recorded and result["epochs_trained"] == epochs
    opened = rx.load(result["run_directory"])
    assert opened.config["final_of"] == recorded and len(opened.recommend(users=["u1"], k=2)) == 2
    with pytest.raises(UsageError, match=rf"can be compared; compare {folder}, whose settings"):
        compare([result["run_directory"]], None, None)


def test_a_protocol_that_is_named_again_keeps_what_the_run_changed_of_it(
    configured: Callable[..., Config], tmp_path: Path
) -> None:
    config = configured("BPR", train_on="train", protocol="recbole", filter_seen_items=True)
    (tmp_path / "config.yaml").write_text(config_text(run_values(config), {}))
    (tmp_path / "result.json").write_text(json.dumps({**RESULT, "best_epoch": 1}))
    given = {"data_path": str(config["data_path"]), "device": "cpu", "final_of": str(tmp_path), "protocol": "recbole"}
    assert build_config("BPR", "made", [], given).protocol_changes == {"filter_seen_items": True}


def test_the_command_line_needs_the_run_alone(root: Path, chosen: dict[str, Any]) -> None:
    given = {"final_of": Path(chosen["run_directory"]).name, "runs_dir": str(root / "runs")}
    assert named_in_files(given) == {"model": "BPR", "dataset": "made", **given}
    assert resolved_run(given)["final_of"]["run"] == chosen["run_directory"]


def test_other_data_than_those_of_the_run_are_refused(
    configured: Callable[..., Config], tmp_path: Path, chosen: dict[str, Any]
) -> None:
    other = write_inter(tmp_path, "made", ROWS[1:], HEADER)
    given = {"data_path": str(other), "runs_dir": str(tmp_path), "final_of": chosen["run_directory"]}
    with pytest.raises(DataError, match="so its epochs and settings are for other data"):
        run(build_config("BPR", "made", [], given))
    assert not list(tmp_path.glob("BPR-*"))


@pytest.mark.parametrize(
    ("model", "given", "match"),
    [
        ("BPR", {"learning_rate": 0.1}, r"these differ: learning_rate \(the run: 0.05, now: 0.1\)\nleave them out"),
        ("BPR", {"epochs": 99}, r"these differ: epochs \(the run: \d, now: 99\)"),
        ("BPR", {"train_on": "train"}, r"it trains on all rows; leave train_on out \(got 'train'\)"),
        ("LightGCN", {}, "is of --model=BPR, and this is --model=LightGCN; leave that out"),
        ("BPR", {"criteria": ["test.ndcg@3 > 0"]}, "is never measured, because all rows are trained on; leave it out"),
    ],
)
def test_what_contradicts_the_run_is_refused(
    model: str, given: dict[str, Any], match: str, chosen: dict[str, Any]
) -> None:
    with pytest.raises(UsageError, match=match):
        resolve(model, "made", [], {"final_of": chosen["run_directory"], **given})


def test_a_run_without_a_best_epoch_is_refused(
    final: Callable[[str], dict[str, Any]], chosen: dict[str, Any], tmp_path: Path
) -> None:
    unfinished = tmp_path / "unfinished"
    unfinished.mkdir()
    (unfinished / "config.yaml").write_text((Path(chosen["run_directory"]) / "config.yaml").read_text())
    for folder, match in (
        (unfinished, "has not finished, so its best epoch is not known; finish it with --resume"),
        (final("BPR")["run_directory"], "was trained on all rows itself; repeat its command"),
        (tmp_path / "none", r"--final_of=.*none: there is no run"),
    ):
        with pytest.raises(UsageError, match=match):
            resolve("BPR", "made", [], {"final_of": str(folder)})


@pytest.mark.parametrize(
    ("model", "given", "match"),
    [
        ("SS4Rec", {}, r"train_on: all needs a number of epochs, .* add --epochs=N, or --final_of=RUN"),
        ("HybridVAE", {}, "needs a number of epochs"),
        ("SS4Rec", {"stages": [{"epochs": 1}, {"share": 0.5}]}, "entry 1 of stages needs epochs of its own"),
        ("BPR", {"epochs": 2, "lr_schedule": "plateau"}, "plateau reads validation, and all rows are trained on"),
        ("BPR", {"epochs": 2, "criteria": ["valid.ndcg@10 > 0"]}, "never measured, because all rows are trained on"),
        ("HybridVAE", {"epochs": 2, "criteria": {"good": ["rmse < 1"]}}, "'rmse < 1' is never measured"),
        ("BPR", {"train_on": "every"}, r"train_on must be one of train, train_valid, all \(got 'every'\)"),
    ],
)
def test_what_does_not_go_with_all_rows_is_refused(model: str, given: dict[str, Any], match: str) -> None:
    with pytest.raises(UsageError, match=match):
        resolve(model, "made", [], {"train_on": "all", **given})


def test_criteria_of_training_and_of_the_run_are_judged(configured: Callable[..., Config]) -> None:
    asked = {"criteria": ["train.loss@epoch1 > 0", "epochs_trained <= 2"], "train_sample": "valid"}
    assert [each["verdict"] for each in run(configured("BPR", **asked), ["run"])["criteria"]] == ["PASS", "PASS"]


def test_the_files_of_a_cut_data_set_are_all_trained_on(configured: Callable[..., Config], tmp_path: Path) -> None:
    """With the popularity of items over all files, from which negatives are sampled."""
    for name, rows in (("train", ROWS), ("test", [*LATER, ("new", "i1", 3, 9500)])):
        write_inter(tmp_path, "made", rows, HEADER)
        (tmp_path / "made" / "made.inter").rename(tmp_path / "made" / f"made.{name}.inter")
    config = configured("SS4Rec", tmp_path, benchmark_filename=["train", "test"], loss_type="BPR", hidden_size=8)
    loaders = build_loaders(config, create_dataset(config))
    assert loaders.test is None and len(loaders.parts[0]) == len(ROWS) + len(LATER) - 10
    assert loaders.train._item_counts().sum() == len(ROWS) + len(LATER) + 1
