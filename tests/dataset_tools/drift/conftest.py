"""Runs of the command on made logs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dataset_tools.drift.drift import drift
from dataset_tools.drift.options import DriftOptions


@pytest.fixture
def compared(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Run the command; returns `drift.json`."""

    def run(past: Path, **options: Any) -> dict[str, Any]:
        engine = options.pop("engine", "local")
        output = options.pop("output", tmp_path / "compared")
        checked = DriftOptions(past, output, overwrite=True, quiet=True, **options)
        return drift(checked, engine, threads=1).numbers

    return run
