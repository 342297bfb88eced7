"""The source distribution and the wheel are whole: installed apart from the sources, they train and recommend."""

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.conftest import write_inter

ROOT = Path(__file__).parents[1]
ROWS = [(f"u{user}", f"i{(user + 3 * k) % 12}", 1000 * k + user) for user in range(16) for k in range(7)]
BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_sdist(sys.argv[1]))"


def called(*words: object, cwd: Path) -> str:
    """The output of a command that must succeed, without the sources on its path."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run([*map(str, words)], cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{words}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


def tracked(folder: Path) -> Path:
    """A copy of the tracked files, in which a build leaves its own."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    return folder


def installed(wheel: Path, folder: Path) -> Path:
    """The programs of a new environment with the wheel; what it requires is that of this environment."""
    called(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder.parent)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "required.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    python = folder / "bin" / "python"
    called(python, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--ignore-installed", wheel, cwd=folder)
    return folder / "bin"


@pytest.mark.slow
def test_what_is_installed_trains_and_recommends_from_another_folder(tmp_path: Path) -> None:
    archive = called(sys.executable, "-c", BUILD, tmp_path, cwd=tracked(tmp_path / "sources")).splitlines()[-1]
    with tarfile.open(tmp_path / archive) as file:
        found = {Path(name).name for name in file.getnames()}
    assert {"README.md", "CITATION.cff", "py.typed", "your-data.md"} <= found
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", tmp_path]
    called(*pip, tmp_path / archive, cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    shipped = [path.relative_to(ROOT) for path in ROOT.glob("properties/**/*.yaml")]
    assert {f"recbole_ext/{path}" for path in shipped} | {"dataset_tools/py.typed", "recbole_ext/py.typed"} <= names
    templates = {str(path.relative_to(ROOT)) for path in ROOT.glob("[dr]*/**/templates/*") if path.is_file()}
    assert templates and templates <= names
    programs = installed(wheel, tmp_path / "environment")
    where = called(programs / "python", "-c", "import recbole_ext; print(recbole_ext.__file__)", cwd=tmp_path)
    assert where.startswith(str(tmp_path / "environment"))
    _train_and_recommend(programs, tmp_path)


def _train_and_recommend(programs: Path, root: Path) -> None:
    here, there = root / "here", root / "there"
    there.mkdir()
    write_inter(here / "dataset", "made", ROWS)
    small = ["--hidden_size=8", "--num_layers=1", "--MAX_ITEM_LIST_LENGTH=6", "--topk=[2]", "--valid_metric=NDCG@2"]
    words = ["--model=Mamba4Rec", "--dataset=made", "--epochs=1", "--device=cpu", *small]
    called(programs / "recbole-ext", *words, "--load_col={inter: [user_id, item_id, timestamp]}", cwd=here)
    (run,) = (here / "runs").iterdir()
    assert (run / "command.txt").read_text().startswith("recbole-ext --model=Mamba4Rec")
    assert "</html>" in (run / "report.html").read_text() and (run / "model_card.md").read_text().startswith("---\n")
    lists = called(programs / "recbole-ext", "recommend", f"--run={run}", "--users=u1,u2", "--k=2", cwd=there)
    assert len([line for line in lists.splitlines() if line.startswith(("u1", "u2"))]) == 4
    assert "made" in called(programs / "recbole-data", "describe", here / "dataset" / "made", cwd=there)
