"""The time column of training: exact order, units, and rows that cannot be times."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataset_tools.times.clocks import UNITS
from dataset_tools.times.time_column import TimeColumn
from recbole_ext.config.config import Config
from recbole_ext.data.atomic import read_atomic
from recbole_ext.errors import DataError
from recbole_ext.pipeline.checks import CHOICES
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders

HEADER = "user_id:token\titem_id:token\ttimestamp:float"


def read(tmp_path: Path, times: list[str], unit: str = "seconds", **options: Any) -> tuple[list[str], list[int]]:
    """Items, named by the line they stand on, and seconds, as they are read."""
    path = tmp_path / "made.inter"
    path.write_text("\n".join([HEADER, *(f"u\tline{k + 2}\t{time}" for k, time in enumerate(times))]) + "\n")
    frame, _ = read_atomic(path, times=TimeColumn("timestamp", unit, **options))
    return frame["item_id"].astype(str).tolist(), frame["timestamp"].tolist()


def test_the_units_are_those_of_the_data_tools() -> None:
    assert CHOICES["time_unit"] == tuple(UNITS)


def test_rows_of_one_second_are_put_in_the_order_of_its_fractions(tmp_path: Path) -> None:
    times = ["1600000001.5", "1600000000.75", "1600000001.25", "1600000000.750", "1600000000", "1600000001"]
    items, seconds = read(tmp_path, times)
    by_second = {s: [i for i, t in zip(items, seconds, strict=True) if t == s] for s in set(seconds)}
    assert by_second == {
        1600000000: ["line6", "line3", "line5"],  # .75 and .750 are one number and keep the order of the file
        1600000001: ["line7", "line4", "line2"],
    }
    assert seconds == [1600000001, 1600000000, 1600000001, 1600000000, 1600000000, 1600000001]


def test_more_digits_than_a_float_has_keep_their_order(tmp_path: Path) -> None:
    times = ["1600000000.123456789012345679", "1600000000.123456789012345678", "16000000001234567890e-10"]
    assert read(tmp_path, times)[0] == ["line4", "line3", "line2"]
    assert len({float(time) for time in times}) == 1


@pytest.mark.parametrize("seed", range(5))
def test_the_order_is_that_of_exact_numbers(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    times = [f"{rng.integers(-3, 4)}.{rng.integers(0, 1000):03d}" for _ in range(60)]
    items, seconds = read(tmp_path, times)
    ordered = [items[k] for k in np.argsort(seconds, kind="stable")]
    exact = sorted(range(60), key=lambda k: (Decimal(times[k]), k))
    assert ordered == [f"line{k + 2}" for k in exact]


@pytest.mark.parametrize("unit", list(UNITS)[1:])
def test_another_unit_becomes_seconds_exactly(tmp_path: Path, unit: str) -> None:
    later, sooner = 1_600_000_000 * UNITS[unit] + UNITS[unit] - 1, 1_600_000_000 * UNITS[unit] + 1
    items, seconds = read(tmp_path, [str(later), str(sooner)], unit)
    assert (items, seconds) == (["line3", "line2"], [1_600_000_000, 1_600_000_000])
    with pytest.raises(DataError, match=f"made.inter:2: .*seems to count {unit} .*--time_unit={unit}"):
        read(tmp_path, [str(later), str(sooner)])


def test_a_unit_that_the_column_does_not_count_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="seems to count seconds since 1970, and not milliseconds"):
        read(tmp_path, ["1600000000", "1600000100"], "milliseconds")


@pytest.mark.parametrize("stranger", ["1600000000000", "-99999999999", "6e10", "1600000000000.5"])
def test_a_row_in_another_unit_is_refused_by_its_line(tmp_path: Path, stranger: str) -> None:
    times = [str(1_600_000_000 + k) for k in range(9)]
    with pytest.raises(DataError, match=r"made.inter:6: timestamp '.*' is not a time in seconds since 1970, unlike"):
        read(tmp_path, [*times[:4], stranger, *times[4:]])


@pytest.mark.parametrize("odd", ["0", "-1", "1345382", "5000000000"])
def test_a_suspicious_row_is_told_by_its_line_and_stays(tmp_path: Path, odd: str) -> None:
    said: list[str] = []
    times = ["1600000000", odd, "1600000001", "1600000002"]
    assert read(tmp_path, times, report=said.append)[1][1] == int(odd)
    assert len(said) == 1 and said[0].startswith("1 of 4 times are before 1973") and "made.inter:3" in said[0]


@pytest.mark.parametrize("times", [["0", "1", "2"], ["-5", "-4"], ["881250949", "881250950"]])
def test_a_clock_of_any_start_is_no_fault(tmp_path: Path, times: list[str]) -> None:
    said: list[str] = []
    assert read(tmp_path, times, report=said.append)[1] == [int(time) for time in times]
    assert said == []


@pytest.mark.parametrize("date", ["2020-01-01", "2020-01-01T10:00:00Z", "2020-01-01 10:00:00.5", "31.12.2020 10:00"])
def test_a_date_is_no_number_and_the_tool_is_named(tmp_path: Path, date: str) -> None:
    with pytest.raises(DataError, match=r"made.inter:2: timestamp '.*' is a date.*dataset_tools times"):
        read(tmp_path, [date])


def test_last_targets_are_the_newest_by_fractions(
    make_config: Callable[..., Config], tmp_path: Path, write: Any
) -> None:
    """General and sequence models test each user's newest row, whatever the order of the file."""
    rows = [(u, item, f"1600000000.{f}") for u in "vw" for item, f in (("d", 75), ("b", 25), ("c", 5), ("a", 0))]
    rows += [("x", item, 1500000000 + k) for k, item in enumerate("efg")]
    root = write(tmp_path, "made", rows)
    last = {"split": {"LS": "valid_and_test"}, "order": "TO", "group_by": "user"}
    for model in ("SASRec", "BPR"):
        config = make_config(model, root, topk=[1], metrics=["Hit"], valid_metric="Hit@1", eval_args=last)
        dataset = create_dataset(config)
        test = build_loaders(config, dataset).test._dataset
        found = sorted(dataset.id2token("item_id", int(i)) for i in test.inter_feat["item_id"])
        assert found == ["d", "d", "g"]


@pytest.mark.parametrize(("keep", "kept"), [("first", "b"), ("last", "d")])
def test_repeated_pairs_are_judged_in_that_order(
    make_config: Callable[..., Config], tmp_path: Path, write: Any, keep: str, kept: str
) -> None:
    """Among 40 rows of one second, so that an unstable sort would mix them."""
    fillers = [("v", f"f{k}", 1600000000) for k in range(40)]
    rows = [("u", "x", "1600000000.75", "d"), *((*row, "f") for row in fillers), ("u", "x", "1600000000.25", "b")]
    root = write(tmp_path, "made", rows, f"{HEADER}\tmark:token")
    columns = {"load_col": {"inter": ["user_id", "item_id", "timestamp", "mark"]}}
    dataset = create_dataset(make_config("BPR", root, rm_dup_inter=keep, **columns))
    marks = [dataset.id2token("mark", int(m)) for m in dataset.inter_feat["mark"]]
    assert [mark for mark in marks if mark != "f"] == [kept]
    assert dataset.ledger.losses[0].setting == f"rm_dup_inter={keep}"


def test_times_in_milliseconds_train_as_seconds(make_config: Callable[..., Config], tmp_path: Path, write: Any) -> None:
    rows = [("u", k, 1_600_000_000_000 + 250 * (7 - k)) for k in range(8)]
    root = write(tmp_path, "made", rows)
    dataset = create_dataset(make_config("SASRec", root, time_unit="milliseconds"))
    dataset.build()
    assert dataset.events["timestamp"].tolist() == [1_600_000_000] * 4 + [1_600_000_001] * 4
    items = [int(dataset.id2token("item_id", int(i))) for i in dataset.events["item_id"]]
    assert items == [7, 6, 5, 4, 3, 2, 1, 0]
