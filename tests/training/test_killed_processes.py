"""Two processes that make one run, killed: together, or one of them; and eight that continue one run at once."""

import json
import signal
import socket
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest
from safetensors.torch import load_file

import recbole_ext as rx
from recbole_ext.cli.main import main
from tests import forked
from tests.conftest import write_inter
from tests.training.conftest import ROWS

pytestmark = pytest.mark.slow


def words(folder: Path, *more: str) -> list[str]:
    columns = "--load_col={inter: [user_id, item_id, timestamp]}"
    places = [f"--data_path={folder}", f"--runs_dir={folder / 'runs'}", columns, "--device=cpu", "--baselines=[]"]
    sizes = [
        "--hidden_size=8",
        "--inner_size=8",
        "--n_layers=1",
        "--n_heads=1",
        "--loss_type=CE",
        "--MAX_ITEM_LIST_LENGTH=6",
        "--topk=[2]",
        "--valid_metric=NDCG@2",
    ]
    return ["--model=SASRec", "--dataset=made", *places, *sizes, "--log_tensorboard=False", *more]


def wait_for(condition: Callable[[], object], seconds: float = 200) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


@pytest.mark.parametrize("killed", [(0, 1), (0,), (1,)], ids=["both", "the one that writes", "the other"])
def test_processes_of_a_run_are_killed(killed: tuple[int, ...], tmp_path: Path) -> None:
    """None is left waiting, the best weights so far answer, and the next start makes a new run."""
    write_inter(tmp_path, "made", ROWS)
    log, given = tmp_path / "out.txt", words(tmp_path, "--epochs=100000", "--stopping_step=100000")
    both = started_together(given, tmp_path, log)
    wait_for(lambda: list((tmp_path / "runs").glob("*/checkpoint/best.json")))
    for number in killed:
        both[number].kill()
    for number, process in enumerate(both):
        process.join(120)
        assert process.exitcode == -signal.SIGKILL if number in killed else process.exitcode == 4, log.read_text()
    if len(killed) == 1:
        assert "another process of this run has ended" in log.read_text()
        assert "internal error" not in log.read_text()
    (folder,) = (tmp_path / "runs").iterdir()
    best = json.loads((folder / "checkpoint" / "best.json").read_text())
    load_file(folder / "checkpoint" / best["tensors"])
    assert len(rx.load(folder).recommend(users=["0"], k=2)) == 2
    assert main([f"--resume={folder.name}", f"--runs_dir={folder.parent}"]) == 2  # its processes saved no state
    assert forked.run_in_two(words(tmp_path, "--epochs=1"), tmp_path, log) == [0, 0]


def started_together(given: list[str], folder: Path, log: Path) -> list[ForkServerProcess]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    return [forked.start(given, folder, log, **shared, RANK=rank, LOCAL_RANK=rank) for rank in ("0", "1")]


def test_of_eight_whole_commands_that_continue_a_run_one_does(tmp_path: Path) -> None:
    """A run that was killed is continued by eight at once: one trains to the end, seven get the sentence."""
    write_inter(tmp_path, "made", ROWS)
    process = forked.start(words(tmp_path, "--epochs=150", "--stopping_step=1000"), tmp_path, tmp_path / "first.txt")
    wait_for(lambda: list((tmp_path / "runs").glob("*/checkpoint/best.json")))
    process.kill()
    process.join(60)
    (folder,) = (tmp_path / "runs").iterdir()
    assert not (folder / "result.json").exists()
    again = [f"--resume={folder.name}", f"--runs_dir={folder.parent}"]
    started = [forked.start(again, tmp_path, tmp_path / f"{number}.txt") for number in range(8)]
    for each in started:
        each.join(300)
    codes = sorted(each.exitcode for each in started if each.exitcode is not None)
    texts = [(tmp_path / f"{number}.txt").read_text() for number in range(8)]
    assert codes[0] == 0 and set(codes[1:]) <= {2, 4}, texts
    refused = [text for text in texts if "error:" in text]
    assert len(refused) == 7 and not any("Traceback" in text for text in texts)
    assert all("still going on" in text or "this run is finished" in text for text in refused), refused
    epochs = [row.split(",")[0] for row in (folder / "metrics.csv").read_text().splitlines()[1:]]
    assert len(epochs) == len(set(epochs)) == 150 and (folder / "result.json").exists()
