"""Repeated training on several threads: a seed gives the same weights, whichever thread is faster."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import recbole_ext as rx
from recbole_ext.config.config import Config
from recbole_ext.data.loaders import Loaders
from recbole_ext.training.threads import sums_in_order
from recbole_ext.training.trainer import RunTrainer
from tests.conftest import write_inter

Build = Callable[..., tuple[Config, Loaders, RunTrainer]]
CPU = torch.device("cpu")
HEADER = "user_id:token\titem_id:token\ttimestamp:float"
SEQUENTIAL = {"load_col": {"inter": ["user_id", "item_id", "timestamp"]}}


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log whose batches have more numbers than torch gives to one thread (3,000), with items that come often."""
    rng = random.Random(1)
    events = [(user, step) for user in range(90) for step in range(25)]
    rows = [(f"u{user}", f"i{int(90 * rng.random() ** 2)}", 100 * step + user) for user, step in events]
    return write_inter(tmp_path_factory.mktemp("threads"), "made", rows, HEADER)


def weights(root: Path, runs: Path, model: str, **given: Any) -> dict[str, torch.Tensor]:
    places: dict[str, Any] = {
        "data_path": str(root),
        "runs_dir": str(runs),
        "torch_threads": 2,
        "epochs": 2,
        "device": "cpu",
    }
    fixed: dict[str, Any] = {
        "topk": [5],
        "valid_metric": "ndcg@5",
        "metrics": ["NDCG"],
        "show_progress": False,
        "seed": 7,
    }
    run = rx.train(model, "made", **places, **fixed, **given)
    found: dict[str, torch.Tensor] = run.loaded.model.state_dict()
    return found


def same_each_time(model: str, root: Path, runs: Path, **given: Any) -> bool:
    first, *others = (weights(root, runs / str(k), model, **given) for k in range(3))
    return all(torch.equal(first[name], each[name]) for each in others for name in first)


@pytest.mark.slow
@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("model", ["LightGCN", "NGCF", "SGL", "BPR", "MultiVAE"])
def test_models_have_the_same_weights_each_time(model: str, root: Path, tmp_path: Path) -> None:
    assert same_each_time(model, root, tmp_path)


@pytest.mark.slow
@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("model", ["SS4Rec", "Mamba4Rec", "SASRec", "SRGNN", "GRU4RecCPR", "RepeatNet"])
def test_sequential_models_have_the_same_weights_each_time(model: str, root: Path, tmp_path: Path) -> None:
    assert same_each_time(model, root, tmp_path, **SEQUENTIAL)


def test_training_adds_in_order(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    _, loaders, trainer = build(epochs=1)
    found, step = [], trainer.steps.add

    def add(*given: Any) -> Any:
        found.append(torch.are_deterministic_algorithms_enabled())
        return step(*given)

    monkeypatch.setattr(trainer.steps, "add", add)
    trainer.fit(loaders.train, loaders.valid)
    assert found and all(found)
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.usefixtures("two_threads")
def test_rows_read_more_than_once_are_added_in_order() -> None:
    ids, grads = torch.randint(0, 50, (4000,)), torch.randn(4000, 64)

    def gradient() -> bytes:
        table = torch.zeros(50, 64, requires_grad=True)
        (table[ids] * grads).sum().backward()
        assert table.grad is not None
        return table.grad.numpy().tobytes()

    with sums_in_order(CPU):
        assert len({gradient() for _ in range(20)}) == 1


@pytest.mark.parametrize("already", [False, True])
def test_the_setting_of_the_process_is_left_as_it_was(already: bool) -> None:
    settings: Any = torch.utils.deterministic
    torch.use_deterministic_algorithms(already)
    try:
        with sums_in_order(CPU):
            assert torch.are_deterministic_algorithms_enabled()
        with pytest.raises(ValueError, match="by the test"), sums_in_order(CPU):
            raise ValueError("by the test")
        assert torch.are_deterministic_algorithms_enabled() is already
        assert not torch.is_deterministic_algorithms_warn_only_enabled()
        assert settings.fill_uninitialized_memory
        with sums_in_order(torch.device("cuda")):
            assert torch.are_deterministic_algorithms_enabled() is already
    finally:
        torch.use_deterministic_algorithms(False)
