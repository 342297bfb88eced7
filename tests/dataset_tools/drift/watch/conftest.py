"""A profile of a made log, and streams that go on after it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataset_tools.drift.options import DriftOptions
from dataset_tools.drift.watch.make_profile import make_profile
from dataset_tools.drift.watch.options import WatchOptions
from dataset_tools.drift.watch.watch import Watch
from tests.dataset_tools.drift.made_log import DAY, DAYS, START, Log, made_log

END = (START + DAYS * DAY) // (20 * DAY) * (20 * DAY) + 20 * DAY
"""The stream begins with a window."""


def write_profile(folder: Path, with_users: bool = False, log: Log | None = None) -> Path:
    """The profile of a made log; returns its file."""
    past = (log or made_log()).write(folder / "past")
    path = folder / "past.profile"
    make_profile(DriftOptions(past, path, quiet=True, overwrite=True), 20 * DAY, with_users, threads=1)
    return path


def rows(count: int, seed: int, first: int = END, last: int = END + 60 * DAY) -> Log:
    """Rows of the same kind in a later span."""
    log = made_log(count, seed=seed)
    log.times = np.sort(np.random.default_rng(seed).integers(first, last, count))
    return log


def json_lines(log: Log, prefix: str = "e") -> list[str]:
    """As clients of `serve` send events, with ratings."""
    columns = zip(*(of.tolist() for of in (log.users, log.items, log.ratings, log.times)), strict=True)
    return [
        json.dumps({"user": str(u), "item": str(i), "rating": r, "time": t, "id": f"{prefix}{k}"})
        for k, (u, i, r, t) in enumerate(columns)
    ]


@pytest.fixture(scope="session")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the made log, without users."""
    return write_profile(tmp_path_factory.mktemp("profile"))


@pytest.fixture
def watched(profile: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., list[dict[str, Any]]]:
    """Watch a stream to its end; returns the lines."""

    def run(stream: Path, **options: Any) -> list[dict[str, Any]]:
        notify = options.pop("notify", lambda text: None)
        clock = options.pop("clock", lambda: float(END + 1000 * DAY))
        capsys.readouterr()
        given = {"reference": profile, "window": "20d", "once": True, **options}
        Watch(WatchOptions(stream=stream, **given), notify, clock).run()
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run
