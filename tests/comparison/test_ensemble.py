import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recbole_ext.cli.main import main
from recbole_ext.comparison import ensemble as module
from recbole_ext.comparison.ensemble import ensemble
from recbole_ext.config.config import Config
from recbole_ext.errors import DataError, UsageError
from recbole_ext.pipeline.train import run
from recbole_ext.tasks.clicks.batches import ClickLoader
from recbole_ext.tasks.ranking.evaluation.full_ranking import FullRankingLoader
from recbole_ext.tasks.ratings.batches import RatingEvalLoader
from tests.conftest import write_inter
from tests.model.test_hybridvae import HEADER, SIZES, rating_rows
from tests.pipeline.test_train import TINY

Trained = Callable[..., Path]
ROWS = [(user, (user + k) % 12, 1000 * k + user) for user in range(16) for k in range(7)]
"""Nobody has an item twice; a sequential model would take a repeated target for a seen item."""
GENERAL = {"eval_args": {"split": {"LS": "valid_and_test"}, "order": "TO", "mode": "full"}}
CLICKS: dict[str, Any] = {
    "load_col": {"inter": ["user_id", "item_id", "timestamp", "label"]},
    "eval_args": {"order": "TO", "group_by": "user"},
}
CLICK_SIZES: dict[str, dict[str, Any]] = {
    "MDAFMamba": {"hidden_size": 8, "attention_heads": 2, "d_state": 4},
    "FM": {"metrics": ["AUC", "LogLoss"], "valid_metric": "AUC"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("members")


@pytest.fixture
def trained(make_config: Callable[..., Config], folder: Path) -> Trained:
    """A run of a model, made once for the same settings."""

    def make(model: str, seed: int = 1, **given: Any) -> Path:
        runs = folder / f"{model}-{seed}-{abs(hash(str(given)))}"
        if not runs.is_dir():
            run(_config(make_config, folder, model, {**given, "seed": seed, "runs_dir": str(runs)}))
        return next(runs.iterdir())

    return make


def _config(make_config: Callable[..., Config], folder: Path, model: str, given: dict[str, Any]) -> Config:
    if model == "HybridVAE":
        root = write_inter(folder / "stars", "made", rating_rows(False), HEADER)
        return make_config(model, root, **{**SIZES, "epochs": 2, "baselines": [], **given})
    if model in ("MDAFMamba", "FM"):
        rows = [(u, (7 * u + 3 * k) % 20, 100 * k + u, (7 * u + 3 * k) % 2) for u in range(30) for k in range(20)]
        root = write_inter(
            folder / "clicks", "made", rows, HEADER.replace("rating:float\ttimestamp", "timestamp") + "\tlabel:float"
        )
        sizes = (
            {"hidden_size": 8, "attention_heads": 2, "d_state": 4}
            if model == "MDAFMamba"
            else {"metrics": ["AUC", "LogLoss"], "valid_metric": "AUC"}
        )
        return make_config(model, root, **{**CLICKS, **sizes, "embedding_size": 4, "epochs": 1, **given})
    sizes = {k: v for k, v in TINY.items() if model in ("Mamba4Rec",) or k not in ("hidden_size", "d_state")}
    return make_config(
        model, write_inter(folder / "events", "made", ROWS), **{**sizes, "epochs": 1, "baselines": [], **given}
    )


@pytest.mark.slow
@pytest.mark.parametrize("method", ["score", "rank"])
def test_rankings_are_fused(method: str, trained: Trained) -> None:
    paths = [trained("Mamba4Rec", seed) for seed in (1, 2, 3)]
    found = ensemble(paths, method)
    results = [json.loads((path / "result.json").read_text()) for path in paths]
    for of, valid, result in zip(found.tested, found.weighing.members, results, strict=True):
        assert of.metrics == pytest.approx(result["test"]) and valid == pytest.approx(result["valid"])
    assert found.weighing.weights.sum() == pytest.approx(1) and (found.weighing.weights >= 0).all()
    best = max(metrics["ndcg@2"] for metrics in found.weighing.members)
    assert found.weighing.members[found.best]["ndcg@2"] == best
    equal = ensemble(paths, method, [1 / 3] * 3)
    assert found.weighing.ensemble["ndcg@2"] >= equal.weighing.ensemble["ndcg@2"]
    assert found.whole.units is not None and found.gains[0].rows[1].users is not None


@pytest.mark.parametrize("method", ["score", "rank"])
def test_all_weight_on_one_member_is_that_member(method: str, trained: Trained) -> None:
    paths = [trained("Mamba4Rec", seed) for seed in (1, 2)]
    found = ensemble(paths, method, [0, 1])
    assert found.whole.metrics == pytest.approx(found.tested[1].metrics)
    assert found.weighing.ensemble == pytest.approx(found.weighing.members[1])


@pytest.mark.slow
def test_memory_bounds_the_validation_rows(trained: Trained) -> None:
    paths = [trained("Mamba4Rec", seed, eval_memory_gb=1e-6) for seed in (1, 2)]
    found = ensemble(paths)
    assert (found.weighing.rows, found.weighing.of_rows) == (6, 16)
    assert "chosen by ndcg@2 on 6 of 16 validation rows" in module.title(found)


@pytest.mark.slow
def test_a_general_model_is_blended_with_a_sequential_one_on_the_same_rows_and_candidates(trained: Trained) -> None:
    found = ensemble([trained("Mamba4Rec"), trained("BPR", **GENERAL)])
    assert set(found.whole.metrics) == set(found.tested[1].metrics)


def test_a_general_model_of_another_split_is_refused(trained: Trained) -> None:
    with pytest.raises(UsageError, match=r"cannot be blended with .*split .*RS.* instead of .*LS"):
        ensemble([trained("Mamba4Rec"), trained("BPR", eval_args={"split": {"RS": [0.6, 0.2, 0.2]}, "mode": "full"})])


def test_a_split_by_the_runs_seed_is_refused(trained: Trained) -> None:
    split = {"eval_args": {"split": {"RS": [0.6, 0.2, 0.2]}, "order": "RO", "mode": "full"}}
    with pytest.raises(UsageError, match="other tested rows"):
        ensemble([trained("BPR", seed, **split) for seed in (1, 2)])


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["uni5", {"valid": "full", "test": "uni5"}])
def test_sampled_candidates_are_blended_as_the_runs_drew_them(trained: Trained, mode: Any) -> None:
    paths = [trained("Mamba4Rec", seed, eval_args={"mode": mode}) for seed in (1, 2)]
    found = ensemble(paths, weights=[0, 1])
    results = [json.loads((path / "result.json").read_text()) for path in paths]
    for of, result in zip(found.tested, results, strict=True):
        assert of.metrics == pytest.approx(result["test"])
    assert found.whole.metrics == pytest.approx(found.tested[1].metrics)


@pytest.mark.slow
def test_candidates_of_other_seeds_are_refused(trained: Trained) -> None:
    sampled = {"eval_args": {"mode": "uni5"}}
    with pytest.raises(UsageError, match=r"cannot be blended with .*candidate_seed"):
        ensemble([trained("Mamba4Rec", seed, **sampled, candidate_seed=seed) for seed in (1, 2)])


@pytest.mark.slow
def test_a_split_without_validation_is_refused(trained: Trained) -> None:
    with pytest.raises(UsageError, match="no validation split"):
        ensemble([trained("Mamba4Rec", seed, eval_args={"split": {"LS": "test_only"}}) for seed in (1, 2)])


def test_other_candidates_are_refused(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [trained("Mamba4Rec", seed) for seed in (1, 2)]
    whole = FullRankingLoader.collate_fn

    def forgetful(self: Any, index: Any) -> Any:
        batch = whole(self, index)
        return (batch[0], None, *batch[2:]) if self.config["seed"] == 2 else batch

    monkeypatch.setattr(FullRankingLoader, "collate_fn", forgetful)
    with pytest.raises(UsageError, match="ranks other candidates than the first member in valid"):
        ensemble(paths)


@pytest.mark.slow
def test_ratings_are_averaged_by_least_squares(trained: Trained) -> None:
    paths = [trained("HybridVAE", seed) for seed in (1, 2)]
    found = ensemble(paths)
    assert found.method == "mean" and set(found.whole.metrics) == {"rmse", "mae"}
    results = json.loads((paths[0] / "result.json").read_text())["test"]
    assert found.tested[0].metrics == pytest.approx(results, abs=1e-4)
    assert found.weighing.ensemble["rmse"] <= min(m["rmse"] for m in found.weighing.members) + 1e-4
    with pytest.raises(UsageError, match="--method=rank: predictions of ratings are blended by mean"):
        ensemble(paths, "rank")


@pytest.mark.slow
def test_clicks_and_labels_are_averaged(trained: Trained) -> None:
    for model, metrics in (("MDAFMamba", {"auc", "gauc", "logloss", "ece"}), ("FM", {"auc", "logloss"})):
        paths = [trained(model, seed) for seed in (1, 2)]
        found = ensemble(paths)
        results = json.loads((paths[1] / "result.json").read_text())["test"]
        assert set(found.whole.metrics) == metrics
        assert found.tested[1].metrics == pytest.approx(results, abs=1e-4)
        only = ensemble(paths, weights=[0, 1])
        assert only.whole.metrics == pytest.approx(only.tested[1].metrics, abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "loader"), [("Mamba4Rec", FullRankingLoader), ("HybridVAE", RatingEvalLoader), ("MDAFMamba", ClickLoader)]
)
def test_test_is_read_once_and_after_the_weights_are_chosen(
    model: str, loader: Any, trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths, order = [trained(model, seed) for seed in (1, 2)], []
    weigh, measure = module.weigh, module.measure_test
    reads: list[int] = []
    name = "collate_fn" if model == "Mamba4Rec" else "batch"
    read = getattr(loader, name)

    def counted(self: Any, rows: Any) -> Any:
        reads.append(id(self._dataset))
        return read(self, rows)

    def watched(call: Any, word: str) -> Any:
        def inner(members: Any, *rest: Any) -> Any:
            tests = {id(member.loaders.test._dataset) for member in members}
            before = len(reads)
            found = call(members, *rest)
            order.append((word, sum(dataset in tests for dataset in reads[before:])))
            return found

        return inner

    monkeypatch.setattr(loader, name, counted)
    monkeypatch.setattr(module, "weigh", watched(weigh, "weigh"))
    monkeypatch.setattr(module, "measure_test", watched(measure, "test"))
    ensemble(paths)
    assert order == [("weigh", 0), ("test", 2)]  # one batch of each of the two members


@pytest.mark.slow
def test_the_command_writes_json_and_a_page(trained: Trained, tmp_path: Path, capsys: Any) -> None:
    paths = [str(trained("Mamba4Rec", seed)) for seed in (1, 2)]
    words = ["ensemble", *paths, "--weights=[0.25, 0.75]"]
    for _ in range(2):  # its own files are replaced
        assert main([*words, f"--output={tmp_path / 'new' / 'out'}"]) == 0
    out = capsys.readouterr().out
    assert "given weights" in out and "gain over *" in out and "95 % over users" in out and "seeds 1, 2" in out
    results = json.loads((tmp_path / "new" / "out" / "ensemble.json").read_text())
    assert [member["weight"] for member in results["members"]] == [0.25, 0.75]
    assert set(results["gain"]) == set(results["test"]) and results["weights"]["searched"] is False
    assert results["gain"]["ndcg@2"]["difference"] == pytest.approx(
        results["test"]["ndcg@2"]
        - next(m for m in results["members"] if m["run"] == results["best_member"])["test"]["ndcg@2"]
    )
    assert "Ensemble" in (tmp_path / "new" / "out" / "ensemble.html").read_text()
    assert main([*words, f"--output={paths[0]}", "--overwrite"]) == 2
    assert main([*words, f"--output={Path(paths[0]) / 'checkpoint'}", "--overwrite"]) == 2
    (tmp_path / "new" / "out" / "ensemble.json").write_text("{}")
    assert main([*words, f"--output={tmp_path / 'new' / 'out'}"]) == 2


@pytest.mark.parametrize(
    ("words", "results"),
    [
        (["{a}"], "ensemble needs two runs or more"),
        (["{a}", "{a}"], "is given twice"),
        (["{a}", "nothing"], "nothing: there is no run"),
        (["{a}", "{b}", "--weight=[1, 0]"], "unknown option --weight; did you mean 'weights'?"),
        (["{a}", "{b}", "--weights=[1, 1]"], "--weights must be 2 numbers, one for each run, none below 0, of sum 1"),
        (["{a}", "{b}", "--weights=[2, -1]"], "none below 0"),
        (["{a}", "{b}", "--weights=a"], "(got 'a')"),
        (["{a}", "{b}", "--method=mean"], "predictions of ranking are blended by score or rank"),
    ],
)
def test_usage(words: list[str], results: str, trained: Trained, capsys: Any) -> None:
    names = {name: trained("Mamba4Rec", seed) for name, seed in (("a", 1), ("b", 2))}
    assert main(["ensemble", *(word.format(**names) for word in words)]) == 2
    assert results in capsys.readouterr().err


@pytest.mark.slow
def test_an_unfinished_member_and_a_changed_one(trained: Trained, tmp_path: Path) -> None:
    import shutil

    paths = [tmp_path / name for name in "ab"]
    for path, seed in zip(paths, (1, 2), strict=True):
        shutil.copytree(trained("Mamba4Rec", seed), path)
    result = json.loads((paths[1] / "result.json").read_text())
    result["valid"]["ndcg@2"] = 0.9999
    (paths[1] / "result.json").write_text(json.dumps(result))
    with pytest.raises(DataError, match=r"its checkpoint has ndcg@2 0.\d+ on validation, result.json has 0.9999"):
        ensemble(paths)
    (paths[1] / "result.json").unlink()
    with pytest.raises(UsageError, match=r"b has no result \(seed 2: 1 of 1 epochs\); finish it first, with --resume"):
        ensemble(paths)
    assert np.isfinite(result["valid"]["mrr@2"])
