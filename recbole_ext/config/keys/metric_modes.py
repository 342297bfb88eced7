"""Which metrics mean something: one table of the task, of what targets are ranked among, and of the kind of metric.

    task      full               uniN, popN               labeled
    ranking   lists              lists                    AUC, which needs an order alone
    labels    lists              lists, AUC, LogLoss      AUC, LogLoss, RMSE, MAE
    trees     -                  -                        AUC, LogLoss, RMSE, MAE
    clicks    -                  -                        AUC, LogLoss, GAUC
    ratings   -                  -                        RMSE, MAE

`ranking` are models whose scores order items and are no probabilities; `labels` are RecBole's click models.
"""

import re
from typing import Any

from recbole_ext.config.keys.metric_kinds import METRIC_KINDS, OWN_METRICS, RANKING
from recbole_ext.config.layers import Layer
from recbole_ext.registry import ModelEntry

LISTS = tuple(name for name, kind in METRIC_KINDS.items() if kind == RANKING)
_LABELS, _ERRORS = ("auc", "logloss"), ("rmse", "mae")
ALLOWED: dict[str, dict[str, tuple[str, ...]]] = {
    "ranking": {"full": LISTS, "sampled": LISTS, "labeled": ("auc",)},
    "labels": {"full": LISTS, "sampled": (*LISTS, *_LABELS), "labeled": (*_LABELS, *_ERRORS)},
    "trees": {"labeled": (*_LABELS, *_ERRORS)},
    "clicks": {"labeled": (*_LABELS, "gauc")},
    "ratings": {"labeled": _ERRORS},
}
_NAMES = """Hit MRR MAP Recall NDCG Precision GAUC ItemCoverage AveragePopularity ShannonEntropy GiniIndex
    TailPercentage AUC LogLoss RMSE MAE""".split()
_SHOWN = {name.lower(): name for name in _NAMES}
_OF_LABELS = ("DIN", "DIEN")
"""RecBole's click models in its family of sequence models."""


def metric_task(entry: ModelEntry) -> str:
    """The row of the table for a model."""
    if entry.task != "ranking":
        return entry.task
    if entry.family == "exlib":
        return "trees"
    return "labels" if entry.family == "context_aware" or entry.name in _OF_LABELS else "ranking"


def metric_faults(entry: ModelEntry, layers: list[Layer], values: dict[str, Any]) -> list[str]:
    """Metrics that have no meaning for the model in a mode of evaluation, and cut-offs beyond the candidates."""
    names = [str(name).lower() for name in _listed(values.get("metrics"))]
    known, modes = [name for name in names if name in METRIC_KINDS], _modes(values)
    if not known or not modes:
        return []  # other rules report these
    faults = [fault for mode in modes for fault in _of_mode(entry, known, mode)]
    if not faults and len({METRIC_KINDS[name] for name in known}) > 1:
        faults.append(f"metrics: {_told(known)} are not measured in one run; metrics of lists and of values go apart")
    return faults + [fault for mode in modes for fault in _cutoffs(known, mode, values.get("topk"))]


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _modes(values: dict[str, Any]) -> list[str]:
    """The modes of validation and test, each once; those of a wrong form are left out."""
    given = values.get("eval_args")
    given = given.get("mode", "full") if isinstance(given, dict) else None
    found = list(given.values()) if isinstance(given, dict) else [given]
    return [str(mode) for mode in dict.fromkeys(map(str, found)) if _kind(str(mode))]


def _kind(mode: str) -> str:
    return "sampled" if re.fullmatch(r"(uni|pop)[1-9]\d*", mode) else mode if mode in ("full", "labeled") else ""


def _of_mode(entry: ModelEntry, names: list[str], mode: str) -> list[str]:
    allowed = ALLOWED[metric_task(entry)]
    if _kind(mode) not in allowed:
        return [f"eval_args: mode must be labeled for {entry.name}, which ranks no lists (got {mode!r})"]
    wrong = [name for name in names if not _measured(name, allowed[_kind(mode)])]
    if not wrong:
        return []
    others = [f"--eval_args='{{mode: {other}}}'" for other in _modes_for(allowed, wrong, mode)]
    instead = f"choose among {_told(allowed[_kind(mode)])}" + "".join(f", or give {other}" for other in others[:1])
    return [f"metrics: {_told(wrong)} cannot be measured for {entry.name} in mode {mode}; {instead}"]


def _measured(name: str, allowed: tuple[str, ...]) -> bool:
    """Whether a metric is allowed; of the user's metrics, whether one of its kind is."""
    kind = OWN_METRICS.get(name)
    return name in allowed if kind is None else any(METRIC_KINDS[other] == kind for other in allowed)


def _modes_for(allowed: dict[str, tuple[str, ...]], names: list[str], mode: str) -> list[str]:
    """Other modes in which all of the metrics mean something."""
    found = [kind for kind, metrics in allowed.items() if kind != _kind(mode) and set(names) <= set(metrics)]
    return ["uni100" if kind == "sampled" else kind for kind in found]


def _cutoffs(names: list[str], mode: str, topk: Any) -> list[str]:
    """Among N sampled candidates and the target, a list of N + 1 or more finds the target always."""
    cuts = any(METRIC_KINDS[name] == RANKING and name != "gauc" for name in names)
    largest = max((k for k in _listed(topk) if isinstance(k, int)), default=0)
    if _kind(mode) != "sampled" or not cuts or largest <= int(mode[3:]):
        return []
    return [
        f"topk {largest} with mode {mode}: a target is ranked among {int(mode[3:]) + 1} candidates, so it would always "
        "be found; lower --topk, or sample more candidates"
    ]


def _told(names: Any) -> str:
    return ", ".join(_SHOWN.get(name, name) for name in names)
