"""One column is learnt and measured; no data set of this name exists, so faults are found before data is read."""

from typing import Any

import pytest

from recbole_ext.errors import UsageError
from recbole_ext.pipeline.configure import build_config


def build(**given: Any) -> Any:
    return build_config("HybridVAE", "there-is-none", [], {"device": "cpu", **given})


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"LABEL_FIELD": "liked"}, r"RATING_FIELD, which is 'rating' \(got 'liked'\); .*--RATING_FIELD=liked"),
        ({"RATING_FIELD": "points", "LABEL_FIELD": "rating"}, "RATING_FIELD, which is 'points'"),
        ({"threshold": {"rating": 4}}, r"threshold makes labels 0 and 1, and HybridVAE learns the ratings themselves"),
    ],
)
def test_a_second_truth_is_refused(given: dict[str, Any], fault: str) -> None:
    with pytest.raises(UsageError, match=fault):
        build(**given)


@pytest.mark.parametrize(
    "given", [{}, {"RATING_FIELD": "points"}, {"LABEL_FIELD": "label"}, {"RATING_FIELD": "a", "LABEL_FIELD": "a"}]
)
def test_metrics_read_the_rating_that_is_learnt(given: dict[str, Any]) -> None:
    config = build(**given)
    assert config["LABEL_FIELD"] == config["RATING_FIELD"] == given.get("RATING_FIELD", "rating")
    assert config.origins["LABEL_FIELD"] == config.origins["RATING_FIELD"]


def test_models_of_labels_keep_their_label() -> None:
    config = build_config("FM", "there-is-none", [], {"device": "cpu", "RATING_FIELD": "points"})
    assert config["LABEL_FIELD"] == "label"
