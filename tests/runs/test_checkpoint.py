import errno
import json
import os
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch
from recbole.model.abstract_recommender import AbstractRecommender
from torch import nn

from recbole_ext.errors import DataError, ResourceError, UsageError
from recbole_ext.files import write_atomically
from recbole_ext.runs.checkpoint import load_checkpoint, read_description, save_checkpoint
from recbole_ext.runs.tensor_tree import unflatten

CPU = torch.device("cpu")


class Small(AbstractRecommender):
    """Weights, a buffer, and what RecBole calls other parameters."""

    def __init__(self, width: int = 3) -> None:
        super().__init__()
        self.layer = nn.Linear(2, width)
        self.register_buffer("steps", torch.tensor(5))
        self.other_parameter_name = ["popularity", "neighbours", "note", "helper"]
        self.popularity = torch.arange(4.0)
        self.neighbours = scipy.sparse.eye(3, format="csr")
        self.note, self.helper = ("k", 7), nn.Linear(1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)


def saved(folder: Path, epoch: int = 0) -> Small:
    model = Small()
    save_checkpoint(folder, "best", model, {"epoch": epoch, "model": "Small"})
    return model


def test_a_loaded_model_scores_the_same(tmp_path: Path) -> None:
    model, other, x = saved(tmp_path, 3), Small(), torch.randn(5, 2)
    other.popularity, other.neighbours, other.note, other.steps = None, None, None, torch.tensor(0)
    helper = other.helper
    facts = load_checkpoint(tmp_path, "best", other, CPU)
    assert torch.equal(model(x), other(x)) and other.steps == 5 and other.note == ("k", 7)
    assert torch.equal(other.popularity, model.popularity)
    np.testing.assert_array_equal(other.neighbours.toarray(), np.eye(3))
    assert other.helper is helper
    assert (facts["epoch"], facts["model"], facts["tensors"]) == (3, "Small", "best-3.safetensors")


def test_only_the_newest_tensors_are_kept(tmp_path: Path) -> None:
    for epoch in (0, 4):
        saved(tmp_path, epoch)
    save_checkpoint(tmp_path, "last", Small(), {"epoch": 5})
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["best-4.safetensors", "best.json", "last-5.safetensors", "last.json"]


def test_as_many_as_asked_for_are_kept(tmp_path: Path) -> None:
    for epoch in (0, 4, 5, 5):
        save_checkpoint(tmp_path, "best", Small(), {"epoch": epoch}, keep=2)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["best-5.1.json", "best-5.1.safetensors", "best-5.json", "best-5.safetensors", "best.json"]
    assert load_checkpoint(tmp_path, "best-5", Small(), CPU)["epoch"] == 5


def test_a_clock_that_goes_back_does_not_change_which_checkpoints_stay(tmp_path: Path) -> None:
    for epoch in range(4):
        save_checkpoint(tmp_path, "best", Small(), {"epoch": epoch}, keep=2)
        os.utime(tmp_path / f"best-{epoch}.safetensors", (100 - epoch, 100 - epoch))
    assert sorted(path.stem for path in tmp_path.glob("*.safetensors")) == ["best-2", "best-3"]


@pytest.mark.parametrize("fails_at", [1, 2], ids=["the tensors", "the description"])
def test_a_full_disk_leaves_the_old_checkpoint(fails_at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, replace, calls = saved(tmp_path, 0), os.replace, []

    def full(source: Any, target: Any) -> None:
        calls.append(target)
        if len(calls) == fails_at:
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(
        ResourceError, match=r"cannot write .* \([\d,]+ bytes\): No space left on device; free some space"
    ):
        saved(tmp_path, 1)
    monkeypatch.undo()
    other, x = Small(), torch.randn(3, 2)
    assert load_checkpoint(tmp_path, "best", other, CPU)["epoch"] == 0
    assert torch.equal(old(x), other(x))
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_write_that_fails_half_way_leaves_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_atomically(tmp_path / "a.txt", b"old")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ResourceError, match=r"cannot write .*a\.txt \(1,500 bytes\)"):
        write_atomically(tmp_path / "a.txt", b"x" * 1500)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.txt", b"old")]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match=r"cannot write .*none/a\.txt.*No such file or directory"):
        write_atomically(tmp_path / "none" / "a.txt", b"x")


def test_a_kill_between_the_two_files_leaves_the_old_pair(tmp_path: Path) -> None:
    saved(tmp_path, 0)
    (tmp_path / "best-1.safetensors").write_bytes(b"half")
    (tmp_path / ".best-1.safetensors.tmp").write_bytes(b"ha")
    assert load_checkpoint(tmp_path, "best", Small(), CPU)["epoch"] == 0


def test_what_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no readable checkpoint .*best\.json: No such file"):
        read_description(tmp_path, "best")
    (tmp_path / "best.json").write_text("{")
    with pytest.raises(DataError, match=r"no readable checkpoint .*best\.json"):
        read_description(tmp_path, "best")
    (tmp_path / "best.json").write_text('{"format": 99}')
    with pytest.raises(DataError, match="has format 99; this version reads format 2, and the earlier 1 unchecked"):
        read_description(tmp_path, "best")
    (tmp_path / "best.json").write_text("[1]")
    with pytest.raises(DataError, match=r"best\.json has format None"):
        read_description(tmp_path, "best")


def test_a_checkpoint_of_another_model(tmp_path: Path) -> None:
    saved(tmp_path)
    with pytest.raises(DataError, match=r"best\.json does not fit the model: size mismatch for layer"):
        load_checkpoint(tmp_path, "best", Small(width=9), CPU)


@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_damaged_tensors_are_told(damage: str, tmp_path: Path) -> None:
    saved(tmp_path)
    tensors = tmp_path / "best-0.safetensors"
    if damage == "missing":
        tensors.unlink()
    else:
        tensors.write_bytes(tensors.read_bytes()[:40])
    with pytest.raises(DataError, match=r"/best-0\.safetensors(: No such file| is damaged: its sha256)"):
        load_checkpoint(tmp_path, "best", Small(), CPU)


def test_every_flipped_bit_is_found(tmp_path: Path) -> None:
    saved(tmp_path)
    for name, n_bits in (("best-0.safetensors", 60), ("best.json", 60)):
        content = (tmp_path / name).read_bytes()
        for bit in np.linspace(0, 8 * len(content) - 1, n_bits).astype(int):
            flipped = bytearray(content)
            flipped[bit // 8] ^= 1 << bit % 8
            (tmp_path / name).write_bytes(flipped)
            with pytest.raises((DataError, UsageError), match=rf"{name}|format|outside"):
                load_checkpoint(tmp_path, "best", Small(), CPU)
        (tmp_path / name).write_bytes(content)
    assert load_checkpoint(tmp_path, "best", Small(), CPU)["epoch"] == 0


def earlier(folder: Path, **changes: Any) -> None:
    """Make `best.json` one of the earlier format, which has no checksums, with other entries."""
    description = json.loads((folder / "best.json").read_text())
    sums = ("sha256", "tensors_sha256", "run")
    kept = {key: value for key, value in description.items() if key not in sums}
    (folder / "best.json").write_text(json.dumps({**kept, "format": 1, **changes}))


def test_a_checkpoint_without_a_checksum_is_read_and_said_to_be_unchecked(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    saved(tmp_path, 3)
    assert load_checkpoint(tmp_path, "best", Small(), CPU)["epoch"] == 3 and not caplog.messages
    earlier(tmp_path)
    assert load_checkpoint(tmp_path, "best", Small(), CPU)["epoch"] == 3
    (message,) = caplog.messages
    assert re.search(r"best\.json is of an earlier version and has no checksum: it is read unchecked", message)


SETTINGS = "# 3 values\nmodel: Small  # derived\nseed: 1  # command line\nrunner: ~  # x\n"


ROWS = '{"format": 1, "sha256": {}, "tables": {"train": {"rows": 7, "sha256": "ab"}}}'


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"config.yaml": SETTINGS.replace("1", "2")}, r"best\.json is of another run: seed was 1 .* is 2 in .*config"),
        ({"config.yaml": SETTINGS.replace("Small", "Big")}, r"of another run: model was 'Small' when it was saved"),
        ({"data.json": ROWS.replace("7", "8")}, r"of another run: its rows were not those of"),
        ({"config.yaml": SETTINGS.replace("command line", "mine.yaml:2")}, ""),
        ({"config.yaml": SETTINGS + "runs_dir: elsewhere  # x\n"}, ""),
    ],
    ids=["another seed", "another model", "other rows", "another origin", "a key that changes no number"],
)
def test_a_checkpoint_of_another_run_is_refused(change: dict[str, str], message: str, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    (tmp_path / "config.yaml").write_text(SETTINGS)
    (tmp_path / "data.json").write_text(ROWS)
    saved(folder)
    for name, text in change.items():
        (tmp_path / name).write_text(text)
    if not message:
        assert load_checkpoint(folder, "best", Small(), CPU)["epoch"] == 0
        return
    with pytest.raises(DataError, match=message):
        load_checkpoint(folder, "best", Small(), CPU)


@pytest.mark.parametrize("named", ["../other.safetensors", "/etc/passwd", "..", "", 7, None, "link.safetensors"])
def test_tensors_lie_in_the_folder_of_their_description(named: object, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    saved(tmp_path / "run")
    (tmp_path / "run" / "best-0.safetensors").rename(tmp_path / "other.safetensors")
    (tmp_path / "run" / "link.safetensors").symlink_to(tmp_path / "other.safetensors")
    earlier(tmp_path / "run", tensors=named)
    with pytest.raises(UsageError, match=r"run: .* lies outside this folder; it is not opened"):
        load_checkpoint(tmp_path / "run", "best", Small(), CPU)


@pytest.mark.parametrize(
    "tree",
    [{}, [], None, {"reduce": "os.system"}, {"tensor": "weights.none"}, {"dict": 7}, {"dict": [[{"plain": []}, {}]]}],
    ids=str,
)
def test_a_damaged_description_is_told(tree: object, tmp_path: Path) -> None:
    saved(tmp_path)
    earlier(tmp_path, other_parameter=tree)
    with pytest.raises(DataError, match=r"best\.json is damaged"):
        load_checkpoint(tmp_path, "best", Small(), CPU)


def test_indices_beyond_a_sparse_matrix_are_refused() -> None:
    tensors = {
        "m.data": torch.ones(1),
        "m.indices": torch.tensor([9], dtype=torch.int32),
        "m.indptr": torch.tensor([0, 1, 1], dtype=torch.int32),
        "c.indices": torch.tensor([[0], [10**9]]),
        "c.values": torch.ones(1),
    }
    with pytest.raises(ValueError, match=r"(column index values|indices) must be < 2"):
        unflatten({"sparse": "m", "shape": [2, 2]}, tensors)
    with pytest.raises(RuntimeError, match="size is inconsistent with indices"):
        unflatten({"coo": "c", "shape": [2, 2]}, tensors)


class _Touch:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_a_pickle_is_never_executed(tmp_path: Path) -> None:
    saved(tmp_path)
    (tmp_path / "evil.pth").write_bytes(pickle.dumps(_Touch(tmp_path / "touched")))
    earlier(tmp_path, tensors="evil.pth")
    with pytest.raises(DataError, match=r"no readable checkpoint .*evil\.pth"):
        load_checkpoint(tmp_path, "best", Small(), CPU)
    assert not (tmp_path / "touched").exists()
