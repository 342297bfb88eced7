"""The entries of `eval_args`: how rows are split, ordered and grouped, and what the targets are ranked among."""

import math
import re
from typing import Any

from recbole_ext.config.keys.schema import Entries, Kind, is_number, one_of
from recbole_ext.errors import nearest

LEFT_OUT = ("valid_and_test", "valid_only", "test_only")
SPLITS = ("RS", "LS", "TS")
_SPLIT_FORMS = "{RS: [0.8, 0.1, 0.1]}, {LS: valid_and_test} or {TS: [0.8, 0.1, 0.1]}"
_MODE = re.compile(r"full|labeled|(?:uni|pop)[1-9]\d{0,8}")
_MODE_FORMS = "full, labeled, or uniN or popN for N sampled candidates, for instance uni100"


def _split(value: Any) -> str | None:
    """One of RecBole's three splits, with its shares or its word."""
    if not isinstance(value, dict) or len(value) != 1 or not set(value) <= set(SPLITS):
        return f"must be one of {_SPLIT_FORMS} (got {value!r})"
    ((kind, given),) = value.items()
    fault = one_of(*LEFT_OUT)(given) if kind == "LS" else _shares(given)
    return f"{kind} {fault}" if fault else None


def _shares(value: Any) -> str | None:
    """Fractions of training, validation and test; of two, training and test."""
    form = "a list of three numbers (training, validation, test) or two (training, test), for instance [0.8, 0.1, 0.1]"
    if not isinstance(value, list) or len(value) not in (2, 3):
        return f"must be {form} (got {value!r})"
    wrong = [share for share in value if not is_number(share) or not math.isfinite(share) or share < 0]
    if wrong:
        return f"must hold finite numbers of at least 0; {wrong[0]!r} is none (got {value!r})"
    if not value[0] or not value[-1]:
        return f"must give training and test a fraction above 0 (got {value!r})"
    return None


def _mode(value: Any) -> str | None:
    """What the targets are ranked among, for both evaluations or for each."""
    if isinstance(value, dict):
        return _mode_of_each(value)
    if isinstance(value, str) and _MODE.fullmatch(value):
        return None
    return f"must be {_MODE_FORMS} (got {value!r}){nearest(str(value), ('full', 'labeled'))}"


def _mode_of_each(value: dict[Any, Any]) -> str | None:
    faults = Entries({"valid": _mode, "test": _mode}).faults("mode", value)
    if not value:
        return f"must be {_MODE_FORMS} (got {value!r})"
    return f"is wrong: {'; '.join(faults)}" if faults else None


def _group(value: Any) -> str | None:
    return None if value is None else one_of("user", "none")(value)


def _order(value: Any) -> str | None:
    if value in ("RO", "TO"):
        return None
    return (
        f"must be RO for a random order or TO for the order of time (got {value!r}){nearest(str(value), ('RO', 'TO'))}"
    )


_KINDS: dict[str, Kind] = {"split": _split, "order": _order, "group_by": _group, "mode": _mode}
EVAL_ARGS = Entries(_KINDS)


def settled(given: dict[str, Any]) -> dict[str, Any]:
    """`eval_args` with two shares written as three, and grouped as the split groups.

    Leave-one-out and the split by time take each user's newest rows, whatever `group_by` is.
    """
    ((kind, value),) = given["split"].items()
    if kind != "LS" and len(value) == 2:
        value = [value[0], 0, value[1]]
    group = given.get("group_by") if kind == "RS" else "user"
    return {**given, "split": {kind: value}, "group_by": group}
