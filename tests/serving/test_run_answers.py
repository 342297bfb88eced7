"""A run of ratings and one of clicks answer from the data that they stored."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

import recbole_ext as rx
from recbole_ext.config.config import Config
from recbole_ext.errors import DataError, UsageError
from tests.conftest import CLICK_HEADER, SMALL_CLICKS, write_inter
from tests.serving.conftest import predicted_clicks


@pytest.mark.slow
def test_ratings(make_config: Callable[..., Config], train_run: Callable, tmp_path: Path) -> None:
    rows = [(f"u{k % 12}", f"i{(k * 7 + k // 12) % 15}", 1 + k * k % 5, 100 * k) for k in range(150)]
    root = write_inter(tmp_path / "data", "rated", rows, "user_id:token\titem_id:token\trating:float\ttimestamp:float")
    trained = train_run(make_config("HybridVAE", root, "rated", epochs=1, baselines=[]))
    tokens = pd.DataFrame(trained.tokens(trained.loaders.test))
    shutil.rmtree(root)
    run = rx.load(trained.folder)
    of_polars = pl.DataFrame(tokens.to_dict("list"))
    for given in (tokens, of_polars, tokens.set_index(np.zeros(len(tokens)))):
        assert np.array_equal(run.rate(given)["prediction"].to_numpy(), trained.tested)
    assert run.evaluate(of_polars.with_columns(rating=3.0, timestamp=99_999)).rows == len(tokens)
    with pytest.raises(DataError, match="the table has no column 'user_id'; it has a"):
        run.rate(pd.DataFrame({"a": [1]}))
    later = tokens.assign(rating=3.0, timestamp=99_999)
    found = run.evaluate(later)
    mean_error = float((run.rate(later)["prediction"] - 3.0).abs().mean())
    assert found.rows == len(later) and found.metrics["mae"] == pytest.approx(mean_error, abs=1e-3)
    with pytest.raises(UsageError, match="HybridVAE is a model of ratings and answers rate and evaluate; recommend is"):
        run.recommend()


@pytest.mark.slow
def test_clicks(make_config: Callable[..., Config], train_run: Callable, tmp_path: Path) -> None:
    rows = [(f"u{k % 9}", f"i{k * 5 % 11}", 100 * k, k * k % 3 % 2) for k in range(120)]
    root = write_inter(tmp_path / "data", "clicked", rows, CLICK_HEADER)
    trained = train_run(make_config("MDAFMamba", root, "clicked", **SMALL_CLICKS))
    tokens = pd.DataFrame(trained.tokens(trained.loaders.test))
    shutil.rmtree(root)
    run = rx.load(trained.folder)
    expected = predicted_clicks(trained, trained.loaders.test)
    assert np.array_equal(run.click_probability(tokens)["probability"].to_numpy(), expected)
    of_polars = pl.DataFrame(tokens.to_dict("list"))
    assert np.array_equal(run.click_probability(of_polars)["probability"].to_numpy(), expected)
    with pytest.raises(DataError, match=r"click_probability takes a DataFrame of .* \(got str\)"):
        run.click_probability("rows.tsv")
    with pytest.raises(UsageError, match="rate is for models of ratings"):
        run.rate(tokens)
    with pytest.raises(DataError, match="the table has no column 'label'"):
        run.evaluate(tokens)
