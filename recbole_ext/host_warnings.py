"""RecBole's own warnings, which concern its sources and not their user."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_host_warnings() -> Iterator[None]:
    """Leave out warnings that RecBole's modules cause, for the length of a block."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"recbole\.")
        yield
