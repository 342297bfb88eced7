"""Weights & Biases with the real package, offline: nothing leaves the machine, and its file holds the run."""

import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.pipeline.train import run

pytest.importorskip("wandb", reason="the extra [wandb] is not installed: pip install 'wandb>=0.19'")
BLOCK, HEADER = 32768, 7
"""The file is a log in blocks; each piece has a checksum, a length and a type: whole, first, middle or last."""
WHOLE, FIRST, LAST = 1, 2, 4


def records(path: Path) -> Iterator[bytes]:
    """The records of a `.wandb` file."""
    content, at, parts = path.read_bytes(), HEADER, b""
    while at + HEADER <= len(content):
        if BLOCK - at % BLOCK < HEADER:
            at += BLOCK - at % BLOCK
            continue
        _, length, kind = struct.unpack("<IHB", content[at : at + HEADER])
        parts = (b"" if kind in (WHOLE, FIRST) else parts) + content[at + HEADER : at + HEADER + length]
        at += HEADER + length
        if kind in (WHOLE, LAST):
            yield parts


@pytest.mark.slow
def test_an_offline_run_is_recorded_whole(
    build: Callable[..., tuple[Any, Any, Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from wandb.proto.wandb_internal_pb2 import Record

    for name, value in (("MODE", "offline"), ("CACHE_DIR", tmp_path), ("CONFIG_DIR", tmp_path), ("DATA_DIR", tmp_path)):
        monkeypatch.setenv(f"WANDB_{name}", str(value))
    result = run(build(log_wandb=True, wandb_project="p", log_tensorboard=False)[0])
    folder = Path(result["run_directory"])
    (file,) = folder.glob("wandb/offline-run-*/*.wandb")
    found = []
    for content in records(file):
        found.append(Record())
        found[-1].ParseFromString(content)
    about = next(each.run for each in found if each.HasField("run"))
    assert (about.project, about.display_name) == ("p", folder.name)
    rows = [
        {item.key or "/".join(item.nested_key): item.value_json for item in each.history.item}
        for each in found
        if each.HasField("history")
    ]
    assert len(rows) == 2 and all("valid/ndcg@2" in row and "train/loss" in row for row in rows)
    text = b"".join(path.read_bytes() for path in folder.glob("wandb/**/*") if path.is_file())
    assert os.environ.get("HOME", "/root").encode() + b"/.netrc" not in text
    assert not (folder / "log.txt").read_text().count("does not work")
