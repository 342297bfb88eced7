"""Rows of a file in the order of keys."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from dataset_tools.files import reorder
from dataset_tools.lines import gather


@pytest.mark.parametrize("n_rows", [1, 2, 37, 400])
@pytest.mark.parametrize("block", [1, 7, 1 << 18])
def test_rows_follow_their_keys_and_ties_their_order(
    n_rows: int, block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gather, "BLOCK_ROWS", block)
    monkeypatch.setattr(reorder, "_BLOCK_BYTES", 3 * block)
    rng = np.random.default_rng(n_rows)
    lines = [f"{n}\t{'é' * int(rng.integers(0, 9))}" for n in range(n_rows)]
    keys = rng.integers(0, max(1, n_rows // 3), n_rows)
    path = tmp_path / "a.inter"
    path.write_text("\n".join(["head:token", *lines]) + "\n", encoding="utf-8")
    written = reorder.reorder_rows(path, keys)
    expected = [lines[n] for n in sorted(range(n_rows), key=lambda n: keys[n])]
    assert path.read_text(encoding="utf-8") == "\n".join(["head:token", *expected]) + "\n"
    assert written.path == path and written.digest.hexdigest() == hashlib.sha256(path.read_bytes()).hexdigest()
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_without_rows_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.inter"
    path.write_text("head:token\n")
    reorder.reorder_rows(path, np.empty(0, np.int64))
    assert path.read_text() == "head:token\n"
