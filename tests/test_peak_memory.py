"""Peak memory in bytes, whatever the system counts in."""

import sys
from types import SimpleNamespace

import psutil
import pytest

from recbole_ext import peak_memory


@pytest.mark.parametrize(("system", "counted"), [("linux", 3_000_000), ("darwin", 3_072_000_000)])
def test_the_unit_is_that_of_the_system(monkeypatch: pytest.MonkeyPatch, system: str, counted: int) -> None:
    with monkeypatch.context() as pretended:
        pretended.setattr(sys, "platform", system)
        pretended.setattr(peak_memory.resource, "getrusage", lambda who: SimpleNamespace(ru_maxrss=counted))
        assert peak_memory.peak_memory_bytes() == 3_072_000_000


def test_it_is_at_least_what_the_process_holds_now() -> None:
    assert peak_memory.peak_memory_bytes() > 0.5 * psutil.Process().memory_info().rss
