"""Which interpreters and systems are refused, with which sentence, and where."""

import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dataset_tools.platforms import VERSIONS, refusal

ROOT = Path(__file__).parents[2]
SENTENCE = (
    "recbole_ext and dataset_tools run on Linux and macOS with Python 3.11, 3.12 or 3.13, and this is Python {} on {}."
)


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 13)])
@pytest.mark.parametrize("system", ["linux", "darwin"])
def test_three_versions_on_two_systems_are_taken(version: tuple[int, int], system: str) -> None:
    assert refusal((*version, 4), system) == ""


@pytest.mark.parametrize(
    ("version", "system", "named"),
    [
        ((3, 10, 13), "linux", ("3.10", "Linux")),
        ((3, 14, 0), "darwin", ("3.14", "macOS")),
        ((3, 11, 7), "win32", ("3.11", "Windows")),
        ((2, 7, 18), "linux", ("2.7", "Linux")),
    ],
)
def test_others_are_refused_with_one_sentence(version: tuple[int, ...], system: str, named: tuple[str, str]) -> None:
    assert refusal(version, system) == SENTENCE.format(*named)


PRETENCE = """
import runpy, sys
sys.platform, sys.argv = "win32", {words!r}
sys.path.insert(0, {root!r})
runpy.run_{kind}({target!r}, run_name="__main__")
"""
COMMANDS = [("path", "run_recbole_ext.py"), ("module", "dataset_tools"), ("path", "dataset_tools/platforms.py")]


@pytest.mark.parametrize(("kind", "target"), COMMANDS)
def test_every_command_says_it_at_once_and_alone(kind: str, target: str) -> None:
    code = PRETENCE.format(words=[target, "doctor"], root=str(ROOT), kind=kind, target=target)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert (done.returncode, done.stdout, done.stderr) == (4, "", SENTENCE.format(here, "Windows") + "\n")


@pytest.mark.parametrize("package", ["recbole_ext", "dataset_tools"])
def test_the_installed_commands_ask_when_they_are_imported(package: str) -> None:
    code = f"import sys; sys.platform = 'win32'; import {package}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 4 and done.stderr.count("\n") == 1


def test_the_versions_promised_are_the_versions_that_run() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    classified = [
        line.split(" :: ")[-1] for line in setup["metadata"]["classifiers"].split("\n") if "Python :: 3." in line
    ]
    assert classified == [f"{major}.{minor}" for major, minor in VERSIONS]
    (low, high) = VERSIONS[0], VERSIONS[-1]
    assert setup["options"]["python_requires"] == f">={low[0]}.{low[1]},<{high[0]}.{high[1] + 1}"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What `make` reads, beside no .venv."""
    if not shutil.which("make"):
        pytest.skip("make is not here")
    for path in (*ROOT.glob("requirements*.txt"), *map(ROOT.joinpath, ("Makefile", "setup.cfg", "pyproject.toml"))):
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "dataset_tools").symlink_to(ROOT / "dataset_tools")
    return tmp_path


def _make(checkout: Path, *words: str, path: str = os.environ["PATH"]) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHON"} | {"PATH": path}
    return subprocess.run(["make", *words], capture_output=True, text=True, cwd=checkout, env=environment, check=False)


def test_make_takes_the_first_interpreter_that_starts(checkout: Path) -> None:
    folder = checkout / "bin"
    folder.mkdir()
    for name, body in (("python3.11", "exit 127"), ("python3.12", f'exec {sys.executable} "$@"')):
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    done = _make(checkout, "-n", "setup", path=f"{folder}:/usr/bin:/bin")
    assert "making .venv with python3.12" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("given", "sentence"),
    [("OS=Windows_NT", "this is Windows"), ("PYTHON=no-such-python", "no-such-python does not start")],
)
def test_make_refuses_before_it_installs(checkout: Path, given: str, sentence: str) -> None:
    done = _make(checkout, "setup", given)
    assert done.returncode == 2 and not (checkout / ".venv").exists()
    assert sentence in done.stdout + done.stderr
