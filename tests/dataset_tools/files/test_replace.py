import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dataset_tools.files.replace import remove_unfinished, replace_file, temporary_folder

LEFT = [".result.json.ab12_xyz.partial", ".best-3.safetensors.k2j_8ab1", ".metrics.csv.aaaaaaaa.partial"]
KEPT = [".lock", ".result.json", "result.json", ".gitignore", ".notes.settings", ".best-1.safetensors.tmp"]
WRITER = """
import os, sys
from pathlib import Path
from dataset_tools.files import replace
replace.os.replace = lambda *names: (print("written", flush=True), sys.stdin.read())
replace.replace_file(Path(sys.argv[1]), b"x" * 1000)
"""


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_what_killed_writers_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    for name in [*LEFT, *KEPT]:
        (tmp_path / name).touch()
    (tmp_path / ".result.json.folderxx.partial").mkdir()
    (tmp_path / ".a.json.linkedxx.partial").symlink_to(tmp_path / "result.json")
    remove_unfinished(tmp_path)
    assert names(tmp_path) == {*KEPT, ".result.json.folderxx.partial", ".a.json.linkedxx.partial"}
    remove_unfinished(tmp_path / "none")


def test_a_writer_removes_what_was_left_of_its_own_file(tmp_path: Path) -> None:
    for name in LEFT:
        (tmp_path / name).touch()
    replace_file(tmp_path / "result.json", b"new")
    assert names(tmp_path) == {"result.json", *LEFT[1:]} and (tmp_path / "result.json").read_bytes() == b"new"


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_file_has_the_mode_that_the_umask_gives_to_any_other(umask: int, mode: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        for content in (b"new", b"replaced"):
            replace_file(tmp_path / "result.json", content)
            replace_file(tmp_path / "state.json", content, private=True)
            assert (tmp_path / "result.json").stat().st_mode & 0o777 == mode
            assert (tmp_path / "state.json").stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)


@pytest.mark.parametrize("prefix", [".preflight-", ".out.tsv."])
def test_a_temporary_folder_replaces_those_of_killed_processes(prefix: str, tmp_path: Path) -> None:
    for name in ("abcd1234.partial", "settings", "abcd1234"):
        (tmp_path / f"{prefix}{name}" / "inner").mkdir(parents=True)
    with temporary_folder(tmp_path, prefix) as first, temporary_folder(tmp_path, prefix) as second:
        assert first != second and first.is_dir() and not (tmp_path / f"{prefix}abcd1234.partial").exists()
    assert names(tmp_path) == {f"{prefix}settings", f"{prefix}abcd1234"}


@pytest.mark.slow
def test_a_file_that_is_being_written_stays_until_its_process_is_killed(tmp_path: Path) -> None:
    words = [sys.executable, "-c", WRITER, str(tmp_path / "best-0.safetensors")]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3])
    assert process.stdout and process.stdin and process.stdout.readline() == b"written\n"
    remove_unfinished(tmp_path)
    (left,) = tmp_path.iterdir()
    assert left.stat().st_size == 1000
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdin.close()
    process.stdout.close()
    remove_unfinished(tmp_path)
    assert not names(tmp_path)
