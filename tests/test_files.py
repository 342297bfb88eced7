"""A folder is held by one process, and by nobody when that process is gone."""

import subprocess
import sys
from pathlib import Path

import pytest

from recbole_ext.errors import ResourceError
from recbole_ext.files import LOCK, hold

HOLDER = """
import os, sys
from pathlib import Path
from recbole_ext.files import hold
lock = hold(Path(sys.argv[1]), "held")
read, write = os.pipe()
child = os.fork()
if child == 0:
    os.write(write, b"x")  # it runs, so what a fork inherits of the lock is given up
    sys.stdin.read()  # a worker that outlives its parent
    os._exit(0)
os.read(read, 1)
print("held", flush=True)
sys.stdin.read()
"""


def test_a_folder_is_held_once_and_free_again(tmp_path: Path) -> None:
    lock = hold(tmp_path, "in use")
    with pytest.raises(ResourceError, match="in use"):
        hold(tmp_path, "in use")
    lock.release()
    hold(tmp_path, "in use").release()


def test_the_lock_goes_with_its_process_whatever_its_workers_do(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout and process.stdout.readline() == b"held\n"
    with pytest.raises(ResourceError):
        hold(tmp_path, "in use")
    process.kill()
    process.wait()
    hold(tmp_path, "in use").release()
    assert process.stdin
    process.stdin.close()  # the worker ends
    process.stdout.close()


def test_a_link_in_the_place_of_the_lock_is_refused(tmp_path: Path) -> None:
    (tmp_path / LOCK).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ResourceError, match="cannot lock"):
        hold(tmp_path, "in use")
    assert not (tmp_path / "elsewhere").exists()
