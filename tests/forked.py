"""Commands in processes of their own, each a fork of one that has imported what they need: its imports take seconds."""

import multiprocessing
import os
import socket
import sys
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import torch

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    ["recbole_ext.cli.main", "recbole_ext.pipeline.train", "recbole_ext.ssm.cpu.operators", "torch._dynamo"]
)


def start(words: list[str], folder: Path, log: Path, **environment: str) -> ForkServerProcess:
    """Start `run_recbole_ext.py WORDS` in `folder`; its output is added to `log`."""
    process = _CONTEXT.Process(target=_execute, args=(words, folder, log, environment))
    process.start()
    return process


def run(words: list[str], folder: Path, log: Path) -> int:
    """The exit code of a command that is waited for."""
    process = start(words, folder, log)
    process.join(300)
    assert process.exitcode is not None, log.read_text()
    return process.exitcode


def run_in_two(words: list[str], folder: Path, log: Path) -> list[int]:
    """The exit codes of two processes that make one run, with the variables that torchrun sets."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    both = [start(words, folder, log, **shared, RANK=rank, LOCAL_RANK=rank) for rank in ("0", "1")]
    for process in both:
        process.join(300)
        if process.exitcode is None:
            process.kill()
    return [process.exitcode for process in both]


def _execute(words: list[str], folder: Path, log: Path, environment: dict[str, str]) -> None:
    from recbole_ext.cli.main import main

    os.chdir(folder)
    os.environ.update(environment)
    torch.set_num_threads(1)
    log_file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log_file, 1)
    os.dup2(log_file, 2)
    sys.argv = ["run_recbole_ext.py", *words]
    code = main(words)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
