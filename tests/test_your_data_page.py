"""docs/your-data.md is run from its first block to its last, as it is printed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "your-data.md").read_text(encoding="utf-8")
PROGRAMS = {"recbole-ext": "recbole_ext", "recbole-data": "dataset_tools"}


def blocks() -> list[tuple[str, str]]:
    """Language and text of each block; one without a language is output."""
    return re.findall(r"```(python|bash)\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.slow
def test_the_page(tmp_path: Path) -> None:
    bin_folder, work = tmp_path / "bin", tmp_path / "work"
    bin_folder.mkdir()
    work.mkdir()
    for name, module in PROGRAMS.items():
        (bin_folder / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {module} "$@"\n')
        (bin_folder / name).chmod(0o755)
    path = f"{bin_folder}:{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    printed = ""
    for language, text in blocks():
        program = [sys.executable, "-c", text] if language == "python" else ["bash", "-e", "-c", text]
        done = subprocess.run(program, cwd=work, env=env, capture_output=True, text=True)
        assert done.returncode == 0, f"{text}\n{done.stderr[-2000:]}"
        assert "Traceback" not in done.stderr
        printed += done.stdout + done.stderr
    for output in re.findall(r"```\n(guessed.*?)```", PAGE, re.DOTALL):
        assert output in printed
    lists = pd.read_csv(work / "lists.csv")
    assert len(lists) == 200 * 5 and ",".join(lists.columns) in PAGE
