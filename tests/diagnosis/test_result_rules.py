"""Rules about the result of a run: each one speaks and each one is silent."""

from typing import Any

import pytest

from recbole_ext.diagnosis.curve import Curve
from recbole_ext.diagnosis.finding import Finding
from recbole_ext.diagnosis.result_rules import (
    errors_of_scaled_ratings,
    kl_weight_high,
    memory_nearly_full,
    recency_forgets,
    suspiciously_good,
    too_little,
    worse_than_baseline,
    worse_than_mean,
)
from recbole_ext.pipeline.configure import build_config
from recbole_ext.training.stage_list import recorded_epochs


def curve(result: dict[str, Any] | None = None, epochs: int = 9, **settings: Any) -> Curve:
    return Curve({"epoch": [(e, float(e)) for e in range(epochs)]}, epochs - 1, True, settings, result or {})


def text(found: Finding | None) -> str:
    assert found is not None
    return found.text


def ranking(own: float, **baselines: float) -> dict[str, Any]:
    return {
        **{"model": "SS4Rec", "dataset": "ml-100k", "valid_metric": "NDCG@10", "valid_metric_bigger": True},
        "test": {"ndcg@10": own},
        "baselines": {name: {"ndcg@10": value} for name, value in baselines.items()},
        "protocol": {"preset": "no_time", "changes": {}, "split_kind": "LS", "candidates": "full"},
    }


def test_a_finished_run_of_one_seed_says_nothing_of_variance() -> None:
    assert text(too_little(curve(ranking(0.1)))) == "1 seed: no conclusion on variance or significance is possible"
    assert "1 of 3 seeds" in text(too_little(curve(seeds=[1, 2, 3])))
    assert "1 epoch, 1 seed" in text(too_little(curve(epochs=1))) and too_little(curve()) is None


def test_a_model_that_is_computed_in_one_pass_has_no_epochs_to_finish() -> None:
    of = {"model": "ItemKNN", "epochs": 300, "stopping_step": 10, "learning_rate": 0.001}
    assert too_little(Curve({"epoch": [(0, 0.0)]}, 0, True, of)) is None
    tested = Curve({"epoch": [(0, 0.0)], "valid": [(0, 0.1)]}, 0, True, of, ranking(0.2, markov=0.3))
    assert text(too_little(tested)) == "1 seed: no conclusion on variance or significance is possible"
    found = worse_than_baseline(tested)
    assert found is not None and "epochs" not in found.advice
    assert recorded_epochs(of) == 1 and recorded_epochs({**of, "model": "BPR"}) == 300


def test_the_best_counted_baseline_is_what_has_to_be_beaten() -> None:
    shown = text(worse_than_baseline(curve(ranking(0.2, popularity=0.1, markov=0.3))))
    assert shown == "no better than the best non-learned baseline: test ndcg@10 0.2, markov has 0.3"
    assert worse_than_baseline(curve(ranking(0.3, markov=0.3))) is not None
    assert worse_than_baseline(curve(ranking(0.31, markov=0.3))) is None
    assert worse_than_baseline(curve(ranking(0.3))) is None and worse_than_baseline(curve()) is None


def test_errors_are_better_when_smaller() -> None:
    result = {"valid_metric": "RMSE", "valid_metric_bigger": False, "test": {"rmse": 0.96}}
    result["baselines"] = {"global_mean": {"rmse": 1.12}, "user_item_bias": {"rmse": 0.94}}
    assert "user_item_bias has 0.94" in text(worse_than_baseline(curve(result)))
    assert worse_than_baseline(curve(result | {"test": {"rmse": 0.93}})) is None


def test_r2_is_read_where_a_rating_run_has_it() -> None:
    assert "R2 is -0.1" in text(worse_than_mean(curve({"ratings": {"all": {"r2": -0.1}}})))
    assert worse_than_mean(curve({"ratings": {"all": {"r2": 0.3}}})) is None


def test_an_r2_that_chance_explains_is_no_finding() -> None:
    few = {"ratings": {"all": {"r2": -0.1, "n": 60}}}
    assert worse_than_mean(curve(few)) is None
    assert "R2 is -0.1" in text(worse_than_mean(curve({"ratings": {"all": {"r2": -0.1, "n": 600}}})))


def test_a_raw_clock_among_the_features_is_named_before_more_epochs() -> None:
    result = {"valid_metric": "AUC", "test": {"auc": 0.5}, "baselines": {"click_rate": {"auc": 0.6}}}
    columns = {"inter": ["user_id", "item_id", "timestamp"]}
    settings = {"model": "FM", "TIME_FIELD": "timestamp", "load_col": columns}
    found = worse_than_baseline(curve(result, **settings))
    assert found is not None and "timestamp is a feature in raw seconds" in found.text
    assert "unused_col" in found.advice and "more epochs do not change it" in found.advice
    for other in ({"model": "BPR"}, {"model": "MDAFMamba"}, {"unused_col": {"inter": ["timestamp"]}}):
        found = worse_than_baseline(curve(result, **{**settings, **other}))
        assert found is not None and "raw seconds" not in found.text and "significant" in found.advice


def test_beyond_the_best_honest_level_a_leak_is_looked_for() -> None:
    assert "ndcg@10 0.2 is beyond 0.16" in text(suspiciously_good(curve(ranking(0.2))))
    assert suspiciously_good(curve(ranking(0.1105))) is None
    unknown = ranking(0.9) | {"dataset": "mine"}
    assert suspiciously_good(curve(unknown)) is None
    assert "beyond 0.95" in text(suspiciously_good(curve(unknown | {"test": {"ndcg@10": 0.97}})))
    sampled = unknown | {"test": {"ndcg@10": 0.97}, "protocol": {"candidates": "uni100"}}
    assert suspiciously_good(curve(sampled)) is None


def test_the_audit_of_ratings_speaks_for_itself() -> None:
    audit = {"findings": [{"name": "target_in_input", "text": "RMSE 0.08"}]}
    assert "target_in_input: RMSE 0.08" in text(suspiciously_good(curve({"audit": audit})))
    ratings = {"dataset": "ml-100k", "valid_metric": "RMSE", "valid_metric_bigger": False, "test": {"rmse": 0.80}}
    assert "rmse 0.8 is beyond 0.845" in text(suspiciously_good(curve(ratings)))
    assert suspiciously_good(curve(ratings | {"test": {"rmse": 0.86}})) is None


def test_an_rmse_that_was_reported_is_held_against_its_data() -> None:
    shown = text(suspiciously_good(curve({"reported": {"rmse": 0.5996}}, dataset="ml-32m")))
    assert "an RMSE of 0.5996 in stars is below 0.73" in shown
    assert suspiciously_good(curve({"reported": {"rmse": 0.5996}})) is None, "nothing is known of the data"
    assert "below 0.55" in text(suspiciously_good(curve({"reported": {"rmse": 0.5046}})))


def test_a_kl_weight_is_judged_in_the_unit_of_the_rule() -> None:
    found = kl_weight_high(curve(kl_weight=0.02, kl_reduction="mean"))
    assert found is not None and not found.limit and found.text.startswith("kl_weight 0.02, above 0.015")
    summed = kl_weight_high(curve(kl_weight=0.01, latent_size=64))
    assert summed is not None and summed.limit and "on a sum over 64 dimensions is 0.64 on their mean" in summed.text
    assert kl_weight_high(curve(kl_weight=0.01, kl_reduction="mean", latent_size=64)) is None
    assert kl_weight_high(curve(kl_weight=5.0)) is None, "neither reduction nor size is known"


@pytest.mark.parametrize("files", [[], ["HybridVAE-pairwise"]])
def test_our_own_kl_weights_are_below_the_rule(files: list[str]) -> None:
    config = build_config("HybridVAE", "ml-100k", files, {})
    assert kl_weight_high(curve(**{name: config[name] for name in ("kl_weight", "latent_size")})) is None


def test_what_was_forgotten_is_measured_or_said_to_be_unknown() -> None:
    stages = {"valid_metric_bigger": True, "forgetting": {"metric": "ndcg@10", "before": 0.20, "after": 0.15}}
    assert "goes from 0.2 to 0.15" in text(recency_forgets(curve(stages)))
    stages["forgetting"] = {"metric": "ndcg@10", "before": 0.20, "after": 0.195}
    assert recency_forgets(curve(stages, overweight_factor=3.5)) is None
    unmeasured = recency_forgets(curve(overweight_factor=3.5))
    assert unmeasured is not None and unmeasured.limit and "was not measured" in unmeasured.text
    assert recency_forgets(curve()) is None


def test_memory_that_is_nearly_full_is_told() -> None:
    full = curve({"peak_memory_mb": 15_000, "peak_gpu_memory_mb": 10_000})
    full.environment = {"memory_gb": 16.0, "gpu_memory_gb": 24.0}
    assert text(memory_nearly_full(full)) == "98% of the machine's memory was used"
    full.environment = {"memory_gb": 32.0, "gpu_memory_gb": 11.0}
    assert text(memory_nearly_full(full)) == "95% of the GPU's memory was used"
    full.environment = {"memory_gb": 32.0}
    assert memory_nearly_full(full) is None
    assert "halved 2 times" in text(memory_nearly_full(curve({"batch_halvings": 2})))


def test_what_a_model_without_learning_reaches_is_no_leak() -> None:
    short = ranking(1.0, popularity=1.0) | {"dataset": "mine"}
    assert suspiciously_good(curve(short)) is None
    assert suspiciously_good(curve(short | {"baselines": {"popularity": {"ndcg@10": 0.4}}})) is not None


def test_errors_of_scaled_ratings_are_called_that_and_no_leak() -> None:
    result = {"dataset": "ml-100k", "valid_metric": "RMSE", "valid_metric_bigger": False, "test": {"rmse": 0.233}}
    settings = {"model": "FM", "RATING_FIELD": "rating"}
    for scaled in ({"normalize_all": True}, {"normalize_field": ["rating"]}):
        found = errors_of_scaled_ratings(curve(result, **settings, **scaled))
        assert "rating was scaled to [0, 1]" in text(found) and "rmse 0.233" in text(found)
        assert suspiciously_good(curve(result, **settings, **scaled)) is None
    stars = curve(result, **settings, normalize_all=False)
    assert errors_of_scaled_ratings(stars) is None and suspiciously_good(stars) is not None
