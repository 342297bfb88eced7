import io
import time

import pytest

from dataset_tools.progress import Progress, waiting


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """A state each hundredth of a second."""
    for name in ("DELAY_SECONDS", "LINE_SECONDS", "REDRAWN_SECONDS"):
        monkeypatch.setattr(f"dataset_tools.progress.{name}", 0.01)


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_the_innermost_wait_alone_is_drawn(stream: type[io.StringIO]) -> None:
    out = stream()
    with waiting("outer", out):
        with waiting("inner", out):
            time.sleep(0.1)
        assert "inner  00:00" in out.getvalue() and out.getvalue().count("outer") <= 1  # begun before the inner one
        time.sleep(0.1)
    assert "outer  00:00" in out.getvalue()
    lines = out.getvalue().split("\r" if out.isatty() else "\n")
    assert all("inner" not in line or "outer" not in line for line in lines)


def test_a_wait_gives_way_to_a_bar() -> None:
    out = Terminal()
    with Progress("converting", 10, io.StringIO()), waiting("opening", out):
        time.sleep(0.1)
    assert out.getvalue() == ""
    with waiting("opening", out):
        time.sleep(0.1)
    assert "opening  00:00" in out.getvalue() and out.getvalue().endswith(f"\r{' ' * len('opening  00:00')}\r")
