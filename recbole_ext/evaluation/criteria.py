"""What a run was made to reach, in one grammar, and whether it did.

    criterion  = NAME [@epochN] OP NUMBER  |  NAME [@epochN] in [NUMBER, NUMBER]      both ends count
    OP         = >= | <= | > | <

    valid.METRIC     of the validation split, `valid.auc`, `valid.hit@10`
    train.METRIC     of the fixed sample of the training split (`train_sample`); `train.loss` is the training loss
    test.METRIC      of the test split; METRIC alone means the same, `hit@10`
    train_valid_gap  how much better the training sample is than validation, by `valid_metric`
    COLUMN           another column of metrics.csv: `kl`, `grad_norm_growth`, `memory_share`
    FACT             of the whole run: `best_epoch`, `epochs_trained`, `total_seconds`, `peak_memory_mb`, `cost`

Epochs are counted from 1. A validation, training or column value is that of the best epoch, or with `@epochN` of that
epoch: `train.auc@epoch5 < 0.75`. Names are read in lower case. Nothing is evaluated as code.

Criteria are a list, or lists by tier: `minimum`, `good` and `excellent`. A run fails that misses one of a plain list or
of `minimum`; what it misses of the others is NOT MET.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recbole_ext.config.keys.train_on import ALL, ROWS, TRAIN
from recbole_ext.errors import UsageError, nearest

PASS, FAIL, NOT_YET, NOT_MET = "PASS", "FAIL", "NOT YET", "NOT MET"
TIERS = ("minimum", "good", "excellent")
FAILED_EXIT_CODE = 6
"""Of a command of which nothing but a criterion failed."""
OF_RUN = (
    *("best_epoch", "epochs_trained", "fit_seconds", "total_seconds", "parameters", "peak_memory_mb"),
    *("peak_gpu_memory_mb", "cost"),
)
GAP = "train_valid_gap"
OF_MODEL = ("kl", "kl_tables", "fit", "active_units")
OF_EPOCH = (
    *("learning_rate", "grad_norm_mean", "grad_norm_max", "grad_norm_growth", "train_seconds", "valid_seconds"),
    *("memory_mb", "memory_share", "cpu_use", "gpu_memory_mb", "gpu_memory_share", "gpu_use"),
    *OF_MODEL,
)
"""Columns of metrics.csv that are no metric; which of them a run has depends on its machine and its model."""
_WITHOUT_CUTOFF = ("auc", "gauc", "logloss", "rmse", "mae")
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_FORM = re.compile(
    rf"\s*(?P<name>[A-Za-z_][\w.]*(?:@\d+)?)(?:@epoch(?P<epoch>[1-9]\d*))?\s*"
    rf"(?:(?P<op>>=|<=|>|<)\s*(?P<bound>{_NUMBER})|in\s*\[\s*(?P<low>{_NUMBER})\s*,\s*(?P<high>{_NUMBER})\s*\])\s*"
)
_HOW = "write for instance 'valid.auc >= 0.575', 'best_epoch in [2, 4]' or 'train.auc@epoch5 < 0.75'"


@dataclass(frozen=True)
class Criterion:
    """One condition.

    Attributes:
        text: as it was written.
        name: `valid.auc`, with the part.
        epoch: counted from 1; None for the best one.
        low, high: bounds; infinite where there is none.
        open: whether the bounds themselves do not count.
    """

    text: str
    name: str
    epoch: int | None
    low: float
    high: float
    open: bool

    def holds(self, value: float) -> bool:
        """Whether a value meets the condition; NaN does not."""
        return self.low < value < self.high if self.open else self.low <= value <= self.high


@dataclass(frozen=True)
class Verdict:
    """What became of a criterion.

    Attributes:
        text: as it was written.
        verdict: `PASS`, `FAIL`, `NOT YET`, or `NOT MET` of a tier above `minimum`.
        value: what was found; None where there is nothing yet.
        tier: whose criterion it is; "" without tiers.
    """

    text: str
    verdict: str
    value: float | None
    tier: str = ""


def read_criterion(text: Any) -> Criterion:
    """Read one criterion.

    Raises:
        UsageError: it is not of the form above.
    """
    match = _FORM.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise UsageError(f"criteria: cannot read {str(text)[:80]!r}; {_HOW}")
    name, op = match["name"].lower(), match["op"]
    if "." not in name and name not in (*OF_RUN, *OF_EPOCH, GAP):
        name = f"test.{name}"
    if match["epoch"] and not (name in (GAP, *OF_EPOCH) or name.startswith(("valid.", "train."))):
        raise UsageError(
            f"criteria: {text!r}: @epoch goes with valid., train. and {GAP}, and with columns; leave it out"
        )
    low, high = (float(match[end] or math.nan) for end in ("low", "high"))
    if op:
        bound = float(match["bound"])
        low, high = (bound, math.inf) if op.startswith(">") else (-math.inf, bound)
    if low > high:
        raise UsageError(f"criteria: {text!r}: the lower bound is above the upper one; exchange them")
    return Criterion(text.strip(), name, int(match["epoch"]) if match["epoch"] else None, low, high, op in (">", "<"))


def metric_names(values: Mapping[str, Any], further: Sequence[str] = ()) -> list[str]:
    """Names of the metrics that a configuration measures, `ndcg@10`.

    Args:
        values: with `metrics` and `topk`.
        further: what the task measures beside them.
    """
    listed = [[v] if isinstance(v, str | int) else v or [] for v in (values.get("metrics"), values.get("topk"))]
    names = [str(name).lower() for name in listed[0]]
    found = [n for n in names if n in _WITHOUT_CUTOFF]
    found += [f"{n}@{k}" for n in names if n not in _WITHOUT_CUTOFF for k in listed[1]]
    return found + [name for name in further if name not in found]


def known_names(values: Mapping[str, Any], further: Sequence[str] = (), also: Sequence[str] = ()) -> list[str]:
    """Every name that a criterion of this configuration may have.

    Args:
        values: with `metrics`, `topk` and `train_sample`.
        further: see `metric_names`.
        also: whole names that only runs of this task have: `valid.r2`, `kl`.
    """
    names = metric_names(values, further)
    of_sample = [f"train.{name}" for name in names] + [GAP] if values.get("train_sample") else []
    parts = [f"{part}.{name}" for part in ("valid", "test") for name in names]
    of_epoch = [name for name in OF_EPOCH if name not in OF_MODEL]
    of_run = [name for name in OF_RUN if name != "cost" or _has_price(values)]
    every = dict.fromkeys([*of_run, "train.loss", *parts, *of_sample, *of_epoch, *also])
    return [name for name in every if not _is_unmeasured(name, values)]


def _is_unmeasured(name: str, values: Mapping[str, Any]) -> bool:
    """Whether a name is of rows that `train_on` leaves none of; the sample of training is measured with validation."""
    trained, part = values.get("train_on", TRAIN), name.partition(".")[0]
    with_validation = part in ("valid", "train", GAP, "valid_seconds") and name != "train.loss"
    return (with_validation and trained != TRAIN) or (part == "test" and trained == ALL)


def _has_price(values: Mapping[str, Any]) -> bool:
    return any(values.get(key) is not None for key in ("price_per_hour", "gpu_prices"))


def criteria_faults(values: Mapping[str, Any], further: Sequence[str] = (), also: Sequence[str] = ()) -> list[str]:
    """What is wrong with `criteria` of a configuration, before anything is read; see `known_names`."""
    faults, known = _faults_of_tiers(values.get("criteria")), known_names(values, further, also)
    for _, text in _listed(values.get("criteria")):
        try:
            name = read_criterion(text).name
        except UsageError as error:
            faults.append(str(error))
            continue
        if name not in known:
            faults.append(_unknown(text, name, known, values))
    return faults


def _faults_of_tiers(criteria: Any) -> list[str]:
    """A mapping has tiers, and each has a list."""
    if not isinstance(criteria, dict) or (criteria and all(name in TIERS for name in criteria)):
        return []
    return [f"criteria must be of type list, str, or a mapping of the tiers {', '.join(TIERS)} (got {criteria!r})"]


def _unknown(text: str, name: str, known: list[str], values: Mapping[str, Any]) -> str:
    """Why a criterion has no such name, and what to do."""
    if _is_unmeasured(name, values):
        return f"criteria: {text!r} is never measured, because {ROWS[str(values['train_on'])]}; leave it out"
    if (name == GAP or name.startswith("train.")) and not values.get("train_sample"):
        return f"criteria: {text!r} needs a sample of the training split; add --train_sample=1000"
    if name == "cost":
        return f"criteria: {text!r} needs the price of this machine; add --price_per_hour=PRICE"
    bare = [*known, *(n.removeprefix("test.") for n in known)]
    return f"criteria: {text!r}: there is no {name!r}{nearest(name.removeprefix('test.'), bare)}"


def judge(criteria: Any, rows: Sequence[Mapping[str, Any]], result: Mapping[str, Any] | None) -> list[Verdict]:
    """Judge a run.

    Args:
        criteria: as in a configuration.
        rows: of `metrics.csv`, numbers or text.
        result: of `result.json`; None for a run that has not finished.

    Returns:
        One verdict each, in their order; `NOT YET` where the value does not exist (yet).

    Raises:
        UsageError: a criterion cannot be read.
    """
    return [_judged(read_criterion(text), tier, rows, result or {}) for tier, text in _listed(criteria)]


def tier_reached(verdicts: Iterable[Mapping[str, Any]]) -> str | None:
    """The highest tier all of whose criteria, and those of the tiers below it, hold.

    Args:
        verdicts: of a `result.json`.

    Returns:
        "" where not even the lowest one is reached, or not yet; None of criteria without tiers.
    """
    by_tier: dict[str, list[str]] = {}
    for each in verdicts:
        by_tier.setdefault(str(each.get("tier") or ""), []).append(str(each["verdict"]))
    present = [tier for tier in TIERS if tier in by_tier]
    reached = ""
    for tier in present:
        if any(verdict != PASS for verdict in by_tier[tier]):
            break
        reached = tier
    return reached if present else None


def failed(verdicts: Iterable[Mapping[str, Any]]) -> bool:
    """Whether one of the verdicts of a `result.json` is FAIL."""
    return any(verdict["verdict"] == FAIL for verdict in verdicts)


def verdict_lines(verdicts: Iterable[Mapping[str, Any]]) -> list[str]:
    """The verdicts of a `result.json` as lines of a report."""
    verdicts = list(verdicts)
    lines = [
        f"{each['verdict']:<12}{of_tier(each.get('tier'))}{each['text']}"
        + ("" if each["value"] is None else f"  (it is {float(each['value']):.6g})")
        for each in verdicts
    ]
    return [*lines, *tier_lines(verdicts)]


def of_tier(tier: Any) -> str:
    """The words before a criterion of a tier; "" without one."""
    return f"{tier}: " if tier else ""


def tier_lines(verdicts: Iterable[Mapping[str, Any]]) -> list[str]:
    """The line on the tier that was reached; none for criteria without tiers."""
    reached = tier_reached(verdicts)
    return [] if reached is None else [f"{'tier':<12}{reached or 'none'} reached"]


def _judged(criterion: Criterion, tier: str, rows: Sequence[Mapping[str, Any]], result: Mapping[str, Any]) -> Verdict:
    value = _value(criterion, rows, result)
    if value is None:
        return Verdict(criterion.text, NOT_YET, None, tier)
    missed = FAIL if tier in ("", TIERS[0]) else NOT_MET
    return Verdict(criterion.text, PASS if criterion.holds(value) else missed, value, tier)


def _value(criterion: Criterion, rows: Sequence[Mapping[str, Any]], result: Mapping[str, Any]) -> float | None:
    part, _, metric = criterion.name.partition(".")
    if criterion.name == "best_epoch":
        return None if result.get("best_epoch") is None else float(result["best_epoch"])
    if criterion.name in OF_RUN:
        return _number(result.get(criterion.name))
    if part == "test":
        return _number(((result.get("further_test") or {}) | (result.get("test") or {})).get(metric))
    epoch = criterion.epoch if criterion.epoch else result.get("best_epoch")
    column = {"valid": metric, "train": f"train_{metric}"}.get(part, criterion.name)
    of_epoch = [row for row in rows if epoch is not None and _number(row.get("epoch")) == epoch]
    return _number(of_epoch[-1].get(column)) if of_epoch else None


def _number(value: Any) -> float | None:
    """A cell of a table as a number; None for an empty one, or a word."""
    try:
        return None if value in (None, "") else float(value)
    except (TypeError, ValueError):
        return None


def _listed(criteria: Any) -> list[tuple[str, Any]]:
    """(tier, criterion) of each, in the order of the tiers."""
    if isinstance(criteria, dict):
        return [(tier, text) for tier in TIERS for _, text in _listed(criteria.get(tier))]
    each = [] if criteria is None else list(criteria) if isinstance(criteria, list | tuple) else [criteria]
    return [("", text) for text in each]
