"""`train_batch_size: auto` gives small data enough steps, and the run records what it took."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.config.config import Config
from recbole_ext.errors import UsageError
from recbole_ext.pipeline.batch_size import rows_per_step
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.pipeline.train import run
from recbole_ext.registry import find_model
from recbole_ext.serving.load import finished_config
from recbole_ext.tasks.registered import task_of

ROWS = [(user, (user + 3 * k) % 12, 1000 * k + user) for user in range(200) for k in range(50)]
SMALL: dict[str, Any] = {"hidden_size": 8, "d_state": 2, "MAX_ITEM_LIST_LENGTH": 6, "epochs": 1, "topk": [10]}

UNKNOWN = {"SS4Rec": ("embedding_size",), "BPR": ("hidden_size",), "HybridVAE": ("topk",), "MDAFMamba": ("topk",)}


@pytest.mark.parametrize(
    ("n_rows", "expected"),
    [(1, 32), (127, 32), (5_000, 32), (9_600, 64), (12_152, 64), (98_000, 512), (262_144, 2048), (10**8, 2048)],
)
def test_the_power_of_two_that_gives_an_epoch_its_steps(n_rows: int, expected: int) -> None:
    assert rows_per_step(n_rows, steps=128, most=2048) == expected


@pytest.mark.parametrize(("steps", "most"), [(8, 8192), (16, 4096), (128, 2048)])
def test_no_size_between_the_bounds_has_fewer_steps_or_could_be_larger(steps: int, most: int) -> None:
    for n_rows in range(32 * steps, most * steps, 997):
        size = rows_per_step(n_rows, steps, most)
        assert n_rows // size >= steps
        assert size == most or n_rows // (2 * size) < steps


def test_the_run_keeps_the_word_and_records_the_number(
    make_config: Callable[..., Config],
    write: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = make_config("Mamba4Rec", write(tmp_path, "made", ROWS), **SMALL)
    result = run(config, ["python"])
    folder = Path(result["run_directory"])
    assert config["train_batch_size"] == "auto"
    assert finished_config(folder)["train_batch_size"] == "auto"  # so that the same command resumes it
    assert json.loads((folder / "result.json").read_text())["train_batch_size"] == 128  # of 9,400 targets
    assert "batches     128 rows, 74 steps per epoch (train_batch_size: auto)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("model", "given"),
    [
        *((model, {}) for model in ("SS4Rec", "BPR", "HybridVAE", "MDAFMamba")),
        ("BPR", {"train_batch_size": "auto"}),
        *(
            pytest.param(model, {"train_batch_size": "auto"}, marks=pytest.mark.slow)
            for model in ("SS4Rec", "HybridVAE", "MDAFMamba")
        ),
    ],
)
def test_a_final_model_takes_the_number(
    make_config: Callable[..., Config],
    write: Callable[..., Path],
    tmp_path: Path,
    model: str,
    given: dict[str, Any],
) -> None:
    rows = [(*row[:2], 1 + sum(row) % 5, row[2]) for row in ROWS[:1500]]
    root = write(tmp_path, "made", rows, "user_id:token\titem_id:token\trating:float\ttimestamp:float")
    small = {"epochs": 1, "topk": [10], "train_batch_size": "auto", "hidden_size": 8, "embedding_size": 4}
    if model == "MDAFMamba":
        small |= {"threshold": {"rating": 4}, "attention_heads": 2}
    known = {key: value for key, value in small.items() if key not in UNKNOWN.get(model, ())}
    first = run(make_config(model, root, **known))
    final = run(make_config(model, root, final_of=first["run_directory"], **given))
    assert final["train_batch_size"] == first["train_batch_size"] >= 32


def test_a_final_model_of_a_run_with_a_number_of_its_own_takes_no_auto(
    make_config: Callable[..., Config], write: Callable[..., Path], tmp_path: Path
) -> None:
    root = write(tmp_path, "made", ROWS[:2000])
    first = run(make_config("Mamba4Rec", root, **SMALL, train_batch_size=48))
    with pytest.raises(UsageError, match=r"train_batch_size \(the run: 48, now: 'auto'\)"):
        make_config("Mamba4Rec", root, final_of=first["run_directory"], train_batch_size="auto")
    assert run(make_config("Mamba4Rec", root, final_of=first["run_directory"]))["train_batch_size"] == 48


@pytest.mark.parametrize("model", ["SS4Rec", "Mamba4Rec", "HybridVAE", "MDAFMamba", "MDAFBST"])
def test_the_settings_explain_the_numbers_of_the_task(model: str) -> None:
    entry = find_model(model)
    text, batches = " ".join(entry.properties.read_text().replace("#", " ").split()), task_of(entry).batches
    assert f"from 32 to {batches.most} that gives an epoch {batches.steps} steps or more" in text


def test_a_given_number_is_kept(make_config: Callable[..., Config], write: Callable[..., Path], tmp_path: Path) -> None:
    config = make_config("Mamba4Rec", write(tmp_path, "made", ROWS), **SMALL, train_batch_size=2048)
    loaders = build_loaders(config, create_dataset(config))
    assert config["train_batch_size"] == 2048
    assert len(loaders.train) == 5


@pytest.mark.parametrize("value", ["automatic", 0, -1, 2.5, True, "[32]"])
def test_another_word_is_refused(
    make_config: Callable[..., Config], write: Callable[..., Path], tmp_path: Path, value: Any
) -> None:
    with pytest.raises(UsageError, match="train_batch_size"):
        make_config("Mamba4Rec", write(tmp_path, "made", ROWS), **SMALL, train_batch_size=value)
