"""Whole runs on small disks, by bytes and by inodes: exit code 4 with the file, or a whole run, and no traceback."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from recbole_ext.cli.main import main

ROWS = [(f"u{u}", f"i{(3 * u + k) % 9}", 1000 * u + k) for u in range(8) for k in range(7)]
COLUMNS = "--load_col={inter: [user_id, item_id, timestamp]}"
SIZES = [*(f"size={k}k" for k in (*range(4, 44, 4), 48, 56, 64, 72, 80, 96, 112, 128, 160, 200))]
SIZES += [f"size=4m,nr_inodes={n}" for n in range(2, 32)]


@pytest.mark.torture
@pytest.mark.parametrize("size", SIZES)
def test_a_run_on_a_small_disk(
    size: str, tmp_path: Path, write: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", disk], check=False).returncode:
        pytest.skip("a small disk can be made by the administrator alone")
    places = [f"--data_path={write(tmp_path, 'made', ROWS)}", f"--runs_dir={disk / 'runs'}", "--device=cpu"]
    sizes = ["--epochs=3", "--embedding_size=16", "--topk=[2]", "--valid_metric=MRR@2", "--show_progress=False"]
    try:
        code = main(["--model=BPR", "--dataset=made", COLUMNS, *places, *sizes])
    finally:
        subprocess.run(["umount", "-l", disk], check=True)
    output = capsys.readouterr()
    assert code in (0, 4) and "Traceback" not in output.err
    assert code == 0 or "No space left" in output.err or "no space left" in output.err
