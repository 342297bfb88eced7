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
