"""What a run was made to reach, in one grammar, and whether it did.

    criterion  = NAME [@epochN] OP NUMBER  |  NAME [@epochN] in [NUMBER, NUMBER]      both ends count
    OP         = >= | <= | > | <

    valid.METRIC     of the validation split, `valid.auc`, `valid.hit@10`
    train.METRIC     of the fixed sample of the training split (`train_sample`); `train.loss` is the training loss
    test.METRIC      of the test split; METRIC alone means the same, `hit@10`
    train_valid_gap  how much better the training sample is than validation, by `valid_metric`
    best_epoch, epochs_trained

Epochs are counted from 1 here, as people count them; `metrics.csv` and `result.json` count from 0. A validation or
training value is that of the best epoch, or with `@epochN` of that epoch: `train.auc@epoch5 < 0.75`. Names are read
in lower case. Nothing is evaluated as code.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recbole_ext.errors import UsageError, nearest

PASS, FAIL, NOT_YET = "PASS", "FAIL", "NOT YET"
FAILED_EXIT_CODE = 6
"""Of a command of which nothing but a criterion failed."""
OF_RUN = ("best_epoch", "epochs_trained")
GAP = "train_valid_gap"
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
        verdict: `PASS`, `FAIL` or `NOT YET`.
        value: what was found; None where there is nothing yet.
    """

    text: str
    verdict: str
    value: float | None


def read_criterion(text: Any) -> Criterion:
    """Read one criterion.

    Raises:
        UsageError: it is not of the form above.
    """
    match = _FORM.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise UsageError(f"criteria: cannot read {str(text)[:80]!r}; {_HOW}")
    name, op = match["name"].lower(), match["op"]
    if "." not in name and name not in (*OF_RUN, GAP):
        name = f"test.{name}"
    if match["epoch"] and not (name == GAP or name.startswith(("valid.", "train."))):
        raise UsageError(f"criteria: {text!r}: @epoch goes with valid., train. and {GAP}; leave it out")
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


def known_names(values: Mapping[str, Any], further: Sequence[str] = ()) -> list[str]:
    """Every name that a criterion of this configuration may have; see `metric_names`."""
    names = metric_names(values, further)
    of_sample = [f"train.{name}" for name in names] + [GAP] if values.get("train_sample") else []
    parts = [f"{part}.{name}" for part in ("valid", "test") for name in names]
    return [*OF_RUN, "train.loss", *parts, *of_sample]


def criteria_faults(values: Mapping[str, Any], further: Sequence[str] = ()) -> list[str]:
    """What is wrong with `criteria` of a configuration, before anything is read."""
    faults, known = [], known_names(values, further)
    for text in _listed(values.get("criteria")):
        try:
            name = read_criterion(text).name
        except UsageError as error:
            faults.append(str(error))
            continue
        if name not in known and (name == GAP or name.startswith("train.")) and not values.get("train_sample"):
            faults.append(f"criteria: {text!r} needs a sample of the training split; add --train_sample=1000")
        elif name not in known:
            bare = [*known, *(n.removeprefix("test.") for n in known)]
            faults.append(f"criteria: {text!r}: there is no {name!r}{nearest(name.removeprefix('test.'), bare)}")
    return faults


def judge(
    criteria: Iterable[str] | None, rows: Sequence[Mapping[str, Any]], result: Mapping[str, Any] | None
) -> list[Verdict]:
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
    return [_judged(read_criterion(text), rows, result or {}) for text in _listed(criteria)]


def failed(verdicts: Iterable[Mapping[str, Any]]) -> bool:
    """Whether one of the verdicts of a `result.json` is FAIL."""
    return any(verdict["verdict"] == FAIL for verdict in verdicts)


def verdict_lines(verdicts: Iterable[Mapping[str, Any]]) -> list[str]:
    """The verdicts of a `result.json` as lines of a report."""
    return [
        f"{each['verdict']:<12}{each['text']}"
        + ("" if each["value"] is None else f"  (it is {float(each['value']):.6g})")
        for each in verdicts
    ]


def _judged(criterion: Criterion, rows: Sequence[Mapping[str, Any]], result: Mapping[str, Any]) -> Verdict:
    value = _value(criterion, rows, result)
    if value is None:
        return Verdict(criterion.text, NOT_YET, None)
    return Verdict(criterion.text, PASS if criterion.holds(value) else FAIL, value)


def _value(criterion: Criterion, rows: Sequence[Mapping[str, Any]], result: Mapping[str, Any]) -> float | None:
    part, _, metric = criterion.name.partition(".")
    if criterion.name == "best_epoch":
        return None if result.get("best_epoch") is None else float(result["best_epoch"] + 1)
    if criterion.name == "epochs_trained":
        return _number(result.get("epochs_trained"))
    if part == "test":
        return _number((result.get("test") or {}).get(metric))
    epoch = criterion.epoch - 1 if criterion.epoch else result.get("best_epoch")
    column = {"valid": metric, "train": f"train_{metric}"}.get(part, criterion.name)
    of_epoch = [row for row in rows if epoch is not None and _number(row.get("epoch")) == epoch]
    return _number(of_epoch[-1].get(column)) if of_epoch else None


def _number(value: Any) -> float | None:
    return None if value in (None, "") else float(value)


def _listed(criteria: Any) -> list[Any]:
    return [] if criteria is None else list(criteria) if isinstance(criteria, list | tuple) else [criteria]
