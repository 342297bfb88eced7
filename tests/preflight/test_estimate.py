from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from recbole_ext.config.config import Config
from recbole_ext.data.loader_view import whole_loader
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.preflight import estimate as estimate_module
from recbole_ext.preflight.estimate import FirstBatches, FirstRows, estimate, lines
from tests.training.conftest import ROWS

TINY = {"MAX_ITEM_LIST_LENGTH": 6, "topk": [2], "valid_metric": "NDCG@2", "train_batch_size": 16, "epochs": 50}


@pytest.mark.parametrize("model", ["SASRec", "BPR"])
def test_an_estimate_has_time_and_memory_and_writes_nothing(
    model: str, make_config: Callable[..., Config], write: Callable[..., Path], tmp_path: Path
) -> None:
    more = {"loss_type": "CE"} if model == "SASRec" else {}
    config = make_config(model, write(tmp_path, "made", ROWS), **TINY, **more)
    found = estimate(config)
    expected = 50 * (found["epoch_seconds"] + found["valid_seconds"])
    assert found["total_seconds"] == pytest.approx(expected) and expected > 0
    assert 0.05 < found["memory_gb"] < 100
    text = "\n".join(lines(config, found))
    assert "all 50 epochs take about" in text and "GB of the process" in text
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("model", ["SASRec", "BPR"])
def test_the_first_batches_are_those_of_the_loader(
    model: str, make_config: Callable[..., Config], write: Callable[..., Path], tmp_path: Path
) -> None:
    config = make_config(
        model, write(tmp_path, "made", ROWS), **TINY, **({"loss_type": "CE"} if model == "SASRec" else {})
    )
    loader = build_loaders(config, create_dataset(config)).train
    part = FirstBatches(loader, 2)
    assert type(whole_loader(part)) is type(loader) and len(part) == len(list(part)) == 2 < len(loader)
    assert len(FirstBatches(loader, 10**6)) == len(loader)


class Clock:
    """A clock that passes measure: so many batches, or a part of one, at seconds per pass and per batch."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, per_pass: float, per_batch: float, seconds: float) -> None:
        self.now, self.amounts = 0.0, list[float]()
        self.per_pass, self.per_batch = per_pass, per_batch
        cut = lambda loader, count, part=1.0: SimpleNamespace(amount=count * part, part=part)  # noqa: E731
        monkeypatch.setattr(estimate_module, "FirstBatches", cut)
        monkeypatch.setattr(estimate_module.time, "perf_counter", lambda: self.now)
        monkeypatch.setattr(estimate_module, "SECONDS", seconds)

    def execute(self, loader: SimpleNamespace) -> None:
        self.amounts.append(loader.amount)
        self.now += self.per_pass + self.per_batch * loader.amount


def test_batches_within_the_time_are_extrapolated_from_several(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, per_pass=0.05, per_batch=3.0, seconds=8.0)
    assert estimate_module._extrapolated(clock.execute, range(100), 20) == pytest.approx(0.05 + 3 * 100)
    assert clock.amounts == [1 / 16, 1 / 16, 1, 2]
    assert estimate_module._extrapolated(clock.execute, [0], 20) == pytest.approx(3.05)
    clock = Clock(monkeypatch, per_pass=0.05, per_batch=3.0, seconds=1000.0)
    estimate_module._extrapolated(clock.execute, range(100), 20)
    assert clock.amounts == [1 / 16, 1 / 16, 1, 20]


def test_a_batch_beyond_the_time_is_extrapolated_from_parts_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, per_pass=1.0, per_batch=16.0, seconds=8.0)
    assert estimate_module._extrapolated(clock.execute, range(100), 20) == pytest.approx(100 * (1 + 16))
    assert clock.amounts == [1 / 16, 1 / 16, 1 / 4]
    clock = Clock(monkeypatch, per_pass=0.0, per_batch=600.0, seconds=4.0)
    assert estimate_module._extrapolated(clock.execute, range(100), 20) == pytest.approx(60_000)
    assert clock.amounts == [1 / 16, 1 / 16] and clock.now < 80


@pytest.mark.parametrize("mode", ["full", "uni2"])
def test_a_part_of_a_batch_holds_its_first_rows(
    mode: str, make_config: Callable[..., Config], write: Callable[..., Path], tmp_path: Path
) -> None:
    root = write(tmp_path, "made", [(f"u{u}", f"i{(u + k) % 9}", k) for u in range(20) for k in range(5)])
    config = make_config(
        "GRU4Rec", root, **{**TINY, "train_batch_size": 40, "loss_type": "CE"}, eval_args={"mode": mode}
    )
    loaders = build_loaders(config, create_dataset(config))
    train, valid = FirstBatches(loaders.train, 1, 0.5), FirstBatches(loaders.valid, 1, 0.5)
    assert len(next(iter(train))) == 10 and train.part == 0.5
    batch, whole = next(iter(valid)), next(iter(loaders.valid))
    if mode == "uni2":  # its rows belong to lists, and it is small
        assert len(batch[0]) == len(whole[0]) and valid.part == 1
        return
    assert (len(batch[0]), valid.part) == (10, 0.5)
    assert batch[2].tolist() == list(range(10)) and set(batch[1][0].tolist()) == set(range(10))


def test_the_first_rows_of_an_evaluation_are_a_few_lists(
    make_config: Callable[..., Config], write: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimate_module, "_FEW_LISTS", 10)
    root = write(tmp_path, "made", [(f"u{u}", f"i{(u + k) % 9}", k) for u in range(20) for k in range(5)])
    config = make_config("GRU4Rec", root, **TINY, loss_type="CE")
    few = FirstRows(build_loaders(config, create_dataset(config)).valid)
    assert len(few) == len(list(few)) == 1 and few.rows == 10
