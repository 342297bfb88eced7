"""Which metrics mean something: errors by the table of the model's task (see `Task.metrics`)."""

import re
from collections.abc import Mapping
from typing import Any

from recbole_ext.config.keys.metric_kinds import METRIC_KINDS, OWN_METRICS, RANKING

_NAMES = """Hit MRR MAP Recall NDCG Precision GAUC ItemCoverage AveragePopularity ShannonEntropy GiniIndex
    TailPercentage AUC LogLoss RMSE MAE""".split()
_SHOWN = {name.lower(): name for name in _NAMES}


def metric_faults(model: str, allowed: Mapping[str, tuple[str, ...]], values: dict[str, Any]) -> list[str]:
    """Metrics that have no meaning for the model in a mode of evaluation, and cut-offs beyond the candidates.

    Args:
        model: its name.
        allowed: the metrics that mean something, by kind of mode: full, sampled, labeled.
        values: of the configuration.
    """
    names = [str(name).lower() for name in _listed(values.get("metrics"))]
    known, modes = [name for name in names if name in METRIC_KINDS], _modes(values)
    if not known or not modes:
        return []  # other rules report these
    faults = [fault for mode in modes for fault in _of_mode(model, allowed, known, mode)]
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


def _of_mode(model: str, allowed: Mapping[str, tuple[str, ...]], names: list[str], mode: str) -> list[str]:
    if _kind(mode) not in allowed:
        return [f"eval_args: mode must be labeled for {model}, which ranks no lists (got {mode!r})"]
    wrong = [name for name in names if not _measured(name, allowed[_kind(mode)])]
    if not wrong:
        return []
    others = [f"--eval_args='{{mode: {other}}}'" for other in _modes_for(allowed, wrong, mode)]
    instead = f"choose among {_told(allowed[_kind(mode)])}" + "".join(f", or give {other}" for other in others[:1])
    return [f"metrics: {_told(wrong)} cannot be measured for {model} in mode {mode}; {instead}"]


def _measured(name: str, allowed: tuple[str, ...]) -> bool:
    """Whether a metric is allowed; of the user's metrics, whether one of its kind is."""
    kind = OWN_METRICS.get(name)
    return name in allowed if kind is None else any(METRIC_KINDS[other] == kind for other in allowed)


def _modes_for(allowed: Mapping[str, tuple[str, ...]], names: list[str], mode: str) -> list[str]:
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
