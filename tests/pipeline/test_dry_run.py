from collections.abc import Callable
from pathlib import Path

import pytest

from recbole_ext.cli.main import main
from recbole_ext.config.config import Config
from recbole_ext.data.loader_view import whole_loader
from recbole_ext.pipeline import dry_run as dry_run_module
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.dry_run import FirstBatches, dry_run
from recbole_ext.pipeline.loaders import build_loaders
from tests.training.conftest import ROWS

TINY = {"MAX_ITEM_LIST_LENGTH": 6, "topk": [2], "valid_metric": "NDCG@2", "train_batch_size": 16, "epochs": 50}


@pytest.mark.parametrize("model", ["SASRec", "BPR"])
def test_a_dry_run_tells_time_and_memory_and_writes_nothing(
    model: str, make_config: Callable[..., Config], write: Callable[..., Path], tmp_path: Path
) -> None:
    more = {"loss_type": "CE"} if model == "SASRec" else {}
    estimate = dry_run(make_config(model, write(tmp_path, "made", ROWS), **TINY, **more))
    expected = 50 * (estimate["epoch_seconds"] + estimate["valid_seconds"])
    assert estimate["total_seconds"] == pytest.approx(expected) and expected > 0
    assert 0.05 < estimate["memory_gb"] < 100
    assert not (tmp_path / "runs").exists()


def test_a_dry_run_on_the_command_line(
    write: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "made", ROWS)
    given = TINY | {"data_path": tmp_path, "device": "cpu", "load_col": "{inter: [user_id, item_id, timestamp]}"}
    assert main(["--model=BPR", "--dataset=made", "--dry_run", *(f"--{k}={v}" for k, v in given.items())]) == 0
    estimate = capsys.readouterr().out
    assert (
        "dry run of BPR on made, on cpu" in estimate
        and "all 50 epochs take about" in estimate
        and "GB of the process" in estimate
    )


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


def test_slow_batches_are_extrapolated_from_two(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, batches = [0.0], []

    def execute(loader: list[int]) -> None:
        batches.append(len(loader))
        clock[0] += 1.0 + 3.0 * len(loader)  # a second per pass, three per batch

    monkeypatch.setattr(dry_run_module, "FirstBatches", lambda loader, count: loader[:count])
    monkeypatch.setattr(dry_run_module.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(dry_run_module, "SECONDS", 8.0)
    assert dry_run_module._extrapolated(execute, list(range(100)), 20) == pytest.approx(1 + 3 * 100)
    assert batches == [1, 1, 2]
    assert dry_run_module._extrapolated(execute, [0], 20) == pytest.approx(4)
    monkeypatch.setattr(dry_run_module, "SECONDS", 1000.0)
    batches.clear()
    dry_run_module._extrapolated(execute, list(range(100)), 20)
    assert batches == [1, 1, 20]


def test_batches_beyond_the_time_are_extrapolated_from_one(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, batches = [0.0], []

    def execute(loader: list[int]) -> None:
        batches.append(len(loader))
        clock[0] += 60.0 * len(loader)

    monkeypatch.setattr(dry_run_module, "FirstBatches", lambda loader, count: loader[:count])
    monkeypatch.setattr(dry_run_module.time, "perf_counter", lambda: clock[0])
    assert dry_run_module._extrapolated(execute, list(range(100)), 20) == pytest.approx(6000)
    assert batches == [1, 1]
