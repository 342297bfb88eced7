"""Errors that RecBole raises on purpose, errors that occur inside it, and errors of this package."""

import sysconfig
import traceback
from pathlib import Path

from recbole_ext.places import RECBOLE

_OURS = (str(Path(__file__).parent), str(Path(__file__).parents[1] / "dataset_tools"))
_LIBRARIES = (str(RECBOLE.parent), sysconfig.get_path("stdlib"), sysconfig.get_path("platlib"), "<")
"""Where torch, pandas and Python itself are, which fail for the code that calls them."""


def refused_by_recbole(error: BaseException) -> bool:
    """Whether a statement of RecBole that refuses a value raised the error."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return last.filename.startswith(str(RECBOLE)) and (last.line or "").startswith(("raise", "assert"))


def raised_in_recbole(error: BaseException) -> bool:
    """Whether the innermost code that is no library's is RecBole's: it was given what it cannot compute with."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename.startswith(_OURS):
            return False
        if frame.filename.startswith(str(RECBOLE)):
            return True
        if not frame.filename.startswith(_LIBRARIES):
            return False
    return False


def files_of_recbole(error: BaseException) -> list[Path]:
    """RecBole's files through which the error came."""
    names = {frame.filename: None for frame in traceback.extract_tb(error.__traceback__)}
    return [Path(name) for name in names if name.startswith(str(RECBOLE))]


def reason(error: BaseException) -> str:
    """RecBole's words in one line, or the condition that it asserts without any."""
    text = " ".join(str(error).split())
    if text:
        return f"{type(error).__name__}: {text}" if isinstance(error, LookupError) else text
    line = traceback.extract_tb(error.__traceback__)[-1].line or ""
    return f"it requires {line.removeprefix('assert ')}" if line.startswith("assert") else type(error).__name__
