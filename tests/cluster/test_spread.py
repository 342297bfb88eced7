"""Recommendations by two processes of Ray: the rows of one process, in the same order."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recbole_ext.cli.main import main
from recbole_ext.cluster.ray_session import _environment, _kept_handlers
from tests.conftest import write_inter
from tests.serving.test_recommendation_files import HEADER, ROWS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose lists are scored two at a time, so that there are several pieces."""
    root = tmp_path_factory.mktemp("spread")
    data = write_inter(root, "shop", ROWS, HEADER)
    words = ["--model=Mamba4Rec", "--dataset=shop", f"--data_path={data}", f"--runs_dir={root / 'runs'}", "--epochs=1"]
    words += ["--USER_ID_FIELD=who", "--ITEM_ID_FIELD=what", "--TIME_FIELD=when", "--hidden_size=8", "--d_state=2"]
    words += ["--topk=[2]", "--valid_metric=NDCG@2", "--device=cpu", "--show_progress=False", "--baselines=[]"]
    assert main([*words, "--MAX_ITEM_LIST_LENGTH=5", "--eval_batch_size=2"]) == 0
    (folder,) = (root / "runs").iterdir()
    return folder


def test_options_that_do_not_go_together(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, message in (
        (["--ray-address=auto"], "--ray-address is for --engine=ray (got --engine=local)"),
        (["--engine=ray", "--workers=0"], "--workers must be a whole number of at least 1 (got 0)"),
        (["--engine=spark"], "invalid choice: 'spark'"),
        (["--engine=ray", "--ray-address=127.0.0.1:1"], "no Ray answers there"),
    ):
        assert main(["recommend", f"--run={run}", *words]) in (2, 4)
        assert message in capsys.readouterr().err


def test_the_environment_of_a_session_ends_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT_BY_THE_TEST", "before")
    monkeypatch.delenv("NEW_IN_THE_TEST", raising=False)
    with pytest.raises(KeyError), _environment({"KEPT_BY_THE_TEST": "during", "NEW_IN_THE_TEST": "1"}):
        assert (os.environ["KEPT_BY_THE_TEST"], os.environ["NEW_IN_THE_TEST"]) == ("during", "1")
        raise KeyError
    assert os.environ["KEPT_BY_THE_TEST"] == "before" and "NEW_IN_THE_TEST" not in os.environ


def test_ray_does_not_keep_the_handlers_of_signals() -> None:
    def ours(number: int, frame: object) -> None:
        """What a tuning does at SIGTERM."""

    before = signal.signal(signal.SIGTERM, ours)
    try:
        with _kept_handlers():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # as Ray does when it starts
        assert signal.getsignal(signal.SIGTERM) is ours
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.slow
def test_two_processes_give_the_rows_of_one(run: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="needs Ray: make tune-setup")
    users = tmp_path / "users.txt"
    users.write_text("u5\nnobody\nu1\nu7\nu0\nu3\nu2\n")
    words = ["recommend", f"--run={run}", "--k=4", f"--users={users}"]
    for number, more in enumerate(([], ["--history-until=valid"])):
        tables = []
        for engine in (["--engine=local"], ["--engine=ray", "--workers=2"]):
            path = tmp_path / f"{number}{len(engine)}.jsonl"
            asked = [*words, *more, *engine, f"--output={path}"]
            if engine == ["--engine=local"]:
                assert main(asked) == 0
            else:  # in a process of its own: Ray keeps the kind of authentication with which a process first started it
                subprocess.run([sys.executable, "run_recbole_ext.py", *asked], cwd=ROOT, check=True)
            tables.append(pd.DataFrame([json.loads(line) for line in path.read_text().splitlines()]))
        here, there = tables
        assert len(here) >= 20 and here.drop(columns="score").equals(there.drop(columns="score"))
        assert np.allclose(here["score"], there["score"], atol=1e-6)
