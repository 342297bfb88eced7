from collections.abc import Callable
from pathlib import Path
from typing import Any

import recbole_ext as rx
from recbole_ext.serving.run_table import run_html, tested_table


def test_a_run_has_its_metrics_and_its_curves(make_run: Callable[..., Path]) -> None:
    run = rx.load(make_run())
    assert run.metrics.index[0] == "skip_markov" and list(run.metrics)[:2] == ["hit@10", "ndcg@10"]
    assert list(run.curves["epoch"]) == [1, 2, 3, 4, 5, 6]
    shown = run._repr_html_()
    assert run.path.name in shown and "0.1100" in shown and "does not beat the best non-learned baseline" in shown


def test_smaller_errors_come_first_and_nothing_is_markup(result: dict[str, Any]) -> None:
    evil = "<script>alert(1)</script>"
    errors = {"model": evil, "valid_metric": "RMSE", "valid_metric_bigger": False, "test": {"mae": 0.7, "rmse": 0.9}}
    errors["baselines"] = {"bias": {"rmse": 0.95, "mae": 0.6}, "mean": {"rmse": 0.8, "mae": 0.9}}
    assert list(tested_table(errors).index) == ["mean", evil, "bias"] and list(tested_table(errors)) == ["rmse", "mae"]
    assert "<script>" not in run_html(evil, errors) and "&lt;script&gt;" in run_html(evil, errors)


def test_a_run_without_a_result_says_so(make_run: Callable[..., Path]) -> None:
    run = rx.load(make_run(result=None, end={"event": "continued"}))
    assert run.metrics.empty and "has not finished" in run._repr_html_()
