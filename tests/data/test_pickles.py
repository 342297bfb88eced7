import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recbole_ext.config.config import Config
from recbole_ext.data.pickles import refuse_pickles
from recbole_ext.errors import DataError
from recbole_ext.pipeline.configure import build_config


class Evil:
    """Unpickling it leaves a file."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("touch executed",)


@pytest.fixture
def config(write: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.chdir(tmp_path)
    given = {"data_path": str(write(tmp_path, "made", [(1, 2, 3)])), "n_cate": 2, "device": "cpu"}
    return build_config("LDiffRec", "made", [], given)


@pytest.mark.parametrize("kind", ["objects", "pickle", "empty", "zip", "words"])
def test_item_embeddings_that_are_no_plain_array(kind: str, config: Config, tmp_path: Path) -> None:
    path = tmp_path / "made" / "item_emb.npy"
    if kind == "objects":
        np.save(path, np.array([Evil()], dtype=object), allow_pickle=True)
    elif kind == "words":
        np.save(path, np.array(["a"]))
    elif kind == "zip":
        np.savez(path.open("wb"), a=np.ones(2))
    else:
        path.write_bytes(pickle.dumps(Evil()) if kind == "pickle" else b"")
    with pytest.raises(DataError, match=r"item_emb\.npy (is no plain array and is not loaded|must hold one array)"):
        refuse_pickles(config)
    assert not (tmp_path / "executed").exists()


def test_plain_embeddings_pass(config: Config, tmp_path: Path) -> None:
    refuse_pickles(config)
    np.save(tmp_path / "made" / "item_emb.npy", np.ones((2, 3), dtype=np.float32))
    refuse_pickles(config)
