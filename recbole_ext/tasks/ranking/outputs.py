"""What the models of the ranking task put out, and the metrics and baselines that follow from it.

    output    full               uniN, popN               labeled
    ranking   lists              lists                    AUC, which needs an order alone
    labels    lists              lists, AUC, LogLoss      AUC, LogLoss, RMSE, MAE
    trees     -                  -                        AUC, LogLoss, RMSE, MAE

`ranking` are models whose scores order items and are no probabilities; `labels` are RecBole's click models. Free of
torch, so that configurations are checked before it is imported.
"""

from recbole_ext.config.keys.metric_kinds import LISTS, METRIC_KINDS, RANKING
from recbole_ext.model_entry import ModelEntry

_LABELS, _ERRORS = ("auc", "logloss"), ("rmse", "mae")
METRICS: dict[str, dict[str, tuple[str, ...]]] = {
    "ranking": {"full": LISTS, "sampled": LISTS, "labeled": ("auc",)},
    "labels": {"full": LISTS, "sampled": (*LISTS, *_LABELS), "labeled": (*_LABELS, *_ERRORS)},
    "trees": {"labeled": (*_LABELS, *_ERRORS)},
}
BASELINES: dict[str, tuple[str, ...]] = {
    "rows": ("popularity",),
    "sequences": ("popularity", "markov", "skip_markov", "personal_popularity"),
    "labels": ("click_rate", "item_rate", "user_item_rate"),
    "trees": (),
}
_OF_LABELS = ("DIN", "DIEN")
"""RecBole's click models in its family of sequence models."""


def metrics_of(entry: ModelEntry) -> dict[str, tuple[str, ...]]:
    """The row of the table for a model."""
    return METRICS[_output(entry)]


def baseline_names(entry: ModelEntry, metrics: list[str]) -> tuple[str, ...]:
    """Names of baselines: a model of labels whose lists are measured is compared with baselines of lists."""
    output = _output(entry)
    lists = any(METRIC_KINDS.get(name.lower()) == RANKING for name in metrics)
    if output == "ranking" or (output == "labels" and lists):
        output = "sequences" if entry.family == "sequential" else "rows"
    return BASELINES[output]


def _output(entry: ModelEntry) -> str:
    if entry.family == "exlib":
        return "trees"
    return "labels" if entry.family == "context_aware" or entry.registered in _OF_LABELS else "ranking"
