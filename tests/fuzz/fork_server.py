"""Runs commands of the package one after the other, each in a fork of a process that has imported everything.

    python -m tests.fuzz.fork_server SECONDS < cases.jsonl

A line of input is {"seed": n, "words": [...], "log": FILE}; a line of output adds `code`, the exit code, `timeout`, or
the signal as a negative number, and `faults`, what `tests.fuzz.invariants` found in a run that ended with 0.
"""

import contextlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import torch

import recbole_ext.pipeline.train  # noqa: F401  what every case needs is imported once
from recbole_ext.cli.main import main
from tests.fuzz.invariants import faults
from tests.fuzz.made_data import make_data


def execute(case: dict[str, Any], seconds: float) -> dict[str, Any]:
    """One case in a process of its own, killed when its time is over."""
    child = os.fork()
    if child == 0:
        os._exit(_child(case))
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            found = Path(case["log"]).with_suffix(".faults")
            reported = json.loads(found.read_text()) if found.is_file() else []
            return {**case, "code": os.waitstatus_to_exitcode(status), "faults": reported}
        time.sleep(0.02)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return {**case, "code": "timeout", "faults": []}


def _child(case: dict[str, Any]) -> int:
    torch.set_num_threads(1)
    with open(case["log"], "w", encoding="utf-8") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        code = main(case["words"])
        sys.stdout.flush()
        if code == 0:
            found = faults(make_data(case["seed"], Path(case["root"])), Path(case["runs"]), case["words"])
            Path(case["log"]).with_suffix(".faults").write_text(json.dumps(found))
        sys.stdout.flush()
        sys.stderr.flush()
    return code


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        for line in sys.stdin:
            print(json.dumps(execute(json.loads(line), float(sys.argv[1]))), flush=True)
