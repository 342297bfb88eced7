"""Small data sets, made or cut from the ml-100k that the recbole wheel carries."""

import gc
import os
import shutil
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import settings

from recbole_ext.places import RECBOLE

if TYPE_CHECKING:  # torch and RecBole take seconds to import, and the process that hands out the tests runs none
    from recbole_ext.config.config import Config

pytest_plugins = ["tests.written_runs"]

for profile, examples in (("fast", 20), ("full", 60), ("torture", 2000)):
    settings.register_profile(profile, deadline=None, max_examples=examples)  # chosen by --hypothesis-profile
settings.load_profile("fast")


def pytest_configure() -> None:
    """No test outlives a loss of power, so none in this process waits for the disk; most runs write 30 files."""
    os.fsync = lambda descriptor: None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """What the tests import stays to the end: the garbage collector need not walk through it, then or later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


ML_100K = RECBOLE / "dataset_example" / "ml-100k"
CLICK_HEADER = "user_id:token\titem_id:token\ttimestamp:float\tlabel:float"
SMALL_CLICKS: dict[str, Any] = {
    "load_col": {"inter": ["user_id", "item_id", "timestamp", "label"]},
    "eval_args": {"order": "TO", "group_by": "user"},
    "hidden_size": 8,
    "embedding_size": 4,
    "d_state": 4,
    "attention_heads": 2,
    "epochs": 1,
}
"""A small MDAFMamba for data sets under that header."""


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Small tensors are fastest on one thread, and results do not depend on the machine's cores."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the real MovieLens and Taobao files, where there is one."""
    folder = Path(os.environ.get("RECBOLE_EXT_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"needs the real data in {folder}; set RECBOLE_EXT_DATA to where it is")
    return folder


@pytest.fixture(scope="session")
def small_ml_100k(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`<root>/ml-100k`: 60 users and 400 items of ml-100k, a fifteenth of its graph, made embeddings; returns root."""
    folder = tmp_path_factory.mktemp("small") / "ml-100k"
    folder.mkdir()
    for suffix in ("user", "item", "link"):
        shutil.copy(ML_100K / f"ml-100k.{suffix}", folder)
    header, *triples = (ML_100K / "ml-100k.kg").read_text().splitlines()
    (folder / "ml-100k.kg").write_text("\n".join([header, *triples[::15]]) + "\n")
    header, *rows = (ML_100K / "ml-100k.inter").read_text().splitlines()
    kept = [row for row in rows if int(row.split("\t")[0]) <= 60 and int(row.split("\t")[1]) <= 400]
    (folder / "ml-100k.inter").write_text("\n".join([header, *kept]) + "\n")
    _write_embeddings(folder, "ent", [r.split("\t")[1] for r in (folder / "ml-100k.link").read_text().splitlines()[1:]])
    _write_embeddings(folder, "rel", [r.split("\t")[1] for r in (folder / "ml-100k.kg").read_text().splitlines()[1:]])
    return folder.parent


def _write_embeddings(folder: Path, kind: str, names: list[str]) -> None:
    rng = np.random.default_rng(0)
    rows = [f"{name}\t{' '.join(f'{x:.3f}' for x in rng.normal(size=8))}" for name in sorted(set(names))]
    text = "\n".join([f"{kind}_id:token\t{kind}_emb:float_seq", *rows]) + "\n"
    (folder / f"ml-100k.{kind}").write_text(text)


def write_inter(root: Path, name: str, rows: list[tuple[Any, ...]], header: str = "") -> Path:
    """Write `<root>/<name>/<name>.inter` from (user, item, time) rows; returns root."""
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    header = header or "user_id:token\titem_id:token\ttimestamp:float"
    lines = [header, *("\t".join(map(str, row)) for row in rows)]
    (folder / f"{name}.inter").write_text("\n".join(lines) + "\n")
    return root


def write_graph(root: Path, name: str = "graph") -> Path:
    """`<root>/<name>/`: 6 users with 6 of 9 items each, a graph in which each item has one entity; returns root."""
    rows = [(f"u{u}", f"i{(3 * u + k) % 9}", 1 + (u + k) % 5, 1000 * u + k) for u in range(6) for k in range(6)]
    write_inter(root, name, rows, "user_id:token\titem_id:token\trating:float\ttimestamp:float")
    triples = [f"m{k}\tr{k % 2}\tg{(k + j) % 3}" for k in range(9) for j in range(2)]
    links = [f"i{k}\tm{k}" for k in range(9)]
    for suffix, header, lines in (
        ("kg", "head_id:token\trelation_id:token\ttail_id:token", triples),
        ("link", "item_id:token\tentity_id:token", links),
    ):
        (root / name / f"{name}.{suffix}").write_text("\n".join([header, *lines]) + "\n")
    return root


@pytest.fixture
def make_config(tmp_path: Path) -> Callable[..., "Config"]:
    """A configuration for a data set under `root`; runs go to the test's folder."""
    from recbole_ext.pipeline.configure import build_config

    def make(model: str, root: Path, dataset: str = "made", **given: Any) -> "Config":
        columns = {"load_col": {"inter": ["user_id", "item_id", "timestamp"]}} if dataset == "made" else {}
        fixed = {"data_path": str(root), "runs_dir": str(tmp_path / "runs"), "show_progress": False, "device": "cpu"}
        return build_config(model, dataset, [], {**columns, **fixed, **given})

    return make


@pytest.fixture(scope="session")
def write() -> Callable[..., Path]:
    """See `write_inter`."""
    return write_inter
