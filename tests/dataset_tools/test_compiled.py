"""Kernels where no folder for compiled code can be written: they are compiled in each process, and nothing ends."""

import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import pytest
from numba.core.errors import termcolor

from dataset_tools import compiled
from tests.conftest import write_inter

ROOT = Path(__file__).parents[2]
NO_FOLDER = RuntimeError("cannot cache function 'f': no locator available for file 'f.py'")


def test_numba_leaves_standard_output_alone() -> None:
    assert type(termcolor()).__name__ == "NOPColorScheme"


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], None]:
    """Numba's decorators refuse to keep a kernel with an error."""

    def refuse(error: Exception) -> None:
        def decorator(*signatures: Any, cache: bool = False, **options: Any) -> Callable[[Any], Any]:
            def made(function: Any) -> Any:
                if cache:
                    raise error
                return function

            return made

        for name in ("njit", "cfunc"):
            monkeypatch.setattr(numba, name, decorator)
        compiled._warn.cache_clear()

    return refuse


@pytest.mark.parametrize("error", [NO_FOLDER, PermissionError(13, "Permission denied", "/c/f.nbi")])
def test_without_a_folder_kernels_are_compiled_and_not_kept(
    refusing: Callable[[Exception], None], caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    refusing(error)
    with caplog.at_level(logging.WARNING):
        for decorator in (compiled.njit, compiled.njit, compiled.cfunc):
            assert decorator("i8(i8)", nogil=True, cache=True)(abs) is abs
    assert len(caplog.records) == 1 and "NUMBA_CACHE_DIR=DIR" in caplog.text


def test_other_errors_stay(refusing: Callable[[Exception], None]) -> None:
    refusing(RuntimeError("something else"))
    with pytest.raises(RuntimeError, match="something else"):
        compiled.njit(cache=True)(abs)


def test_no_module_takes_the_decorators_of_numba() -> None:
    sources = [*ROOT.glob("recbole_ext/**/*.py"), *ROOT.glob("dataset_tools/**/*.py")]
    named = [line for path in sources for line in path.read_text().splitlines() if line.startswith("from numba import")]
    assert named and not [line for line in named if "njit" in line or "cfunc" in line]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv, which takes rights from root")
def test_a_user_who_may_write_no_cache(tmp_path: Path) -> None:
    """Sources and home are read-only, and root loses the right to write all the same; the run's folder is writable."""
    home, sources = tmp_path / "home", tmp_path / "sources"
    home.mkdir()
    for name in ("recbole_ext", "dataset_tools", "properties"):
        shutil.copytree(ROOT / name, sources / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "run_recbole_ext.py", sources)
    folders = [home, *(path for path in [sources, *sources.rglob("*")] if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    rows = [(f"u{u}", f"i{(u + k) % 9}", 100 * k + u) for u in range(12) for k in range(8)]
    data = write_inter(tmp_path, "made", rows)
    rights = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner", "--inh-caps=-all"]
    environment = {**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(home / "x"), "OMP_NUM_THREADS": "1"}
    environment |= {"NUMBA_CACHE_DIR": str(home / "numba"), "TMPDIR": str(home)}
    columns = "--load_col={inter: [user_id, item_id, timestamp]}"
    places = [f"--data_path={data}", f"--runs_dir={tmp_path / 'runs'}", columns, "--epochs=1", "--topk=[3]"]
    train = ["--model=BPR", "--dataset=made", *places, "--valid_metric=NDCG@3", "--device=cpu"]
    try:
        for words in (["run_recbole_ext.py", *train], ["-m", "dataset_tools", "describe", str(data / "made")]):
            done = subprocess.run(
                [*rights, sys.executable, *words],
                cwd=sources,
                env=environment,
                capture_output=True,
                text=True,
                timeout=300,
            )
            assert done.returncode == 0, done.stderr[-2000:]
            assert "compiled kernels cannot be kept" in done.stderr and "Traceback" not in done.stderr
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert list((tmp_path / "runs").glob("BPR-*/report.html")) and not list(home.iterdir())
