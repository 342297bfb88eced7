"""An experiment that starts only if the criteria of another hold."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from recbole_ext.cli.main import main
from recbole_ext.experiments.experiment import create, read_experiment
from recbole_ext.experiments.gate import ClosedGate, require_after
from recbole_ext.experiments.template import Plan

Made = Callable[..., Path]


@pytest.fixture
def named(tmp_path: Path) -> Callable[..., None]:
    """Make an experiment of SASRec with criteria, whose runs are written by `finish`."""

    def make(name: str, criteria: object = None, seeds: tuple[int, ...] = (1,)) -> None:
        settings = {} if criteria is None else {"criteria": criteria}
        create(tmp_path, name, Plan("SASRec", "made", list(seeds), settings, {}, "", ""))

    return make


def finish(root: Path, name: str, hit: float, seed: int = 1) -> None:
    """A finished run of a seed with a test result."""
    experiment = read_experiment(root, name)
    folder = experiment.runs / f"run-{seed}"
    folder.mkdir()
    (folder / "config.yaml").write_text(f"seed: {seed}\n")
    (folder / "metrics.csv").write_text("epoch,hit@10\n0,0.2\n")
    result = {"model": "SASRec", "valid_metric": "HIT@10", "best_epoch": 1, "test": {"hit@10": hit}}
    (folder / "result.json").write_text(json.dumps(result))
    lines = [
        f'{{"event": "start", "attempt": {seed}, "seed": {seed}, "time": "2026-01-01T00:00:00+00:00"}}',
        f'{{"event": "end", "attempt": {seed}, "time": "2026-01-01T01:00:00+00:00", "state": "finished", '
        f'"cause": "", "run": "{folder.name}", "hours": 1.0}}',
    ]
    with open(experiment.folder / "runs.jsonl", "a") as file:
        file.write("\n".join(lines) + "\n")


def test_the_gate_opens_where_all_seeds_pass(named: Callable[..., None], tmp_path: Path) -> None:
    named("a", ["hit@10 > 0.2"], (1, 2))
    named("b")
    finish(tmp_path, "a", 0.3, 1)
    a, b = (read_experiment(tmp_path, name) for name in "ab")
    with pytest.raises(ClosedGate, match=r"b does not start: criteria of a do not hold \(hit@10 > 0.2: NOT YET, mean"):
        require_after(b, a)
    finish(tmp_path, "a", 0.25, 2)
    require_after(b, a)


def test_a_missed_tier_above_the_minimum_leaves_it_open(named: Callable[..., None], tmp_path: Path) -> None:
    named("a", {"minimum": ["hit@10 > 0.2"], "excellent": ["hit@10 > 0.9"]})
    named("b")
    finish(tmp_path, "a", 0.3)
    a, b = (read_experiment(tmp_path, name) for name in "ab")
    require_after(b, a)
    named("c", {"minimum": ["hit@10 > 0.4"]})
    finish(tmp_path, "c", 0.3)
    with pytest.raises(ClosedGate, match=r"minimum: hit@10 > 0.4: FAIL, mean 0.3") as closed:
        require_after(b, read_experiment(tmp_path, "c"))
    assert closed.value.exit_code == 6


def test_what_no_gate_is(named: Callable[..., None], tmp_path: Path) -> None:
    named("a")
    named("b")
    named("c", {"good": ["hit@10 > 0.4"]})
    a, b, c = (read_experiment(tmp_path, name) for name in "abc")
    for before in (a, c):
        with pytest.raises(Exception, match=r"it has no seeds, or no criteria .* leave --after out"):
            require_after(b, before)
    with pytest.raises(Exception, match="--after=b: an experiment cannot come after itself"):
        require_after(b, b)


def test_the_command_does_not_start_and_is_6(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    folder = made("--set", "seed=1", "--set", "criteria=[hit@2 > 2]")
    assert main(["experiment", "create", "tiny.yaml", "u", "--set", "seed=1"]) == 0
    assert main(["experiment", "run", "u", "--after", "t"]) == 6
    error = capsys.readouterr().err
    assert error.startswith("error: u does not start: criteria of t do not hold") and "experiment show t" in error
    assert not any((folder.parent / "u" / "runs").iterdir())
