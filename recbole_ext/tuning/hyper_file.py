"""RecBole's hyper files, read without eval: `name kind values` on each line.

    learning_rate loguniform -8,0
    embedding_size choice [64,96,128]
    mlp_hidden_size choice ['[64,32]','[128]']     # lists in quotes
    loss_type choice ['BPR']                       # a choice of one is a fixed value
    dropout_prob uniform 0.0,0.5     # what follows a # is not part of the line
    n_layers quniform 1,4,1

RecBole hands these to hyperopt, whose `loguniform -8,0` means exp(-8) to exp(0): the bounds are natural
logarithms. They are turned into the values themselves here.

Differs from source: hyperopt rounds a `quniform` value to a multiple of the step, so a lowest value that is no
multiple of it is rounded first; a step of 1 between integers gives integers.
"""

import math
from pathlib import Path
from typing import Any

from recbole_ext.config.yaml_reader import parse_scalar
from recbole_ext.errors import UsageError, nearest
from recbole_ext.tuning.space import Parameter, space_of

_KINDS = ("choice", "uniform", "loguniform", "quniform")


def read_hyper_file(path: Path) -> list[Parameter]:
    """The parameters of a hyper file.

    Raises:
        UsageError: the file cannot be read, or a line is none of these; all errors are listed.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--space: cannot read {path}: {error}") from None
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    faults = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split(maxsplit=2)
        if not words:
            continue
        try:
            name, entry = _entry(words)
            if name in values:
                raise UsageError(f"{name} is given twice")
            values[name], lines[name] = entry, number
        except UsageError as error:
            faults.append(f"{path.name}:{number}: {error}")
    if faults:
        raise UsageError("\n".join(faults))
    return space_of(values, path.name, lines)


def _unquoted(value: Any, name: str) -> Any:
    """A choice as RecBole's configuration reads it: lists and None are in quotes in these files."""
    if not isinstance(value, str):
        return value
    try:
        return parse_scalar(value, name)
    except UsageError:
        return value


def _entry(words: list[str]) -> tuple[str, dict[str, list[Any]]]:
    if len(words) != 3:
        raise UsageError(f"a line is `name kind values`, for instance: learning_rate loguniform -8,0 (got {words})")
    name, kind, text = words
    if kind not in _KINDS:
        raise UsageError(f"{name}: unknown kind {kind!r}{nearest(kind, _KINDS)} Allowed: {', '.join(_KINDS)}")
    values = parse_scalar(text if kind == "choice" else f"[{text}]", name)
    if kind == "choice" and isinstance(values, list):
        return name, {kind: [_unquoted(value, name) for value in values]}
    if not isinstance(values, list) or not all(isinstance(v, int | float) and math.isfinite(v) for v in values):
        return name, {kind: values}  # refused by its own rule
    if kind == "loguniform":
        values = [float(f"{math.exp(value):.6g}") for value in values if value < 700]
    if kind == "quniform" and len(values) == 3 and values[2] > 0:
        low, high, step = (int(v) if float(v).is_integer() else v for v in values)
        values = [round(low / step) * step, high, step]
    return name, {kind: values}
