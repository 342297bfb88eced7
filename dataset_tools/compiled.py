"""Numba's decorators, for users who may write none of the folders in which compiled kernels are kept.

Numba keeps kernels in `NUMBA_CACHE_DIR`, beside the sources, or in the user's cache, and refuses to be imported into a
program that may write none of them, as in a container with a read-only file system. Kernels are then compiled in each
process. Kept kernels are code that is executed, so no folder that others may write takes their place.

Numba's coloured messages are off: colorama, which makes them, keeps a command's standard output and writes to it when
Python ends.
"""

import logging
import os
from collections.abc import Callable
from functools import cache
from typing import Any

os.environ.setdefault("NUMBA_DISABLE_ERROR_MESSAGE_HIGHLIGHTING", "1")  # before numba is imported

import numba

_LOG = logging.getLogger(__name__)
_NO_FOLDER = "no locator available"


def njit(*signatures: Any, **options: Any) -> Callable[[Any], Any]:
    """See `numba.njit`; with `cache=True` the kernel is kept where that is possible."""
    return lambda function: _kept_if_possible(numba.njit, function, signatures, options)


def cfunc(*signatures: Any, **options: Any) -> Callable[[Any], Any]:
    """The same of `numba.cfunc`."""
    return lambda function: _kept_if_possible(numba.cfunc, function, signatures, options)


def _kept_if_possible(
    decorator: Callable[..., Any], function: Any, signatures: tuple[Any, ...], options: dict[str, Any]
) -> Any:
    try:
        return decorator(*signatures, **options)(function)
    except RuntimeError as error:
        if _NO_FOLDER not in str(error):
            raise
        reason = "none can be written"
    except OSError as error:
        reason = f"{error.strerror}: {error.filename}"
    _warn(reason)
    return decorator(*signatures, **{**options, "cache": False})(function)


@cache
def _warn(reason: str) -> None:
    """Once in a process."""
    _LOG.warning(
        "compiled kernels cannot be kept (%s), so each process compiles them again, which takes a few seconds; name a "
        "folder of your own: NUMBA_CACHE_DIR=DIR",
        reason,
    )
