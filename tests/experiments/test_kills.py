"""An experiment whose process is killed: what the next command sees of it."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from recbole_ext.cli.main import main
from tests import forked

Made = Callable[..., Path]
COMMAND = ["experiment", "run", "t"]


def epochs(folder: Path) -> int:
    """Epochs of all runs of an experiment so far."""
    return sum(path.read_text().count("\n") - 1 for path in (folder / "runs").glob("*/metrics.csv"))


def wait_for(folder: Path, count: int) -> None:
    for _ in range(1200):
        time.sleep(0.05)
        if epochs(folder) >= count:
            return
    raise AssertionError(f"no {count} epochs in a minute")


@pytest.mark.slow
def test_kill_9_in_the_middle(made: Made, tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = made("--set", "epochs=100000", "--set", "stopping_step=100000", "--set", "save_seconds=0")
    process = forked.start(COMMAND, tiny, tiny / "first.txt")
    wait_for(folder, 3)
    assert forked.run(COMMAND, tiny, tiny / "second.txt") == 4
    assert "is being run by another process" in (tiny / "second.txt").read_text()
    assert main(["experiment", "show", "t"]) == 0
    assert "running     seed 1" in capsys.readouterr().out
    process.kill()
    process.join()
    assert main(["experiment", "list"]) == 0
    assert "0/1 (0%)" in capsys.readouterr().out
    assert main(["experiment", "show", "t"]) == 0
    out = capsys.readouterr().out
    assert "the process ended without a word" in out and "its last event was epoch" in out
