"""RecBole's metrics by name and kind; declared here, so that a setting is checked before RecBole is imported."""

RANKING, VALUE = "ranking", "value"

METRIC_KINDS: dict[str, str] = {
    **dict.fromkeys(("hit", "mrr", "map", "recall", "ndcg", "precision", "gauc"), RANKING),
    **dict.fromkeys(
        ("itemcoverage", "averagepopularity", "shannonentropy", "giniindex", "tailpercentage"),
        RANKING,
    ),
    **dict.fromkeys(("auc", "mae", "rmse", "logloss"), VALUE),
}
"""Name in lower case -> whether it is computed from ranked lists or from the predicted values."""
LISTS = tuple(name for name, kind in METRIC_KINDS.items() if kind == RANKING)
"""Those of ranked lists."""

OWN_METRICS: dict[str, str] = {}
"""Metrics of the user, which a program has registered."""


def declare_metric(name: str, kind: str) -> None:
    """Let settings name a metric of the user.

    Args:
        name: in lower case.
        kind: `RANKING` or `VALUE`.
    """
    OWN_METRICS[name] = METRIC_KINDS[name] = kind
