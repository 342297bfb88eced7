"""Pop ranks by the training interactions of each item, as the baseline popularity does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recbole_ext.config.config import Config
from recbole_ext.pipeline.train import run
from tests.conftest import write_inter


@pytest.mark.parametrize("given", [{}, {"train_batch_size": 5}, {"repeatable": True}], ids=str)
def test_pop_equals_popularity_for_every_cutoff(
    make_config: Callable[..., Config], tmp_path: Path, given: dict[str, Any]
) -> None:
    draw = np.random.default_rng(3)
    chance = np.arange(12, 0, -1) / 78
    rows = [(f"u{u}", f"i{i}", t) for u in range(30) for t, i in enumerate(draw.choice(12, 6, replace=False, p=chance))]
    root = write_inter(tmp_path, "made", rows)
    cutoffs = [1, 2, 3, 4, 5, 6]
    ranks = {"topk": cutoffs, "metrics": ["Hit", "MRR"], "valid_metric": "Hit@1"}
    result = run(make_config("Pop", root, **ranks, **given))
    assert result["test"] == result["baselines"]["popularity"]
    assert 0 < result["test"]["hit@1"] < result["test"]["hit@6"]
    assert result["epochs_trained"] == 1


def test_the_item_that_everybody_took_comes_first(make_config: Callable[..., Config], tmp_path: Path) -> None:
    """A batch holds `hot` ten times, and every sampled negative is another item."""
    taken = [(f"u{u}", "hot", u) for u in range(10)] + [(f"u{u}", f"i{u}", 100 + u) for u in range(14)]
    parts = {"train": taken, "valid": [("u10", "hot", 200)], "test": [("u12", "hot", 300), ("u13", "hot", 301)]}
    header = "user_id:token\titem_id:token\ttimestamp:float"
    (tmp_path / "made").mkdir()
    for part, rows in parts.items():
        text = "\n".join([header, *("\t".join(map(str, row)) for row in rows)]) + "\n"
        (tmp_path / "made" / f"made.{part}.inter").write_text(text)
    ranks = {"topk": [1], "metrics": ["Hit"], "valid_metric": "Hit@1", "benchmark_filename": ["train", "valid", "test"]}
    assert run(make_config("Pop", tmp_path, **ranks))["test"] == {"hit@1": 1.0}
