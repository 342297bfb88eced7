from typing import Any

import pytest

from recbole_ext.evaluation.best_baseline import best_baseline
from recbole_ext.evaluation.protocol import Protocol
from recbole_ext.evaluation.tables import Strong
from recbole_ext.pipeline.summary import summary_lines
from tests.written_runs import words_of

PROTOCOL = Protocol(
    "no_time",
    "LS by user",
    "exact",
    "removed",
    "not known",
    "full",
    "all",
    50,
    7,
    {"d.inter": "ab" * 32},
    {},
    task="ranking",
)


def result(model_score: float, **baselines: float) -> dict[str, Any]:
    return {
        "model": "SS4Rec",
        "test": {"hit@10": 0.5, "ndcg@10": model_score},
        "best_epoch": 3,
        "valid": {"ndcg@10": 0.2},
        "valid_metric": "NDCG@10",
        "baselines": {name: {"hit@10": 0.4, "ndcg@10": score} for name, score in baselines.items()},
        "fit_seconds": 61.4,
        "peak_memory_mb": 1234,
        "run_directory": "runs/x",
    }


def test_the_model_stands_beside_its_baselines_under_its_protocol() -> None:
    lines = summary_lines(result(0.25, markov=0.2), PROTOCOL)
    assert lines[1].split() == ["test", "hit@10", "ndcg@10"]
    assert lines[2].split() == ["SS4Rec", "*", "0.5000", "0.2500"] and isinstance(lines[2], Strong)
    assert lines[3].split() == ["markov", "0.4000", "0.2000"]
    text = words_of(lines)
    assert "protocol no_time; removed; not known; candidates: full; seed 7" in text
    assert "weights those of epoch 3, chosen by validation NDCG@10; 61 s of training, peak memory 1,234 MB" in text
    assert "SS4Rec is ahead of the best non-learned baseline, markov: test ndcg@10 0.2500 against 0.2000" in text
    assert "(+0.0500, not tested over users)" in text
    assert max(map(len, lines)) <= 80


def test_the_best_comes_first_and_has_its_interval() -> None:
    of = result(0.15, markov=0.2) | {"test_intervals": {"SS4Rec": {"ndcg@10": [0.14, 0.17]}}}
    lines = summary_lines(of, PROTOCOL)
    assert lines[2].split() == ["markov", "*", "0.4000", "0.2000"]
    assert lines[3].split() == ["SS4Rec", "0.5000", "0.1500", "±0.015"]
    assert "does not beat the best non-learned baseline" in words_of(lines) and "95 % interval over users" in words_of(
        lines
    )
    smaller = {**result(0.9, bias=0.8), "valid_metric_bigger": False}
    assert summary_lines(smaller, PROTOCOL)[2].split()[0] == "bias"


@pytest.mark.parametrize(
    ("score", "errors", "stands"),
    [(0.25, 3.0, "beats"), (0.25, 1.0, "is not significantly ahead of"), (0.15, -1.0, "does not beat")],
)
def test_a_lead_within_noise_is_no_win(score: float, errors: float, stands: str) -> None:
    text = words_of(summary_lines(result(score, markov=0.2) | {"standard_errors_from_best": errors}, PROTOCOL))
    assert f"SS4Rec {stands} the best" in text and f"{abs(errors):.1f} standard errors over users" in text


def test_the_best_counted_baseline_is_best_by_the_validation_metric() -> None:
    assert best_baseline(result(0.25, popularity=0.1, markov=0.3)) == ("markov", 0.3)
    smaller = {**result(0.25, bias=0.9, mean=1.1), "valid_metric_bigger": False}
    assert best_baseline(smaller) == ("bias", 0.9)
    assert best_baseline(result(0.25)) is None and best_baseline({}) is None


def test_without_validation_nothing_chose_the_weights() -> None:
    text = words_of(summary_lines({**result(0.2), "valid": None}, PROTOCOL))
    assert "weights those of epoch 3, the last one, because there is no validation split to choose by; 61 s" in text


def test_stages_and_what_the_last_one_forgot_are_told() -> None:
    stages = [{"share": 1.0, "first_epoch": 1}, {"share": 0.2, "first_epoch": 9}]
    forgetting = {"metric": "ndcg@10", "rows": 1234, "before": 0.25, "after": 0.125}
    lines = summary_lines({**result(0.2), "stages": stages, "forgetting": forgetting}, PROTOCOL)
    assert "stages      from epoch 1 on everything, from epoch 9 on the newest 20 %" in lines
    assert "old window  ndcg@10 0.2500 before the last stage, 0.1250 after, on 1,234 training targets" in lines
    assert not any("stages" in line or "old window" in line for line in summary_lines(result(0.2), PROTOCOL))
