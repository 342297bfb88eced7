import csv
import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.cli.main import main
from recbole_ext.config.config import Config
from recbole_ext.data.loaders import Loaders
from recbole_ext.errors import DataError, ResourceError
from recbole_ext.evaluation.evaluator import Evaluation, Evaluator
from recbole_ext.machine_paths import without_machine_paths
from recbole_ext.pipeline.train import run
from recbole_ext.report.report import leave_report
from recbole_ext.serving.load import finished_config
from recbole_ext.training.trainer import RunTrainer
from tests import forked

ROOT = Path(__file__).parents[2]
ROWS = [(user, (user + 3 * k) % 12, 1000 * k + user) for user in range(16) for k in range(7)]
TINY: dict[str, Any] = {
    "hidden_size": 8,
    "d_state": 2,
    "MAX_ITEM_LIST_LENGTH": 6,
    "train_batch_size": 32,
    "epochs": 3,
    "learning_rate": 0.01,
    "topk": [2],
    "valid_metric": "NDCG@2",
}


@pytest.fixture
def configure(make_config: Callable[..., Config], write: Callable[..., Path], tmp_path: Path) -> Callable[..., Config]:
    """The configuration of a tiny run."""
    return lambda model="Mamba4Rec", **given: make_config(model, write(tmp_path, "made", ROWS), **{**TINY, **given})


def numbers(result: dict[str, Any]) -> list[Any]:
    return [result[key] for key in ("best_epoch", "valid", "test", "baselines", "protocol")]


def test_a_run_returns_and_writes_what_it_promises(configure: Callable[..., Config]) -> None:
    result = run(configure(), ["python", "run.py"])
    folder = Path(result["run_directory"])
    written = without_machine_paths(json.loads(json.dumps(result)))
    assert json.loads((folder / "result.json").read_text()) == {"format": 1, **written}
    assert written["run_directory"] == f".../{folder.name}"
    assert {path.name for path in folder.iterdir()} == {
        "config.yaml",
        "command.txt",
        "environment.json",
        "data.json",
        "vocabulary.json.gz",
        "metrics.csv",
        "result.json",
        "analysis.json",
        "test_units.npz",
        ".lock",
        "checkpoint",
        "data.safetensors",
        "log.txt",
        "events.jsonl",
        "tensorboard",
    }
    assert {path.suffix for path in (folder / "checkpoint").iterdir()} == {".json", ".safetensors"}
    assert set(result["test"]) == {"hit@2", "ndcg@2", "mrr@2", "recall@2"} == set(result["valid"])
    assert set(result["baselines"]) == {"popularity", "markov", "skip_markov"}
    assert (result["model"], result["dataset"], result["epochs_trained"]) == ("Mamba4Rec", "made", 3)
    assert (result["batch_halvings"], result["rollbacks"]) == (0, 0)
    assert 1 <= result["best_epoch"] <= 3 and 0 < result["fit_seconds"] <= result["total_seconds"]
    assert result["peak_memory_mb"] > 50 and result["protocol"]["name"] == "no_time"
    with open(folder / "metrics.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert (
        float(rows[result["best_epoch"] - 1]["ndcg@2"])
        == result["valid"]["ndcg@2"]
        == max(float(row["ndcg@2"]) for row in rows)
    )
    assert (result["users"], result["items"]) == (16, 12)
    assert "16 users (" in (folder / "log.txt").read_text()


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_a_run_can_be_sent_to_others(
    umask: int, configure: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files have the modes of other files, and name no folder of the machine but where `config.yaml` needs it."""
    (tmp_path / "here").mkdir()
    before = os.umask(umask)
    try:
        result = run(configure(epochs=1), [sys.executable, f"{ROOT}/run.py", f"--data_path={tmp_path}"])
        leave_report(Path(result["run_directory"]))
    finally:
        os.umask(before)
    files = [path for path in Path(result["run_directory"]).rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o666 & ~umask}
    places = [str(place).encode() for place in (tmp_path, sys.prefix, ROOT)]
    naming = {path.name for path in files if any(place in path.read_bytes() for place in places)}
    lines = [line for line in (files[0].parent / "config.yaml").read_text().splitlines() if str(tmp_path) in line]
    assert naming == {"config.yaml"} and {line.partition(":")[0] for line in lines} == {"data_path", "runs_dir"}
    monkeypatch.chdir(tmp_path)
    near = run(configure(epochs=1), [sys.executable, f"{tmp_path}/run.py", f"--data_path={tmp_path}"])
    folder = Path(near["run_directory"])
    assert str(tmp_path) not in (folder / "config.yaml").read_text()
    assert (folder / "command.txt").read_text() == "python run.py --data_path=.\n"
    monkeypatch.chdir(tmp_path / "here")
    assert finished_config(folder)["data_path"] == str(tmp_path / "made")


def test_the_test_part_is_read_once_and_at_the_end(
    configure: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[tuple[str, bool]] = []
    evaluate, load_best = Evaluator.evaluate, RunTrainer.load_best
    loaded: list[bool] = []

    def watched(self: Evaluator, data: Any, *rest: Any) -> Evaluation:
        read.append(((data._dataset is loaders[0].test._dataset and "test") or "valid", bool(loaded)))
        return evaluate(self, data, *rest)

    from recbole_ext.pipeline import splits

    loaders: list[Loaders] = []
    build = splits.build_loaders
    monkeypatch.setattr(splits, "build_loaders", lambda *a: loaders.append(build(*a)) or loaders[-1])
    monkeypatch.setattr(Evaluator, "evaluate", watched)
    monkeypatch.setattr(RunTrainer, "load_best", lambda self: loaded.append(True) or load_best(self))
    run(configure(baselines=[]))
    assert read == [("valid", False)] * 3 + [("test", True)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "given",
    [{}, {"loss_type": "BPR", "train_mode": "prefix"}, {"eval_args": {"mode": "uni5"}, "baselines": []}],
    ids=str,
)
def test_the_same_run_gives_the_same_numbers(given: dict[str, Any], configure: Callable[..., Config]) -> None:
    first, second, other = run(configure(**given)), run(configure(**given)), run(configure(**given, seed=3))
    assert numbers(first) == numbers(second)
    assert first["run_directory"] != second["run_directory"]
    logs = [Path(r["run_directory"], "metrics.csv").read_text() for r in (first, other)]
    assert logs[0] != logs[1]


@pytest.mark.slow
def test_the_config_of_a_run_repeats_it(configure: Callable[..., Config], tmp_path: Path) -> None:
    result = run(configure("SS4Rec", s5_state_size=4, protocol="time_aware"))
    given = ["--model=SS4Rec", "--dataset=made", f"--config_files={result['run_directory']}/config.yaml"]
    assert main(given) == 0
    directories = sorted((tmp_path / "runs").iterdir(), key=lambda path: path.stat().st_mtime)
    assert len(directories) == 2
    assert numbers(json.loads((directories[1] / "result.json").read_text())) == numbers(json.loads(json.dumps(result)))


@pytest.mark.slow
def test_the_command_of_a_run_repeats_it(write: Callable[..., Path], tmp_path: Path) -> None:
    write(tmp_path, "made", ROWS)
    given = {
        **TINY,
        "load_col": "{inter: [user_id, item_id, timestamp]}",
        "data_path": tmp_path,
        "runs_dir": tmp_path / "runs",
        "device": "cpu",
        "torch_threads": 1,
    }
    words = [
        f"--{key}={str(value).replace(' ', '')}" if key != "load_col" else f"--load_col={value}"
        for key, value in given.items()
    ]
    command = [sys.executable, str(ROOT / "run_recbole_ext.py"), "--model=Mamba4Rec", "--dataset=made", *words]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    (first,) = (tmp_path / "runs").iterdir()
    python, program, *again = shlex.split((first / "command.txt").read_text())
    assert (python, program) == ("python", "run_recbole_ext.py")
    subprocess.run([*command[:2], *again], check=True, capture_output=True, cwd=tmp_path)
    results = [json.loads((folder / "result.json").read_text()) for folder in (tmp_path / "runs").iterdir()]
    assert len(results) == 2 and numbers(results[0]) == numbers(results[1])


def test_without_validation_the_last_weights_are_tested(configure: Callable[..., Config]) -> None:
    result = run(configure(eval_args={"split": {"LS": "test_only"}}))
    assert (result["best_epoch"], result["valid"]) == (3, None)


def test_faults_of_the_data_leave_no_directory(configure: Callable[..., Config], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="made: no interaction is left after filtering"):
        run(configure(item_inter_num_interval="[500,inf)"))
    assert not (tmp_path / "runs").exists()


def test_a_runs_folder_that_cannot_be(configure: Callable[..., Config], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ResourceError, match=r"cannot make .*choose another --runs_dir"):
        run(configure(runs_dir=str(tmp_path / "file")))


def torchrun(words: list[str], folder: Path, log: Path) -> list[int]:
    """The exit code of torchrun with two processes."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    with log.open("w") as output:
        done = subprocess.run(
            [*command, str(ROOT / "run_recbole_ext.py"), *words],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            timeout=300,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
    return [done.returncode]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "given"),
    [
        (torchrun, ["--train_mode=all_positions"]),
        (forked.run_in_two, ["--train_mode=prefix", "--loss_type=BPR"]),
    ],
    ids=["torchrun, all positions", "prefix"],
)
def test_two_processes_make_one_run(
    start: Callable[..., list[int]], given: list[str], write: Callable[..., Path], tmp_path: Path
) -> None:
    write(tmp_path, "made", ROWS)
    words = [
        "--model=SS4Rec",
        "--dataset=made",
        f"--data_path={tmp_path}",
        f"--runs_dir={tmp_path / 'runs'}",
        "--device=cpu",
        "--load_col={inter: [user_id, item_id, timestamp]}",
        "--hidden_size=8",
        "--d_state=2",
        "--s5_state_size=4",
        "--epochs=2",
        "--MAX_ITEM_LIST_LENGTH=6",
        "--topk=[2]",
        "--valid_metric=NDCG@2",
        "--train_batch_size=32",
        *given,
    ]
    log = tmp_path / "out.txt"
    assert set(start(words, tmp_path, log)) == {0}, log.read_text()[-2000:]
    (folder,) = (tmp_path / "runs").iterdir()
    result = json.loads((folder / "result.json").read_text())
    assert result["epochs_trained"] == 2 and set(result["baselines"]) == {"popularity", "markov", "skip_markov"}
    assert log.read_text().count("SS4Rec on made:") == 1


def test_a_signal_while_the_report_is_written_does_not_end_the_run(configure: Callable[..., Config]) -> None:
    written = []

    def report(folder: Path) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        written.append(str(folder))

    result = run(configure(epochs=1), at_end=report)
    assert written == [result["run_directory"]]
