"""Space is asked for where the system can be asked."""

import os
from pathlib import Path

import pytest

from dataset_tools.files.output import reserve


def test_a_system_without_the_call_writes_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    with open(tmp_path / "a", "wb") as file:
        reserve(file, 1000)
        file.write(b"x")
    assert (tmp_path / "a").read_bytes() == b"x"
