"""A cut of a small file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dataset_tools.split.split import SplitOptions, split
from tests.dataset_tools.split.toy import ROWS, Rows, write


@pytest.fixture
def cut(tmp_path: Path) -> Callable[..., tuple[Path, dict[str, Any]]]:
    def run(rows: Rows = ROWS, **options: Any) -> tuple[Path, dict[str, Any]]:
        source = options.pop("source", None) or write(tmp_path / "in", rows)
        checked = SplitOptions(source, tmp_path / "out", overwrite=True, quiet=True, **options)
        return checked.target, split(checked)

    return run
