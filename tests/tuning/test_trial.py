import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import recbole_ext.pipeline.splits
import recbole_ext.pipeline.train
from recbole_ext.data.loaders import Loaders
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.tuning.settings import Settings, settings_of
from recbole_ext.tuning.trial import CAUSE, Job, execute

VALUES = {"learning_rate": 0.01, "dropout_prob": 0.2}


class Stop(BaseException):
    """What ends a process in the midst of a report."""


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How often a loader of each part is read, in runs after this."""
    count = {"train": 0, "valid": 0, "test": 0}

    def counted(config: Any, dataset: Any) -> Loaders:
        loaders = build_loaders(config, dataset)
        for part in count:
            loader = getattr(loaders, part)
            kind = type(loader)

            def read(self: Any, part: str = part, kind: Any = kind) -> Any:
                count[part] += 1
                return kind.__iter__(self)

            loader.__class__ = type(kind.__name__, (kind,), {"__iter__": read})
        return loaders

    monkeypatch.setattr(recbole_ext.pipeline.splits, "build_loaders", counted)
    return count


@pytest.mark.slow
def test_the_test_part_is_never_read(settings: Settings, tmp_path: Path, read: dict[str, int]) -> None:
    reports: list[tuple[int, float]] = []
    assert execute(Job(settings, str(tmp_path / "trial"), VALUES), lambda *report: reports.append(report)) == ""
    assert read == {"train": 3, "valid": 3, "test": 0}
    assert [epochs for epochs, _ in reports] == [1, 2, 3]
    assert reports == sorted(reports) and reports[-1][1] > 0
    (result,) = (json.loads(path.read_text()) for path in (tmp_path / "trial").glob("*/result.json"))
    assert result["test"] is None and result["valid"]["ndcg@5"] == reports[-1][1]
    config = settings.config({**VALUES, "runs_dir": str(tmp_path / "runs")})
    recbole_ext.pipeline.train.run(config)
    assert read["test"] > 0  # the counter does count


def reports_until(job: Job, last: int) -> list[tuple[int, float]]:
    reports: list[tuple[int, float]] = []

    def report(epochs: int, best: float) -> None:
        reports.append((epochs, best))
        if epochs == last:
            raise Stop

    with pytest.raises(Stop):
        execute(job, report)
    return reports


@pytest.mark.slow
def test_a_trial_goes_on_from_its_own_state_and_tells_each_epoch_once(
    settings: Settings, tmp_path: Path, read: dict[str, int]
) -> None:
    whole: list[tuple[int, float]] = []
    execute(Job(settings, str(tmp_path / "whole"), VALUES), lambda *report: whole.append(report))
    read["train"] = 0
    first = reports_until(Job(settings, str(tmp_path / "cut"), VALUES), 2)
    rest: list[tuple[int, float]] = []
    assert execute(Job(settings, str(tmp_path / "cut"), VALUES, reported=1), lambda *report: rest.append(report)) == ""
    assert first[:1] + rest == whole  # the second epoch was not heard of, so it is reports again, without training it
    assert read["train"] == 3 and len(list((tmp_path / "cut").glob("*/config.yaml"))) == 1
    over: list[tuple[int, float]] = []
    assert execute(Job(settings, str(tmp_path / "cut"), VALUES, 2), lambda *report: over.append(report)) == ""
    assert over == whole[2:] and read["train"] == 3


def test_bad_numbers_are_a_cause_and_no_reason_to_try_again(words: Callable[..., Any], tmp_path: Path) -> None:
    settings = settings_of(words(clip_grad_norm=None, learner="sgd"))
    reports = execute(
        Job(settings, str(tmp_path / "nan"), {"learning_rate": 1e30, "dropout_prob": 0.0}), lambda *_: None
    )
    assert reports.startswith("NonFiniteError: ") and ("not finite" in reports or "is nan" in reports)
    assert "num_layers must be positive (got 0)" in execute(
        Job(settings, str(tmp_path / "usage"), {"num_layers": 0}), lambda *_: None
    )


def test_other_faults_leave_their_cause_and_are_raised(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any, **more: Any) -> None:
        raise MemoryError("no room\nfor it")

    monkeypatch.setattr("recbole_ext.tuning.trial.run", full)
    with pytest.raises(MemoryError):
        execute(Job(settings, str(tmp_path), VALUES), lambda *_: None)
    assert (tmp_path / CAUSE).read_text() == "MemoryError: no room"
