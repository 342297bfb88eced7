"""`kill -9` at any moment: every line is counted once, and every window is written once."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.dataset_tools.drift.watch.conftest import json_lines, rows
from tests.dataset_tools.drift.watch.test_watch import Watched

ROOT = Path(__file__).parents[4]


def killed_watches(profile: Path, folder: Path, lines: list[str], kills: int, seed: int) -> list[dict[str, Any]]:
    """A stream that grows while its watch is killed again and again; returns the windows of the output."""
    random, stream, output = np.random.default_rng(seed), folder / "s.jsonl", folder / "out.jsonl"
    words = [sys.executable, "-m", "tests.dataset_tools.drift.watch.followed"]
    files = [str(profile), str(stream), str(folder / "state.json"), str(output)]
    ends = np.linspace(0, len(lines), kills + 1).astype(int).tolist()
    stream.touch()
    with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as nursery:
        assert nursery.stdin is not None and nursery.stdout is not None

        def start(once: bool) -> int:
            print(json.dumps([*files, once]), file=nursery.stdin, flush=True)
            return int(nursery.stdout.readline())  # type: ignore[union-attr]

        for begin, end in itertools.pairwise(ends):
            process = start(False)
            _write_slowly(stream, lines[begin:end], random)
            os.kill(process, signal.SIGKILL)
            assert nursery.stdout.readline() == "ended\n"
        start(True)
        assert nursery.stdout.readline() == "ended\n"
        nursery.stdin.close()
    return [json.loads(line) for line in output.read_text().splitlines()]


def _write_slowly(stream: Path, lines: list[str], random: np.random.Generator) -> None:
    with stream.open("a") as file:
        for line in lines:
            file.write(line + "\n")
            if random.random() < 0.02:
                file.flush()
                time.sleep(0.001)
    time.sleep(float(random.uniform(0, 0.1)))


@pytest.mark.slow
@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_a_killed_watch_counts_everything_once(profile: Path, tmp_path: Path, watched: Watched, kills: int) -> None:
    lines = json_lines(rows(2400, 5))
    found = killed_watches(profile, tmp_path, lines, kills, seed=kills)
    (tmp_path / "whole.jsonl").write_text("".join(f"{line}\n" for line in lines))
    expected = watched(tmp_path / "whole.jsonl", close_last=True)
    assert found == expected and sum(line["rows"] for line in found) == 2400
