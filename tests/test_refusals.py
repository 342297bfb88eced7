"""Errors that RecBole raises on purpose are distinguished from failures inside it and inside this package."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from recbole.data.utils import get_dataloader

from recbole_ext.config.config import Config
from recbole_ext.data import dataset as module
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.refusals import refused_by_recbole
from tests.conftest import write_inter


def caught(call: Callable[[], Any]) -> BaseException:
    with pytest.raises((ValueError, TypeError)) as found:
        call()
    return found.value


def test_a_raise_of_recbole_is_a_refusal_and_a_failure_inside_of_it_is_none() -> None:
    from recbole.utils import get_model

    assert refused_by_recbole(caught(lambda: get_model("NoSuchModel")))  # raise ValueError(...)
    assert not refused_by_recbole(caught(lambda: get_dataloader(None, "train")))  # a subscript of None
    assert not refused_by_recbole(caught(lambda: int("x")))


def test_an_error_of_this_package_is_not_reported_as_a_fault_of_the_data(
    make_config: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_inter(tmp_path, "made", [(f"u{u}", f"i{k}", 10 * k) for u in range(3) for k in range(4)])

    def fails(self: Any, *given: Any) -> None:
        raise ValueError("operands could not be broadcast together")

    monkeypatch.setattr(module.FastFilters, "_remap", fails)
    with pytest.raises(ValueError, match="broadcast"):
        create_dataset(make_config("SASRec", root))
