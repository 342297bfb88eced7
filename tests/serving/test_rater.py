"""A row of a run's splits is rated as the run rated it: to the bit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from recbole_ext.config.config import Config
from recbole_ext.serving.rater import open_rater
from recbole_ext.tasks.ratings.batches import RatingSampleLoader
from tests.conftest import write_inter
from tests.model.test_hybridvae import HEADER, SIZES, rating_rows
from tests.serving.conftest import Trained, predicted_ratings

SETTINGS: dict[str, dict[str, Any]] = {
    "random": {},
    "newest of each user": {"eval_args": {"order": "TO", "group_by": "user"}, "time_context": "past"},
    "newest of all": {"eval_args": {"order": "TO", "group_by": "none"}},
    "pairwise": {"architecture": "pairwise", "loss": "mse"},
    "whole users": {"batches_of": "users", "item_sets": False, "latent_size": 0},
    "attention": {"attention_heads": 2, "train_on": "train_valid"},
}


@pytest.fixture(
    params=["random", "newest of each user", *(pytest.param(n, marks=pytest.mark.slow) for n in list(SETTINGS)[2:])]
)
def trained(
    request: Any, make_config: Callable[..., Config], once: Any, train_run: Callable[[Config], Trained]
) -> Trained:
    rows = [(u, i, s, t // 50_000 * 50_000) for u, i, s, t in rating_rows(False, 20, 30)]  # many share their second
    given = {**SIZES, "epochs": 1, "eval_batch_size": 17, **SETTINGS[request.param]}

    def train(folder: Path) -> Trained:
        root = write_inter(folder, "made", rows, HEADER)
        return train_run(make_config("HybridVAE", root, runs_dir=str(folder / "runs"), **given))

    return once(request.param, train)


@pytest.mark.slow
def test_a_row_of_the_splits_gets_what_the_run_computed_for_it(trained: Trained) -> None:
    rater, rng = open_rater(trained.folder), np.random.default_rng(0)
    loaders = trained.loaders
    every = torch.arange(len(loaders.train._dataset))
    wanted = [
        (loaders.test, trained.tested),
        (loaders.test, predicted_ratings(trained, loaders.test)),
        (loaders.train, predicted_ratings(trained, RatingSampleLoader(trained.config, loaders.train._dataset, every))),
    ]
    wanted += [(loaders.valid, predicted_ratings(trained, loaders.valid))] if loaders.valid is not None else []
    for loader, expected in wanted:
        pairs = pd.DataFrame(trained.tokens(loader))
        order = rng.permutation(len(pairs))[: len(pairs) * 2 // 3]
        assert (rater.rate(pairs)["prediction"].to_numpy() == expected).all()
        assert (rater.rate(pairs.iloc[order])["prediction"].to_numpy() == expected[order]).all()
        without_time = pairs.drop(columns="timestamp").iloc[order]  # no pair is rated twice
        assert (rater.rate(without_time)["prediction"].to_numpy() == expected[order]).all()


@pytest.mark.slow
def test_a_training_row_is_rated_as_the_training_loader_shows_it(trained: Trained) -> None:
    pairs = pd.DataFrame(trained.tokens(trained.loaders.train))
    rated = open_rater(trained.folder).rate(pairs)["prediction"].to_numpy()
    for batch in trained.loaders.train:  # drawn, so that sums are rounded otherwise
        with torch.no_grad():
            expected = trained.model.predict(batch).double().numpy()
        assert rated[batch["rating_row"].numpy()] == pytest.approx(expected, abs=2e-5)


def test_another_moment_is_another_row(trained: Trained) -> None:
    pairs = pd.DataFrame(trained.tokens(trained.loaders.train)).head(40)
    rater = open_rater(trained.folder)
    known, later = (rater.rate(each)["prediction"].to_numpy() for each in (pairs, pairs.assign(timestamp=10**7)))
    if trained.config["architecture"] == "sets":
        assert (known != later).mean() > 0.9  # the pair's own rating is one of the user's others now
    both = rater.rate(pd.concat([pairs, pairs.assign(timestamp=10**7)]))["prediction"].to_numpy()
    assert (both[:40] == known).all() and both[40:] == pytest.approx(later, abs=1e-5)
