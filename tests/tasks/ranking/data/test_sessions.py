"""Files whose rows bring their histories along, as session data comes: no times, and often no user that returns."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from recbole_ext.config.config import Config
from recbole_ext.errors import DataError, UsageError
from recbole_ext.pipeline.build_model import build_model
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.pipeline.train import run
from tests.conftest import write_inter

HEADER = "visit:token\tsku_list:token_seq\tsku:token"
SETTINGS: dict[str, Any] = {
    "USER_ID_FIELD": "visit",
    "ITEM_ID_FIELD": "sku",
    "benchmark_filename": ["train", "valid", "test"],
    "topk": [2],
    "metrics": ["NDCG"],
    "valid_metric": "NDCG@2",
    "loss_type": "CE",
}


def write_parts(root: Path, rows: list[tuple[Any, ...]], header: str = HEADER) -> Path:
    for name in ("train", "valid", "test"):
        write_inter(root, "visits", [(f"{name}{visit}", *rest) for visit, *rest in rows], header)
        (root / "visits" / "visits.inter").rename(root / "visits" / f"visits.{name}.inter")
    return root


@pytest.fixture
def loaders(make_config: Callable[..., Config], tmp_path: Path) -> Callable[..., Any]:
    def make(model: str, rows: list[tuple[Any, ...]], **given: Any) -> Any:
        config = make_config(model, write_parts(tmp_path, rows), "visits", **{**SETTINGS, **given})
        return build_loaders(config, create_dataset(config))

    return make


ROWS = [(n, f"a b c{n % 3}", "abcd"[n % 4]) for n in range(12)]


@pytest.mark.parametrize("model", ["GRU4Rec", "SASRec", "Mamba4Rec", "NARM"])
def test_rows_with_histories_are_targets_in_either_mode(loaders: Callable[..., Any], model: str) -> None:
    found = [loaders(model, ROWS, train_mode=mode).train._dataset for mode in ("all_positions", "prefix")]
    rows = [part[torch.arange(len(part))].interaction for part in found]
    assert all(torch.equal(rows[0][name], rows[1][name]) for name in rows[0])
    assert len(found[0]) == 12


def test_items_of_a_history_are_the_items(loaders: Callable[..., Any]) -> None:
    part = loaders("GRU4Rec", ROWS).train._dataset
    tokens = part.field2id_token["sku"]
    assert [tokens[i] for i in part[torch.arange(1)]["sku_list"][0] if i] == ["a", "b", "c0"]
    assert part.columns.line() == "user visit, item sku, history sku_list"


def test_the_newest_items_of_a_long_history_are_kept(loaders: Callable[..., Any]) -> None:
    rows = [(n, " ".join(f"i{k}" for k in range(9)), "i0") for n in range(4)]
    part = loaders("SASRec", rows, MAX_ITEM_LIST_LENGTH=3).train._dataset
    tokens = part.field2id_token["sku"]
    assert [tokens[i] for i in part[torch.arange(1)]["sku_list"][0]] == ["i6", "i7", "i8"]
    assert part[torch.arange(1)]["item_length"].tolist() == [3]


@pytest.mark.parametrize(
    ("model", "rows", "given", "message"),
    [
        ("SS4Rec", ROWS, {"use_target_time": True}, "no column 'timestamp' "),
        ("SASRec", [*ROWS, (99, "", "a")], {}, "3 rows have an empty sku_list"),
        ("SASRec", ROWS, {"USER_ID_FIELD": "user_id"}, r"no column 'user_id' .*\n.*USER_ID_FIELD="),
        ("SASRec", ROWS, {"benchmark_filename": None}, "visits.inter is missing"),
    ],
)
def test_what_histories_lack_is_named_before_training(
    loaders: Callable[..., Any], model: str, rows: Any, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        loaders(model, rows, **given)


TIMED = f"{HEADER}\ttimestamp_list:float_seq\ttimestamp:float"


@pytest.fixture
def timed(make_config: Callable[..., Config], tmp_path: Path) -> Callable[..., Any]:
    """The training split of SS4Rec on rows (visit, items, item, times, time)."""

    def make(rows: list[tuple[Any, ...]]) -> Any:
        config = make_config("SS4Rec", write_parts(tmp_path, rows, TIMED), "visits", **SETTINGS)
        return build_loaders(config, create_dataset(config)).train._dataset

    return make


def test_times_of_a_history_are_whole_seconds(timed: Callable[..., Any]) -> None:
    start = 1_700_000_001  # float32 holds multiples of 128 there
    times = [[start], [start, start + 1], [start, start + 1, start + 3]]
    rows = [(n, " ".join("abc"[: len(t)]), "d", " ".join(map(str, t)), start + 4) for n, t in enumerate(times)]
    batch = timed(rows)[torch.arange(3)]
    assert batch["timestamp_list"].dtype == torch.int64
    assert batch["timestamp_list"].tolist() == [t + [0] * (3 - len(t)) for t in times]


def test_histories_without_any_times_have_no_gaps(loaders: Callable[..., Any]) -> None:
    part = loaders("SS4Rec", ROWS).train._dataset
    assert not part.timed
    assert build_model(part.config, part).step_settings.use_gaps is False


def test_rows_with_times_need_those_of_their_histories(make_config: Callable[..., Config], tmp_path: Path) -> None:
    header = f"{HEADER}\ttimestamp:float"
    config = make_config("SS4Rec", write_parts(tmp_path, [(*row, 5) for row in ROWS], header), "visits", **SETTINGS)
    message = r"visits.train.inter has no column 'timestamp_list' \(TIME_FIELD and LIST_SUFFIX\), which SS4"
    with pytest.raises(DataError, match=message):
        create_dataset(config)


def test_a_time_of_a_history_that_is_none_is_named(timed: Callable[..., Any]) -> None:
    with pytest.raises(DataError, match=r"visits: row 1: timestamp_list 'noon' is not a number"):
        timed([(n, "a b", "c", "1700000000 noon", 1_700_000_009) for n in range(4)])


def test_one_file_of_sessions_is_told_to_be_cut(make_config: Callable[..., Config], tmp_path: Path) -> None:
    write_inter(tmp_path, "visits", ROWS, HEADER)
    config = make_config("GRU4Rec", tmp_path, "visits", **{**SETTINGS, "benchmark_filename": None})
    with pytest.raises(DataError, match=r"bring their histories along \(sku_list\).*write visits.train.inter"):
        create_dataset(config)


def test_stages_need_events(make_config: Callable[..., Config], tmp_path: Path) -> None:
    stages = [{"epochs": 1, "share": 1.0}, {"epochs": 1, "share": 0.5}]
    root = write_parts(tmp_path, ROWS)
    config = make_config("GRU4Rec", root, "visits", **{**SETTINGS, "stages": stages, "runs_dir": str(tmp_path)})
    with pytest.raises(UsageError, match="stages: the rows of visits have histories of their own"):
        run(config)
