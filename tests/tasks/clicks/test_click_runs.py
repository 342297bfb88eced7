"""Click runs that are interrupted, and click runs of two processes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.config.config import Config
from recbole_ext.pipeline.train import run
from tests import forked
from tests.conftest import CLICK_HEADER, SMALL_CLICKS, write_inter
from tests.runs.test_resume import interrupted, outcome, whole

ROWS = [(u, (7 * u + 3 * k) % 20, 100 * k + u, (7 * u + 3 * k) % 2) for u in range(30) for k in range(20)]
GIVEN: dict[str, Any] = {**SMALL_CLICKS, "train_batch_size": 128, "epochs": 2}
CASES: dict[str, dict[str, Any]] = {
    "both branches": {},
    "sets": {"branches": ["sets"], "implicit_sets": "none", "averaging": "ema", "lr_schedule": "cosine"},
    "sparse": {"sparse_embedding": True, "rows_per_history": 3},
}


@pytest.fixture
def configure(make_config: Callable[..., Config], tmp_path: Path) -> Callable[..., Config]:
    root = write_inter(tmp_path, "made", ROWS, CLICK_HEADER)
    return lambda case, **given: make_config("MDAFMamba", root, **{**GIVEN, **CASES[case], **given})


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_an_interrupted_run_ends_like_one_in_one_go(
    case: str, configure: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = whole(configure(case))
    interrupted(configure(case), monkeypatch, step=6)  # in the second epoch
    assert outcome(Path(run(configure(case), resume="newest")["run_directory"])) == expected


@pytest.mark.slow
@pytest.mark.parametrize("branches", ["[static,sequential]", "[sets]"])
def test_two_processes_train_one_model(tmp_path: Path, branches: str) -> None:
    root = write_inter(tmp_path, "made", ROWS, CLICK_HEADER)
    words = ["--model=MDAFMamba", "--dataset=made", f"--data_path={root}", "--device=cpu", f"--branches={branches}"]
    words += [f"--{key}={json.dumps(value)}" for key, value in GIVEN.items()]
    log = tmp_path / "out.txt"
    assert forked.run_in_two(words, tmp_path, log) == [0, 0], log.read_text()[-2000:]
    (folder,) = (tmp_path / "runs").iterdir()
    result = json.loads((folder / "result.json").read_text())
    assert result["epochs_trained"] == 2 and 0.3 < result["test"]["auc"] <= 1
    assert sum(result["clicks"]["reliability"]["rows"]) == 60  # one process evaluates all tested rows
    assert log.read_text().count("MDAFMamba on made:") == 1
