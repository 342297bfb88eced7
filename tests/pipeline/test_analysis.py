"""What a run keeps for its page, of every task and of RecBole's own models; it never costs the run its result."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from recbole_ext.config.config import Config
from recbole_ext.evaluation.evaluator import Evaluation
from recbole_ext.pipeline.analysis import analysis_of
from recbole_ext.pipeline.train import run
from recbole_ext.registry import models
from recbole_ext.report.record import read_record
from recbole_ext.report.run_page import run_page
from recbole_ext.runs.run_files import read_analysis

LISTS = {"hits", "recommended", "groups", "examples"}
VALUES = {"stars", "errors", "groups", "examples"}
CLICKS = {"calibration", "groups", "examples"}
TOWER = {"hidden_size": 8, "inner_size": 8, "loss_type": "CE"}
SAMPLED = {"mode": {"valid": "uni20", "test": "uni20"}}
LABELS = {"load_col": {"inter": ["user_id", "item_id", "rating", "timestamp"]}, "threshold": {"rating": 4}}
KINDS = [
    pytest.param("SASRec", TOWER, LISTS, id="sequence"),
    pytest.param("Mamba4Rec", {"hidden_size": 8, "tested_users": 7}, LISTS, id="sampled users"),
    pytest.param("BPR", {}, LISTS, id="general"),
    pytest.param("BPR", {"eval_args": SAMPLED}, LISTS, id="sampled candidates"),
    pytest.param("ItemKNN", {"topk": [10, 120]}, LISTS, id="long lists"),
    pytest.param("CFKG", {}, LISTS, id="knowledge"),
    pytest.param("DeepFM", LABELS, CLICKS, id="labels"),
    pytest.param("XGBoost", LABELS, CLICKS, id="trees"),
    pytest.param("HybridVAE", {}, VALUES, id="ratings"),
    pytest.param("MDAFMamba", {}, CLICKS, id="clicks"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("model", "given", "keys"), KINDS)
def test_a_run_keeps_what_its_page_draws(
    make_config: Callable[..., Config], small_ml_100k: Path, model: str, given: dict[str, Any], keys: set[str]
) -> None:
    result = run(make_config(model, small_ml_100k, "ml-100k", epochs=1, log_tensorboard=False, **given))
    folder = Path(result["run_directory"])
    found = read_analysis(folder)
    assert set(found) == {"format", *keys} and (folder / "analysis.json").stat().st_size < 100_000
    assert len(found["examples"]) == 5 and all(user["titles"] for user in found["examples"])
    assert found["groups"]["history"] and found["groups"]["popularity"]
    assert "not analysed" not in (folder / "log.txt").read_text()
    for metric, value in result["test"].items():
        kind, _, k = metric.partition("@")
        if kind == "hit" and int(k) <= 100:
            within = found["hits"]["within"][int(k) - 1] / found["hits"]["lists"]
            assert within == pytest.approx(value, abs=6e-5)
    html = run_page(read_record(folder), []).html()
    assert "Some users" in html and "DAMAGED" not in html


def test_an_error_in_it_costs_the_run_nothing(caplog: pytest.LogCaptureFixture) -> None:
    class Scores:
        def analysis(self, train: Any, earlier: list[Any]) -> dict[str, Any]:
            raise ValueError("no places today")

    class Given(dict):  # type: ignore[type-arg]
        entry = models()["HybridVAE"]

    loaders: Any = SimpleNamespace(train=SimpleNamespace(_dataset=None), parts=[None] * 3)
    config: Any = Given(metrics=["RMSE"])
    scores: Any = Scores()
    assert analysis_of(config, loaders, Evaluation({}, scores)) == {}
    assert "not analysed (ValueError: no places today)" in caplog.text
    assert analysis_of(config, loaders, Evaluation({}, None)) == {}  # a process that does not lead
