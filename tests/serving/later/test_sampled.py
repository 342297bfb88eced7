"""Evaluation of a sample of users: the values of these users in the evaluation of all."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import recbole_ext as rx
from recbole_ext.config.config import Config
from recbole_ext.drift.baselines import baseline_makers
from recbole_ext.drift.future import open_future, windows_of
from recbole_ext.drift.windowed import Window, Windowed
from recbole_ext.errors import UsageError
from recbole_ext.pipeline.train import run
from recbole_ext.serving.later.evaluate import LaterEvaluation
from recbole_ext.serving.later.left_out import NOT_SAMPLED
from recbole_ext.serving.run import Run
from tests.drift.made_logs import SMALL, walks, write_divided

DRAWN = 15


@pytest.fixture(scope="module", params=["GRU4Rec", "BPR"])
def runs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """The same model twice, tested on all users and on a sample."""
    root = tmp_path_factory.mktemp("sampled")
    write_divided(root, "made", (14, 16), walks(24, changed=None))
    files = {
        "benchmark_filename": ["train", "valid", "test"],
        "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
    }
    given: dict[str, Any] = {**{k: v for k, v in SMALL.items() if request.param == "GRU4Rec" or k in _OF_ALL}, **files}
    given |= {"epochs": 1, "baselines": ["popularity"], "runs_dir": str(root / "runs"), "show_progress": False}
    made = [rx.train(request.param, "made", data_path=root, **given, tested_users=n) for n in (0, DRAWN)]
    return made[0], made[1]


_OF_ALL = ("embedding_size", "topk", "metrics", "valid_metric", "train_batch_size", "device")


@pytest.mark.slow
def test_the_test_of_a_sample_has_the_values_of_its_users(runs: tuple[Run, Run]) -> None:
    whole, sampled = runs
    rows = whole.evaluate(open_future(whole.loaded, "test").table, test_rows=True)
    some = sampled.evaluate(open_future(sampled.loaded, "test").table, test_rows=True)
    assert some.metrics == sampled.result["test"]
    assert some.table.loc[some.table["evaluated"], "user"].nunique() == DRAWN
    assert (
        some.left_out[NOT_SAMPLED] == (~some.table["user"].isin(some.table.loc[some.table["evaluated"], "user"])).sum()
    )
    assert any("15 of 60 users were sampled" in note for note in some.notes)
    mine = rows.subset(rows.table["user"].isin(some.table.loc[some.table["evaluated"], "user"].unique()))
    assert {name: round(value, 4) for name, value in mine.metrics.items()} == some.metrics
    assert "tested on at most 15 users" in sampled.result["protocol"]["targets"]
    assert whole.evaluate(open_future(whole.loaded, "test").table, test_rows=True, users=DRAWN).metrics == some.metrics


def windows(opened: Run, users: int) -> list[Window]:
    """Of four days."""
    loaded = opened.loaded
    future = open_future(loaded, "test")
    later = LaterEvaluation(loaded, future.table, None, future.is_own)
    table, train = later.later.table, loaded.train
    spans = windows_of(future, table[train.time_field].to_numpy(), table[train.uid_field], "4d")
    return list(Windowed(later, future, spans, users).measured(baseline_makers(loaded), lambda rows: None))


def test_windows_of_a_sample_have_the_rows_of_its_users_of_the_whole(runs: tuple[Run, Run]) -> None:
    """Baselines that are refitted before a window still know the rows of all users."""
    for all_users, some_users in zip(windows(runs[0], 0), windows(runs[0], DRAWN), strict=True):
        assert some_users.n_users == DRAWN < all_users.n_users
        kept = some_users.table["evaluated"].to_numpy()
        pairs = [
            (all_users.table, some_users.table),
            (all_users.refitted["popularity"], some_users.refitted["popularity"]),
        ]
        for whole, some in pairs:
            np.testing.assert_array_equal(whole.loc[kept, "ndcg@5"], some.loc[kept, "ndcg@5"])
        assert some_users.table.loc[~kept, "ndcg@5"].isna().all()


def test_a_negative_number_is_refused(
    runs: tuple[Run, Run], make_config: Callable[..., Config], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="at least 0"):
        runs[0].evaluate(open_future(runs[0].loaded, "test").table, test_rows=True, users=-1)
    with pytest.raises(UsageError, match="tested_users must be an integer of at least 0"):
        run(make_config("BPR", tmp_path, tested_users=-1))
