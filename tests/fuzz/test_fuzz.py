"""Random small data under random settings: no run ends with an internal error, and none that ends well is wrong."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.cli.main import main
from tests.conftest import write_inter
from tests.fuzz.made_command import make_command
from tests.fuzz.made_data import MadeData, make_data
from tests.fuzz.recount import recounted

ROOT = Path(__file__).parents[2]
ALLOWED = (0, 2, 3, 4, 5, 6)
SECONDS = 60


def carried_out(seeds: range, folder: Path) -> list[dict[str, Any]]:
    """The outcome of each seed's case."""
    cases = []
    for seed in seeds:
        data = make_data(seed, folder / "data")
        runs = folder / "runs" / str(seed)
        runs.mkdir(parents=True)
        log = folder / f"{seed}.log"
        words = make_command(seed, data, runs)
        cases.append({"seed": seed, "words": words, "log": str(log), "runs": str(runs), "root": str(data.root)})
    lines = "\n".join(json.dumps(case) for case in cases)
    server = [sys.executable, "-W", "ignore", "-m", "tests.fuzz.fork_server", str(SECONDS)]
    done = subprocess.run(server, input=lines, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def wrong(outcomes: list[dict[str, Any]]) -> list[str]:
    """Outcomes that must not be, with the command and the end of its output."""
    found = []
    for outcome in outcomes:
        if outcome["code"] not in ALLOWED or outcome["faults"]:
            end = Path(outcome["log"]).read_text(encoding="utf-8")[-1500:]
            command = " ".join(repr(word) for word in outcome["words"])
            found.append(f"seed {outcome['seed']}: {outcome['code']} {outcome['faults']}\n{command}\n{end}")
    return found


@pytest.mark.slow
def test_the_recount_notices_a_hit_too_many(tmp_path: Path) -> None:
    rows = [(f"u{u}", f"i{(3 * u + k) % 9}", 4, 1_600_000_000 + 60 * k) for u in range(6) for k in range(6)]
    data = MadeData("made", tmp_path, {}, rows, [])
    header = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
    write_inter(tmp_path, "made", rows, header)
    common = [f"--data_path={tmp_path}", "--epochs=1", "--topk=[1, 2]", "--metrics=[Hit, MRR]", "--valid_metric=MRR@2"]
    for model in ("SASRec", "BPR"):
        runs = tmp_path / model
        words = [f"--model={model}", "--dataset=made", *common, f"--runs_dir={runs}", "--show_progress=False"]
        assert main(words) == 0
        (run,) = runs.iterdir()
        result = json.loads((run / "result.json").read_text())
        assert recounted(data, run, result, words) == []
        result["test"]["hit@2"] += 1 / 6
        assert len(recounted(data, run, result, words)) == 1


@pytest.mark.slow
def test_random_runs(tmp_path: Path) -> None:
    outcomes = carried_out(range(20), tmp_path)
    assert len(outcomes) == 20
    assert wrong(outcomes) == []
    assert sum(outcome["code"] == 0 for outcome in outcomes) >= 7


@pytest.mark.torture
@pytest.mark.parametrize(("seeds", "finished"), [(range(60), 20), (range(1000, 1500), 0)], ids=str)
def test_many_random_runs(seeds: range, finished: int, tmp_path: Path) -> None:
    outcomes = carried_out(seeds, tmp_path)
    assert len(outcomes) == len(seeds)
    assert wrong(outcomes) == []
    assert sum(outcome["code"] == 0 for outcome in outcomes) >= finished
