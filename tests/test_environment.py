import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import recbole_ext.environment as environment_module
from recbole_ext.environment import environment, processor_name
from recbole_ext.source_commit import source_commit


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    return subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def waiting(**given: str) -> str:
    code = "import recbole_ext, os; print(os.environ.get('GOMP_SPINCOUNT'))"
    others = {name: value for name, value in os.environ.items() if name not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    return subprocess.run(
        [sys.executable, "-c", code], env=others | given, capture_output=True, text=True
    ).stdout.strip()


def test_threads_wait_without_spinning_unless_the_user_says_how() -> None:
    assert waiting() == "1000"
    assert waiting(GOMP_SPINCOUNT="7") == "7"
    assert waiting(OMP_WAIT_POLICY="ACTIVE") == "None"


def test_versions_source_and_machine() -> None:
    facts = environment(torch.device("cpu"))
    assert facts["processor"] and facts["cpu_cores"] >= 1 and facts["memory_gb"] > 0
    assert {"recbole_ext", "python", "torch", "numba", "filelock"} <= facts["packages"].keys()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("processor\t: 0\nmodel name\t: AMD EPYC  7B13\n\nmodel name\t: AMD EPYC  7B13\n", "AMD EPYC 7B13"),
        ("processor : 0\nHardware : BCM2835\n", "BCM2835"),
    ],
)
def test_the_name_of_the_processor(text: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cpuinfo").write_text(text)
    monkeypatch.setattr(environment_module, "_CPU_INFO", tmp_path / "cpuinfo")
    assert processor_name.__wrapped__() == name
    (tmp_path / "cpuinfo").write_text("")
    assert processor_name.__wrapped__()


def test_the_commit_of_a_checkout(tmp_path: Path) -> None:
    assert source_commit(tmp_path) is None
    git(tmp_path, "init", "-q")
    (tmp_path / "a.py").write_text("1")
    git(tmp_path, "add", "a.py")
    git(tmp_path, "commit", "-q", "-m", "one")
    commit = git(tmp_path, "rev-parse", "HEAD")
    assert source_commit.__wrapped__(tmp_path) == commit
    (tmp_path / "new.py").write_text("2")  # no part of the commit
    assert source_commit.__wrapped__(tmp_path) == commit
    (tmp_path / "a.py").write_text("3")
    assert source_commit.__wrapped__(tmp_path) == f"{commit}, changed"
    (tmp_path / "below").mkdir()
    assert source_commit.__wrapped__(tmp_path / "below") is None  # an installed package in a checkout of something else
