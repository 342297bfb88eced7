"""Sequences of `user, item` alone, in the order of the file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from recbole_ext.config.config import Config
from recbole_ext.errors import DataError, UsageError
from recbole_ext.pipeline.build import build_trainer
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.pipeline.protocol import protocol_of
from recbole_ext.pipeline.train import run
from recbole_ext.serving.later.evaluate import evaluate_later
from recbole_ext.serving.run import Run
from tests.conftest import write_inter

MakeConfig = Callable[..., Config]
PAIRS = [(f"u{(3 * k) % 7}", f"i{(k // 7 + 2 * ((3 * k) % 7)) % 5}") for k in range(42)]
"""7 users with 6 events each, in turn, and five items."""
NAMES = {"USER_ID_FIELD": "who", "ITEM_ID_FIELD": "what"}
SMALL = {
    "topk": [2],
    "metrics": ["NDCG"],
    "valid_metric": "NDCG@2",
    "train_batch_size": 8,
    "epochs": 1,
    "load_col": None,
    "filter_seen_items": False,
}


@pytest.fixture
def pairs(make_config: MakeConfig, tmp_path: Path) -> Callable[..., Config]:
    """A configuration for PAIRS without times, or for other rows and another header."""

    def make(
        model: str = "SS4Rec", rows: Any = PAIRS, header: str = "user_id:token\titem_id:token", **given: Any
    ) -> Config:
        write_inter(tmp_path, "made", rows, header)
        return make_config(model, tmp_path, **{**SMALL, **given})

    return make


def learned(config: Config) -> tuple[float, dict[str, float], list[list[int]]]:
    """Training loss and test metrics of one epoch, and the events of the first test rows."""
    loaders = build_loaders(config, create_dataset(config))
    trainer = build_trainer(config, loaders)
    trainer.fit(loaders.train, loaders.valid)
    rows = next(iter(loaders.test))[0]
    return trainer.state.train_losses[0], trainer.evaluate(loaders.test), rows["what_list"].tolist()


@pytest.mark.slow
@pytest.mark.parametrize("model", ["SS4Rec", "Mamba4Rec", "SASRec"])
@pytest.mark.parametrize("mode", ["all_positions", "prefix"])
def test_the_order_of_the_file_is_that_of_row_numbers_as_times(
    pairs: Callable[..., Config], model: str, mode: str
) -> None:
    given = {**NAMES, "train_mode": mode, "field_separator": ","}
    if model == "SS4Rec":
        given["use_gaps"] = False
    timed = [(user, item, number) for number, (user, item) in enumerate(PAIRS)]
    lines = [tuple([",".join(map(str, row))]) for row in timed]
    expected = learned(pairs(model, lines, "who:token,what:token,timestamp:float", **given))
    given.pop("use_gaps", None)  # gaps are off without times
    lines = [tuple([",".join(row)]) for row in PAIRS]
    assert learned(pairs(model, lines, "who:token,what:token", **given)) == expected


def test_the_last_event_of_a_user_is_the_last_of_the_file(pairs: Callable[..., Config]) -> None:
    config = pairs("SS4Rec")
    dataset = create_dataset(config)
    loaders = build_loaders(config, dataset)
    names = dataset.field2id_token["item_id"]
    rows = loaders.test._dataset.inter_feat
    users = dataset.field2id_token["user_id"][rows["user_id"].numpy()]
    assert dict(zip(users, names[rows["item_id"].numpy()], strict=True)) == dict(PAIRS)
    assert "timestamp_list" not in next(iter(loaders.train)).interaction


@pytest.mark.parametrize("given", [{}, {"TIME_FIELD": None}, {"protocol": "recbole"}])
def test_the_protocol_names_the_order_of_the_file(pairs: Callable[..., Config], given: dict[str, Any]) -> None:
    config = pairs(**given)
    dataset = create_dataset(config)
    found = protocol_of(config, build_loaders(config, dataset))
    assert (found.order, found.target_time) == ("no times: file order", "target time not known")
    assert protocol_of(config).order == found.order
    warned = any("order of the file" in warning for warning in dataset.ledger.warnings)
    assert warned == ("TIME_FIELD" not in given)  # an empty TIME_FIELD was asked for


def test_times_that_are_there_are_read_unless_the_field_is_empty(pairs: Callable[..., Config]) -> None:
    rows = [(user, item, 99 - number) for number, (user, item) in enumerate(PAIRS)]
    header = "user_id:token\titem_id:token\ttimestamp:float"
    chosen = {"load_col": {"inter": ["user_id", "item_id"]}}  # it adds columns and takes none away
    assert create_dataset(pairs("SS4Rec", rows, header, **chosen)).timed
    dataset = create_dataset(pairs("SS4Rec", rows, header, TIME_FIELD=None))
    assert not dataset.timed and dataset.columns.read == {"inter": ["user_id", "item_id"]}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"protocol": "time_aware"}, r"use_target_time: True \(properties/.*:4\) cannot.*take --protocol=no_time"),
        ({"use_target_time": True}, r"use_target_time: True \(command line\) cannot .* leave it out"),
        ({"sample_weight": "recency", "overweight_factor": 2}, "sample_weight: recency cannot do without it"),
        ({"stages": [{}, {"share": 0.5}]}, "stages: share cannot do without it"),
        ({"eval_args": {"split": {"TS": [8, 1, 1]}}}, "split TS cannot do without it"),
        ({"eval_args": {"split": {"RS": [8, 1, 1]}, "group_by": "none"}}, "split RS over all users cannot do"),
        ({"TIME_FIELD": "when"}, r"no column 'when' \(TIME_FIELD.*\n.*--TIME_FIELD=None"),
        ({"TIME_FIELD": "timestamp"}, r"no column 'timestamp' \(TIME_FIELD.*\n.*--TIME_FIELD=None"),
    ],
)
def test_what_needs_times_is_refused(pairs: Callable[..., Config], given: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=f"(?s){message}"):
        create_dataset(pairs(**given))


def test_an_empty_field_and_a_setting_that_needs_times_contradict_each_other(pairs: Callable[..., Config]) -> None:
    with pytest.raises(UsageError, match="needs the times of events, and TIME_FIELD is empty"):
        create_dataset(pairs(use_target_time=True, TIME_FIELD=None))
    with pytest.raises(UsageError, match="DIEN needs the times of events"):
        create_dataset(pairs("DIEN", TIME_FIELD=None, embedding_size=8))


def test_a_column_that_looks_like_times_is_not_dropped_in_silence(pairs: Callable[..., Config]) -> None:
    rows = [(*row, 5) for row in PAIRS]
    with pytest.raises(DataError, match=r"--TIME_FIELD=created_at; or .*--TIME_FIELD=None"):
        create_dataset(pairs("SS4Rec", rows, "user_id:token\titem_id:token\tcreated_at:float"))
    assert not create_dataset(pairs("SS4Rec", rows, "user_id:token\titem_id:token\tprice:float")).timed
    with pytest.raises(DataError, match="timestamp is of type token"):
        create_dataset(pairs("SS4Rec", rows, "user_id:token\titem_id:token\ttimestamp:token"))


def test_files_of_a_split_have_times_all_or_none(make_config: MakeConfig, tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    parts = {"train": PAIRS[:28], "valid": PAIRS[28:35], "test": PAIRS[35:]}
    given = {**SMALL, "benchmark_filename": list(parts)}
    for part, rows in parts.items():
        lines = ["user_id:token\titem_id:token", *("\t".join(row) for row in rows)]
        (tmp_path / "made" / f"made.{part}.inter").write_text("\n".join(lines) + "\n")
    config = make_config("SS4Rec", tmp_path, **given)
    loaders = build_loaders(config, create_dataset(config))
    assert protocol_of(config, loaders).order == "no times: file order"
    assert [len(part) for part in loaders.parts] == [21, 7, 7]
    lines = ["user_id:token\titem_id:token\ttimestamp:float", *("\t".join([*row, "5"]) for row in PAIRS[:28])]
    (tmp_path / "made" / "made.train.inter").write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match=r"made.valid.inter has no column 'timestamp'"):
        create_dataset(make_config("SS4Rec", tmp_path, **given))
    assert not create_dataset(make_config("SS4Rec", tmp_path, **given, TIME_FIELD=None)).timed


def test_a_run_without_times_is_opened_and_asked(pairs: Callable[..., Config], tmp_path: Path) -> None:
    config = pairs("SS4Rec", baselines=[])
    result = run(config)
    assert result["protocol"]["order"] == "no times: file order"
    (tmp_path / "made" / "made.inter").unlink()  # the stored data are enough
    path = Path(result["run_directory"])
    opened = Run(path)
    table = opened.recommend(["u1"], k=3)
    events = [item for user, item in PAIRS if user == "u1"]
    assert table["item_id"].tolist() == opened.recommend(["u1"], k=3, history=events)["item_id"].tolist()
    with pytest.raises(UsageError, match="the data of this run have no times"):
        opened.recommend(["u1"], k=3, time=5)
    write_inter(tmp_path, "later", PAIRS[:7], "user_id:token\titem_id:token")
    assert evaluate_later(opened.loaded, tmp_path / "later" / "later.inter").rows == 7


def test_one_user_is_enough(pairs: Callable[..., Config]) -> None:
    config = pairs("Mamba4Rec", [("u", f"i{k}") for k in range(5)])
    loaders = build_loaders(config, create_dataset(config))
    batch = next(iter(loaders.train))
    assert batch["item_id_list"].tolist() == [[1, 2]]
    assert torch.isfinite(torch.tensor(build_trainer(config, loaders).train_epoch(loaders.train, 0)))
