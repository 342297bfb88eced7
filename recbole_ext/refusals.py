"""Errors that RecBole raises on purpose: a `raise` or an `assert` of its own sources, and no failure inside of them."""

import traceback

from recbole_ext.places import RECBOLE


def refused_by_recbole(error: BaseException) -> bool:
    """Whether a statement of RecBole that refuses a value raised the error."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return last.filename.startswith(str(RECBOLE)) and (last.line or "").startswith(("raise", "assert"))


def reason(error: BaseException) -> str:
    """RecBole's words, or the condition that it asserts without any."""
    if str(error):
        return str(error)
    line = traceback.extract_tb(error.__traceback__)[-1].line or ""
    return f"it requires {line.removeprefix('assert ')}"
