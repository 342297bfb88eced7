"""Runs that recommend together: the lists that `ensemble` ranks, and what cannot be blended."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import recbole_ext as rx
from recbole_ext.cli.main import main
from recbole_ext.comparison import fusion
from recbole_ext.comparison.ensemble import ensemble
from recbole_ext.errors import UsageError
from recbole_ext.evaluation import collector
from tests.conftest import write_inter

ROWS = [(f"u{user}", f"i{(user + 3 * k + user * k % 5) % 17}", 1000 * k + user) for user in range(30) for k in range(6)]
TINY: dict[str, Any] = {
    "epochs": 2,
    "baselines": [],
    "topk": [4],
    "valid_metric": "MRR@4",
    "show_progress": False,
    "device": "cpu",
    "eval_args": {"split": {"LS": "valid_and_test"}, "order": "TO", "group_by": "user", "mode": "full"},
    "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
    "filter_seen_items": True,
}
OF = {
    "SASRec": {"hidden_size": 8, "inner_size": 8, "n_layers": 1, "n_heads": 1},
    "BPR": {"embedding_size": 8, "repeatable": False},
    "Mamba4Rec": {"hidden_size": 8, "d_state": 2},
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A sequence model, a general one, and another sequence model, on the same splits."""
    root = tmp_path_factory.mktemp("blended")
    data = write_inter(root, "made", ROWS)
    given = {**TINY, "data_path": data, "runs_dir": root / "runs"}
    return [rx.train(model, "made", **given, **own).path for model, own in OF.items()]


def ensemble_lists(runs: list[Path], method: str, monkeypatch: pytest.MonkeyPatch) -> tuple[np.ndarray, np.ndarray]:
    """The weights of an ensemble, and the items that it ranks for the rows of test."""
    found: list[np.ndarray] = []
    original = collector.top_items

    def top_items(scores: Any, k: int) -> Any:
        items = original(scores, k)
        found.append(items.numpy())
        return items

    measured = fusion.measure_test

    def measure_test(*given: Any) -> Any:
        found.clear()
        return measured(*given)

    with monkeypatch.context() as patch:
        patch.setattr(collector, "top_items", top_items)
        patch.setattr("recbole_ext.comparison.ensemble.measure_test", measure_test)
        together = ensemble(runs, method)
    return together.weighing.weights, np.concatenate(found[len(runs) :: len(runs) + 1])


@pytest.mark.slow
@pytest.mark.parametrize("method", ["score", "rank"])
def test_the_lists_are_those_of_the_ensemble(runs: list[Path], method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    weights, lists = ensemble_lists(runs, method, monkeypatch)
    blend = rx.blend(runs, method)
    assert np.array_equal(blend.weights, weights)
    found = blend.recommend(k=4, at="test")
    tokens = rx.load(runs[0]).loaded.train.field2id_token["item_id"]
    assert found["item_id"].tolist() == [str(tokens[item]) for row in lists for item in row if item >= 0]
    assert found.attrs["notes"][0].startswith(f"blended by {method}: SASRec-made-")


@pytest.mark.slow
def test_one_weight_of_1_is_that_run_alone(runs: list[Path]) -> None:
    alone = rx.load(runs[1]).recommend(["u7", "u2"], k=5, deny=["i3"])
    found = rx.blend(runs[:2], weights=[0.0, 1.0]).recommend(["u7", "u2"], k=5, deny=["i3"])
    columns = ["user_id", "item_id", "rank"]
    assert found[columns].equals(alone[columns])
    history = [("new", "i1", 10), ("new", "i5", 20)]
    both = rx.blend([runs[0], runs[2]], weights=[1.0, 0.0]).recommend(history=history, k=3)
    assert both["item_id"].tolist() == rx.load(runs[0]).recommend(history=history, k=3)["item_id"].tolist()


@pytest.mark.slow
def test_the_command(runs: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    words = ["recommend", f"--runs={','.join(map(str, runs))}", "--weights=[0.5, 0.25, 0.25]", "--users=u3", "--k=2"]
    assert main(words) == 0
    out, err = capsys.readouterr()
    expected = rx.blend(runs, weights=[0.5, 0.25, 0.25]).recommend("u3", k=2)
    assert [line.split("\t")[1] for line in out.splitlines()[1:]] == expected["item_id"].tolist()
    assert "blended by score: SASRec-made-" in err and "seen items are left out, as the protocol of the run" in err
    assert main([*words[:2], "--weights=[1, 1]"]) == 2
    assert "--weights must be 3 numbers" in capsys.readouterr().err


@pytest.mark.slow
def test_runs_that_cannot_be_blended(runs: list[Path], make_config: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is given twice"):
        rx.blend([runs[0], runs[0]])
    with pytest.raises(UsageError, match="predictions of ranking are blended by score or rank"):
        rx.blend(runs, "mean")
    with pytest.raises(UsageError, match="there is no run"):
        rx.blend([runs[0], tmp_path])
