"""Compiled models."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from recbole_ext.config.config import Config
from recbole_ext.errors import UsageError
from recbole_ext.pipeline.build import build_on_device
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from tests.training.conftest import ROWS, SIZES


def built(make_config: Callable[..., Config], root: Path, **given: Any) -> tuple[Any, Any]:
    """A tiny model and its first training batch."""
    config = make_config("Mamba4Rec", root, **SIZES, **given)
    loaders = build_loaders(config, create_dataset(config))
    return build_on_device(config, loaders), next(iter(loaders.train))


def test_a_model_is_compiled_in_the_mode_of_its_key(
    make_config: Callable[..., Config],
    write: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen: list[dict[str, Any]] = []
    monkeypatch.setattr(torch, "compile", lambda forward, **named: seen.append(named) or forward)
    root = write(tmp_path, "made", ROWS)
    built(make_config, root)
    assert seen == [] and "torch_compile" not in caplog.text
    built(make_config, root, torch_compile=True, torch_compile_mode="max-autotune")
    assert seen == [{"dynamic": True, "mode": "max-autotune"}]
    assert "the first batches take minutes on a CPU" in caplog.text


def test_other_modes_are_refused(
    make_config: Callable[..., Config], write: Callable[..., Path], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="torch_compile_mode must be one of default, reduce-overhead"):
        make_config("Mamba4Rec", write(tmp_path, "made", ROWS), torch_compile=True, torch_compile_mode="fast")


@pytest.mark.slow
def test_only_scans_cut_the_graph_of_a_compiled_model(
    make_config: Callable[..., Config], write: Callable[..., Path], tmp_path: Path
) -> None:
    """Each piece between two cuts costs a C++ compiler on a CPU; dropout and the choice of a back end cut none."""
    model, batch = built(make_config, write(tmp_path, "made", ROWS))
    found = torch._dynamo.explain(model.train().forward)(model.read(batch))
    reasons = [str(each.reason) for each in found.break_reasons]
    assert [reason for reason in reasons if "disable" not in reason] == []
    assert found.graph_count <= 5, reasons  # around the convolution and the scan of its one block
