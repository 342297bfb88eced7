"""`metric-audit`: checks whether reported rating errors are possible."""

import argparse
from pathlib import Path
from typing import Any

from recbole_ext.cli.files import require_files
from recbole_ext.cli.parser import Parser, mapping
from recbole_ext.errors import UsageError, nearest

SUMMARY = "test whether reported rating errors are possible, from a file of predictions"
FOUND_EXIT_CODE = 7
_EXAMPLE = "{rmse: 0.9}"
_NUMBERS = ("rmse", "mse", "loss", "kl", "kl_weight")


def declare(parser: Parser) -> None:
    """Declare the options."""
    parser.add_argument("file", type=Path, metavar="FILE", help="user_id, item_id, rating and prediction")
    parser.add_argument("--train", type=Path, metavar="FILE", help="the training rows, for more checks")
    parser.add_argument(
        "--dataset", default="", metavar="NAME", help="name of the data set, for its known error levels"
    )
    parser.add_argument("--reported", type=_numbers, default={}, metavar="MAPPING", help=f'for instance "{_EXAMPLE}"')
    parser.execute = audit_command


def _numbers(text: str) -> dict[str, Any]:
    try:
        reported = mapping("reported", _EXAMPLE)(text)
    except UsageError:
        reported = {"": text}
    if not all(isinstance(value, int | float) for value in reported.values()):
        raise UsageError(f'--reported must be a mapping of numbers, for instance "{_EXAMPLE}" (got {text!r})')
    named = {str(name).lower(): value for name, value in reported.items()}
    for name in named:
        if name not in _NUMBERS:
            known = ", ".join(_NUMBERS)
            raise UsageError(f"--reported: {name!r} is not audited; those that are: {known}{nearest(name, _NUMBERS)}")
    if named and "rmse" not in named:
        raise UsageError(f'--reported needs the rmse, which the others are compared with: "{_EXAMPLE}" (got {text!r})')
    return named


def audit_command(words: argparse.Namespace) -> int:
    """Execute `metric-audit`; returns 7 where the audit has findings."""
    require_files(words.file, words.train)
    from recbole_ext.serving.rating_files import audit_files
    from recbole_ext.tasks.ratings.audit.metric_audit import audit_lines

    audit = audit_files(words.file, words.train, words.reported, words.dataset)
    print("\n".join(audit_lines(audit)))
    return FOUND_EXIT_CODE if audit["findings"] else 0
