"""`recbole-data` as it is installed."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_installed_command_converts_and_cuts(made: Callable[..., Path], tmp_path: Path) -> None:
    target, out = tmp_path / "site", tmp_path / "dataset"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target", str(target)]
    subprocess.run([*pip, str(ROOT)], check=True, capture_output=True)
    environment = os.environ | {"PYTHONPATH": str(target)}

    def command(*words: object) -> subprocess.CompletedProcess[str]:
        line = [str(target / "bin" / "recbole-data"), *map(str, words)]
        return subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True)

    done = command("convert", "ml-1m", "--input", made("ml-1m"), "--output", out)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, f"{out}/ml-1m: 3 of 3 rows, 2 users, 2 items")
    done = command("split", out / "ml-1m", "--output", out, "--at", "978302109", "--valid", "none")
    assert done.returncode == 0 and (out / "ml-1m-cut" / "split.json").is_file()
    done = command("validate", tmp_path / "nothing")
    assert done.returncode == 2 and done.stderr.startswith("error: ") and "Traceback" not in done.stderr
