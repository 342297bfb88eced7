"""Kills, full disks, leftovers and rivals: a data set is there whole or not at all."""

import errno
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dataset_tools.errors import ResourceError, UsageError
from dataset_tools.files.publish import whole_folder

ROOT = Path(__file__).parents[3]
Converted = Callable[..., tuple[Path, dict[str, Any]]]


def started(arguments: list[str], limit: int | None = None) -> subprocess.Popen[str]:
    def full_disk() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.Popen(
        [sys.executable, "-m", "dataset_tools", *arguments],
        cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=full_disk,
    )  # fmt: skip


def large_log(made: Callable[..., Path], rows: int) -> Path:
    line = "{}::{}::5::{}\n"
    text = "".join(line.format(n % 6000 + 1, n + 1, 978300760 + n * 7919 % 999983) for n in range(rows))
    return made("ml-1m", text, side=False)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_conversion_leaves_no_output_and_the_next_is_clean(
    number: int, made: Callable[..., Path], converted: Converted, tmp_path: Path
) -> None:
    raw, out = large_log(made, 400_000), tmp_path / "out"
    process = started(["convert", "ml-1m", "--input", str(raw), "--output", str(out), "--threads", "1"])
    while not list(out.glob(".ml-1m.partial/work/*.run")) and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == (-9 if number == signal.SIGKILL else 128 + number)
    assert not (out / "ml-1m").exists() and "Traceback" not in errors
    if number != signal.SIGKILL:
        assert list(out.iterdir()) == [] and f"stopped by signal {int(number)}" in errors
    folder, summary = converted("ml-1m", raw)
    assert summary["rows_out"] == 400_000 and [p.name for p in out.iterdir()] == ["ml-1m"]
    assert not (folder / "work").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("limit", "rows"), [(4096, 20_000), (1 << 20, 80_000), (3 << 20, 200_000)])
def test_a_full_disk_leaves_nothing(limit: int, rows: int, made: Callable[..., Path], tmp_path: Path) -> None:
    raw, out = large_log(made, rows), tmp_path / "out"
    process = started(["convert", "ml-1m", "--input", str(raw), "--output", str(out)], limit)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 4 and "writing stopped, file too large" in errors
    assert "nothing was left behind" in errors and "Traceback" not in errors
    assert list(out.iterdir()) == []


@pytest.mark.slow
def test_a_full_disk_while_cutting_keeps_the_input(
    made: Callable[..., Path], converted: Converted, tmp_path: Path
) -> None:
    folder, _ = converted("ml-1m", large_log(made, 100_000))
    before = {path: path.read_bytes() for path in folder.iterdir()}
    process = started(["split", str(folder), "--output", str(tmp_path / "out"), "--ratio", "0.8"], 1 << 20)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 4 and "writing stopped" in errors
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["ml-1m"]


def test_an_existing_data_set_stays_unless_asked(made: Callable[..., Path], converted: Converted) -> None:
    folder, _ = converted("ml-1m", made("ml-1m"))
    with pytest.raises(UsageError, match="already exists"):
        converted("ml-1m", made("ml-1m"))
    converted("ml-1m", made("ml-1m", "1::2::3::978300760\n"), overwrite=True)
    assert (folder / "ml-1m.inter").read_text().count("\n") == 2


def test_overwrite_spares_what_this_package_did_not_write(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    with pytest.raises(UsageError, match="not written by this tool, so --overwrite does not touch it"):
        with whole_folder(tmp_path / "thesis", overwrite=True):
            pass
    assert (tmp_path / "thesis").is_dir()


def test_a_failed_overwrite_keeps_the_old_data_set(made: Callable[..., Path], converted: Converted) -> None:
    folder, _ = converted("ml-1m", made("ml-1m"))
    before = (folder / "ml-1m.inter").read_bytes()
    with pytest.raises(ZeroDivisionError), whole_folder(folder, overwrite=True) as partial:
        (partial / "half").write_text("x")
        _ = 1 / 0
    assert (folder / "ml-1m.inter").read_bytes() == before and not list(folder.parent.glob(".*"))


def test_a_run_killed_between_the_two_renames_is_undone(made: Callable[..., Path], converted: Converted) -> None:
    folder, _ = converted("ml-1m", made("ml-1m"))
    folder.rename(folder.parent / ".ml-1m.old")
    with pytest.raises(UsageError, match="already exists"):
        converted("ml-1m", made("ml-1m"))
    assert (folder / "ml-1m.inter").exists()


def test_two_runs_do_not_write_one_data_set(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "x", overwrite=False):
        with pytest.raises(ResourceError, match="another run is writing this data set now"):
            with whole_folder(tmp_path / "x", overwrite=False):
                pass


def test_a_file_where_the_output_should_be_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="file: a file, where a folder is needed; choose another --output"):
        with whole_folder(tmp_path / "file" / "x", overwrite=False):
            pass
    assert os.listdir(tmp_path) == ["file"]


def test_a_folder_that_may_not_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(self: Path, *args: Any, **named: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(ResourceError, match="may not be written to; choose another --output"):
        with whole_folder(tmp_path / "x" / "y", overwrite=False):
            pass
