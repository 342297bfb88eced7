"""What an unattended run has to survive: kills at any moment, a full disk, many starts at once, hostile files.

The counts are small here; `make torture` takes the full ones.
"""

import hashlib
import json
import multiprocessing
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from recbole.model.abstract_recommender import AbstractRecommender
from safetensors.torch import load_file
from torch import nn

from recbole_ext.errors import ResourceError
from recbole_ext.runs.checkpoint import load_checkpoint, save_checkpoint
from recbole_ext.runs.run_directory import RunDirectory
from tests.conftest import write_inter
from tests.training.conftest import ROWS

ROOT = Path(__file__).parents[2]
CPU = torch.device("cpu")
TINY = ["--MAX_ITEM_LIST_LENGTH=6", "--topk=[2]", "--valid_metric=NDCG@2", "--baselines=[]", "--device=cpu"]
TINY += ["--train_batch_size=16", "--stopping_step=1000", "--log_tensorboard=False", "--torch_threads=1"]
OURS = ["--hidden_size=8", "--d_state=2", "--dropout_prob=0.3"]
MODELS = {
    "Mamba4Rec": OURS,
    "SS4Rec": [*OURS, "--s5_state_size=4"],
    "SASRec": ["--loss_type=CE", "--train_mode=prefix"],
    "BPR": [],
}
_SERVER = """
import os, sys
sys.path[:0] = [{root!r}]
import torch
from recbole_ext.cli.main import main
from recbole_ext.ssm.cpu import operators as cpu
for line in sys.stdin:
    words = line.rstrip("\\n").split("\\t")
    child = os.fork()
    if not child:
        log = os.open(words[0], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1), os.dup2(log, 2)
        os.setpgid(0, 0)
        torch.set_num_threads(1)
        sys.argv = ["run_recbole_ext.py", *words[1:]]
        os._exit(main(words[1:]))
    print(child, flush=True)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


class Runs:
    """Starts whole runs, each in a process of its own, forked from one that has imported everything."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, folder / "out.txt"
        write_inter(folder, "made", ROWS)
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
        command = [sys.executable, "-c", _SERVER.format(root=str(ROOT))]
        self.server = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder, env=environment
        )

    def words(self, model: str, *more: str, root: str = "runs") -> list[str]:
        columns = "--load_col={inter: [user_id, item_id, timestamp]}"
        places = [f"--data_path={self.folder}", f"--runs_dir={self.folder / root}", columns]
        return [f"--model={model}", "--dataset=made", *places, *TINY, *MODELS[model], *more]

    def start(self, words: list[str]) -> int:
        """The process number of a run that has been started."""
        self._write("\t".join([str(self.log), *words]))
        return int(self._read())

    def end(self) -> int:
        """Exit status of the run; the negative signal of one that was killed."""
        return int(self._read())

    def run(self, words: list[str]) -> int:
        self.start(words)
        return self.end()

    def _write(self, line: str) -> None:
        assert self.server.stdin
        self.server.stdin.write(line + "\n")
        self.server.stdin.flush()

    def _read(self) -> str:
        assert self.server.stdout
        return self.server.stdout.readline()

    def close(self) -> None:
        assert self.server.stdin and self.server.stdout
        self.server.kill()  # it holds nothing, and on a busy machine the end of an interpreter takes its time
        self.server.wait(60)
        self.server.stdin.close()
        self.server.stdout.close()


@pytest.fixture
def runs(tmp_path: Path) -> Any:
    """See `Runs`."""
    server = Runs(tmp_path)
    yield server
    server.close()


def weights_hash(folder: Path, name: str) -> str:
    description = json.loads((folder / "checkpoint" / f"{name}.json").read_text())
    tensors = load_file(folder / "checkpoint" / description["tensors"])
    kept = sorted((k, v) for k, v in tensors.items() if k.startswith("weights."))
    return hashlib.sha256(b"".join(k.encode() + v.numpy().tobytes() for k, v in kept)).hexdigest()


def hashes(folder: Path) -> list[str]:
    return [weights_hash(folder, name) for name in ("last", "best")]


def only(folder: Path) -> Path:
    (found,) = folder.iterdir()
    return found


def kill_and_resume(runs: Runs, model: str, kills: int, seed: int) -> tuple[int, int]:
    """One run, killed `kills` times at random moments and continued each time; compared with one in one piece.

    Returns:
        kills that hit, and checkpoints that were readable after them.
    """
    epochs = ["--epochs=15", "--save_seconds=0"]
    started = time.monotonic()
    assert runs.run(runs.words(model, *epochs, root=f"whole{seed}")) == 0, runs.log.read_text()[-2000:]
    length = time.monotonic() - started
    rng, root, hit, readable = random.Random(seed), f"killed{seed}", 0, 0
    for attempt in range(kills):
        words = runs.words(model, *epochs, "--resume", root=root)
        process = runs.start(words)
        time.sleep(rng.uniform(0.0, max(0.3, 0.5 * length)))
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            pass
        if runs.end() == 0:  # it was faster than the signal: begin anew
            root = f"killed{seed}-{attempt}"
            continue
        hit += 1
        readable += all_readable(runs.folder / root)
    assert runs.run(runs.words(model, *epochs, "--resume", root=root)) == 0, runs.log.read_text()[-2000:]
    finished = [f for f in (runs.folder / root).iterdir() if (f / "result.json").exists()]
    assert hashes(finished[-1]) == hashes(only(runs.folder / f"whole{seed}"))
    return hit, readable


def all_readable(root: Path) -> bool:
    """Whether every description under a folder of runs names tensors that can be read."""
    for description in root.glob("*/checkpoint/*.json"):
        load_file(description.parent / json.loads(description.read_text())["tensors"])
    return True


@pytest.mark.slow
def test_kills_at_any_moment(runs: Runs) -> None:
    hit, readable = kill_and_resume(runs, "Mamba4Rec", 6, seed=0)
    assert hit == readable > 0


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(10))
def test_200_kills(seed: int, runs: Runs) -> None:
    """20 kills that hit, times 10."""
    hit = readable = 0
    while hit < 20:
        more = kill_and_resume(runs, list(MODELS)[seed % 4], 20 - hit, seed=100 * seed + hit)
        hit, readable = hit + more[0], readable + more[1]
    assert hit == readable == 20


def _save_without_end(folder: Path, saved: Any) -> None:
    while True:
        save_checkpoint(folder, "best", Weights(), {"epoch": saved.value + 1})
        saved.value += 1


def kills_while_saving(folder: Path, kills: int) -> int:
    """Kills of a process that does nothing but save; returns after how many the checkpoint was readable."""
    save_checkpoint(folder, "best", Weights(), {"epoch": 0})
    rng, context, read, epochs = random.Random(3), multiprocessing.get_context("fork"), 0, set()
    for _ in range(kills):
        saved, enough = context.Value("q", 0), rng.randint(1, 8)
        process = context.Process(target=_save_without_end, args=(folder, saved))
        process.start()
        while saved.value < enough:  # however busy the machine is, a save follows on a save
            assert process.is_alive()
            time.sleep(0.001)
        time.sleep(rng.uniform(0.0, 0.02))
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        epochs.add(load_checkpoint(folder, "best", Weights(), CPU)["epoch"])
        read += 1
    assert len(epochs) > 1, "the kills came too early to meet a save"
    return read


@pytest.mark.slow
@pytest.mark.parametrize("kills", [10, pytest.param(200, marks=pytest.mark.torture)])
def test_kills_while_saving(kills: int, tmp_path: Path) -> None:
    assert kills_while_saving(tmp_path, kills) == kills


def interrupt_and_resume(runs: Runs, model: str, points: int, epochs: int = 12) -> int:
    """Runs ended by SIGTERM at random moments; returns how many ended like the one that was not."""
    fixed = [f"--epochs={epochs}", "--save_seconds=0.05"]
    started = time.monotonic()
    assert runs.run(runs.words(model, *fixed, root="whole")) == 0, runs.log.read_text()[-2000:]
    length = time.monotonic() - started
    expected, same, rng = hashes(only(runs.folder / "whole")), 0, random.Random(7)
    for point in range(points):
        root = f"part{point}"
        process = runs.start(runs.words(model, *fixed, root=root))
        while not list((runs.folder / root).glob("*/checkpoint/last.json")):
            time.sleep(0.01)
        time.sleep(rng.uniform(0.0, 0.6 * length))
        try:
            os.kill(process, signal.SIGTERM)
        except ProcessLookupError:
            pass
        status = runs.end()
        assert status in (0, 143), runs.log.read_text()[-2000:]
        if status == 143:
            name = only(runs.folder / root).name
            assert f"--resume={name}" in runs.log.read_text()
            assert runs.run([f"--resume={name}", f"--runs_dir={runs.folder / root}"]) == 0, runs.log.read_text()[-2000:]
        same += hashes(only(runs.folder / root)) == expected
    return same


@pytest.mark.slow
@pytest.mark.parametrize("model", ["SS4Rec", "BPR"])
def test_resumed_at_random_points(model: str, runs: Runs) -> None:
    assert interrupt_and_resume(runs, model, 2, epochs=6) == 2


@pytest.mark.torture
@pytest.mark.parametrize("model", MODELS)
def test_resumed_at_ten_random_points(model: str, runs: Runs) -> None:
    assert interrupt_and_resume(runs, model, 10) == 10


class Weights(AbstractRecommender):
    """40 kB of them."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(100, 100)


def full_disks(folder: Path, sizes: list[int]) -> int:
    """Saves that meet a limit on the size of a file; returns after how many the old best was read."""
    old, read = Weights(), 0
    save_checkpoint(folder, "best", old, {"epoch": 0})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    for epoch, size in enumerate(sizes, start=1):
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
            with pytest.raises(ResourceError, match=r"cannot write .*best.* \([\d,]+ bytes\): File too large") as error:
                save_checkpoint(folder, "best", Weights(), {"epoch": epoch})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        other = Weights()
        assert error.value.exit_code == 4 and load_checkpoint(folder, "best", other, CPU)["epoch"] == 0
        read += torch.equal(other.layer.weight, old.layer.weight)
    assert sorted(path.name for path in folder.iterdir()) == ["best-0.safetensors", "best.json"]
    return read


def test_a_full_disk_at_twenty_sizes_leaves_the_old_best(tmp_path: Path) -> None:
    tensors, description = 40_800, 200
    sizes = [0, 1, 8, 50, description // 2, *(tensors * n // 15 for n in range(15))]
    assert full_disks(tmp_path, sizes) == 20


def _start(root: Path, barrier: Any, number: int) -> None:
    barrier.wait()
    directory = RunDirectory.new(root, "SS4Rec", "made")
    directory.write_config({"number": number}, {}, ["python", str(number)])
    for epoch in range(5):
        directory.append_metrics({"epoch": epoch, "number": number})


def simultaneous(root: Path, processes: int) -> None:
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(processes)
    started = [context.Process(target=_start, args=(root, barrier, n)) for n in range(processes)]
    for process in started:
        process.start()
    for process in started:
        process.join(60)
    assert [process.exitcode for process in started] == [0] * processes


def _continue(path: Path, barrier: Any, outcomes: Any) -> None:
    barrier.wait()
    try:
        held = RunDirectory(path)
        outcomes.put("continued")
    except ResourceError:
        outcomes.put("refused")
        return
    time.sleep(60)  # until it is ended
    held.release()


@pytest.mark.slow
def test_of_eight_that_continue_a_run_at_once_one_does(tmp_path: Path) -> None:
    run = RunDirectory.new(tmp_path, "SS4Rec", "made")
    run.release()
    context = multiprocessing.get_context("fork")
    barrier, outcomes = context.Barrier(8), context.Queue()
    started = [context.Process(target=_continue, args=(run.path, barrier, outcomes)) for _ in range(8)]
    for process in started:
        process.start()
    found = [outcomes.get(timeout=60) for _ in started]
    for process in started:
        process.terminate()
        process.join(60)
    assert sorted(found) == ["continued", *["refused"] * 7]


@pytest.mark.slow
@pytest.mark.parametrize("rounds", [2, pytest.param(10, marks=pytest.mark.torture)])
def test_simultaneous_starts_share_nothing(rounds: int, tmp_path: Path) -> None:
    for _ in range(rounds):
        simultaneous(tmp_path, 8)
    folders = list(tmp_path.iterdir())
    assert len(folders) == 8 * rounds
    for folder in folders:
        number = (folder / "command.txt").read_text().split()[1]
        rows = [line.split(",") for line in (folder / "metrics.csv").read_text().splitlines()[1:]]
        assert rows == [[str(epoch), number] for epoch in range(5)]
        assert f"number: {number} " in (folder / "config.yaml").read_text()
