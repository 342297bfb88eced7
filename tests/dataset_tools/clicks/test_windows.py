"""One row per user and window, with the events strictly before its second."""

from pathlib import Path

import polars as pl
import pytest

from dataset_tools.cli import main
from dataset_tools.clicks.samples import SampleOptions, sample
from dataset_tools.clicks.windows import Log, window_rows
from dataset_tools.errors import DataError, UsageError
from tests.dataset_tools.clicks.skewed_log import films, parts, write


def test_the_last_event_of_each_full_window_is_a_row_if_an_event_is_before_its_second() -> None:
    rows = [(7, 1, 10), (8, 1, 10), (7, 2, 11), (7, 3, 12), (7, 4, 12), (7, 5, 13), (8, 9, 10), (9, 1, 5)]
    table = pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row")
    log = Log.of(table.with_columns(behavior=pl.lit("event")))
    names = log.table["item_id"].to_list()
    by_window = {every: [names[event] for event in window_rows(log, every).event] for every in (2, 3, 4, None)}
    assert by_window == {2: [2, 4], 3: [3], 4: [4], None: [5]}
    assert [int(log.before[event] - log.start[event]) for event in window_rows(log, 2).event] == [1, 2]


@pytest.mark.parametrize(("negatives", "every"), [("uniform", 4), ("popularity", 4), ("matched", 4), ("matched", None)])
def test_a_history_is_all_that_the_user_did_strictly_before_the_second(
    negatives: str, every: int | None, tmp_path: Path
) -> None:
    table = films()
    source = write(tmp_path, table)
    sample(SampleOptions(source, tmp_path / "out", negatives=negatives, every=every, history=9))
    events = table.sort("timestamp", maintain_order=True)
    for row in pl.concat(parts(tmp_path / "out" / f"films-{negatives}")).iter_rows(named=True):
        before = events.filter((pl.col("user_id") == row["user_id"]) & (pl.col("timestamp") < row["timestamp"])).tail(9)
        assert row["item_id_list"] == before["item_id"].to_list()
        assert row["behavior_list"] == [str(rating) for rating in before["rating"]]
        assert row["age_list"] == (row["timestamp"] - before["timestamp"]).to_list()
        own = events.filter((pl.col("user_id") == row["user_id"]) & (pl.col("timestamp") == row["timestamp"]))
        assert (row["item_id"] in own["item_id"]) == bool(row["label"]) or negatives != "matched"


def test_the_same_seed_writes_the_same_bytes_and_the_oldest_rows_are_trained_on(tmp_path: Path) -> None:
    source = write(tmp_path, films(300))
    for name, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        words = [str(source), "--output", str(tmp_path / name), "--negatives", "matched", "--match", "genre"]
        assert main(["sample", *words, "--every", "3", "--seed", seed, "--name", "x"]) == 0
    texts = [
        [(tmp_path / name / "x" / f"x.{part}.inter").read_bytes() for part in ("train", "valid", "test")]
        for name in "abc"
    ]
    assert texts[0] == texts[1] != texts[2]
    found = parts(tmp_path / "a" / "x")
    times = [part["timestamp"] for part in found]
    assert times[0].max() <= times[1].min() and times[1].max() <= times[2].min()
    n = sum(map(len, found))
    assert [len(part) / n for part in found] == pytest.approx([0.8, 0.1, 0.1], abs=0.04)
    uniform = tmp_path / "u"
    sample(SampleOptions(source, uniform, every=3))
    sizes = [len(part) for part in parts(uniform / "films-uniform")]
    assert sizes == [int(sum(sizes) * 0.8), int(sum(sizes) * 0.9) - int(sum(sizes) * 0.8), -(-sum(sizes) // 10)]


@pytest.mark.parametrize("column", ["rating", "behavior", None])
def test_the_rating_is_the_behavior_of_past_events_and_without_any_column_all_are_of_one_kind(
    column: str | None, tmp_path: Path
) -> None:
    table = films().rename({"rating": column}) if column else films().drop("rating")
    sample(SampleOptions(write(tmp_path, table), tmp_path / "out", every=4))
    kinds = set(parts(tmp_path / "out" / "films-uniform")[0]["behavior_list"].explode())
    assert kinds == ({"1", "2", "3", "4", "5"} if column else {"event"})


def test_ids_may_be_text(tmp_path: Path) -> None:
    table = films().with_columns(pl.format("u{}", "user_id").alias("user_id"))
    summary = sample(SampleOptions(write(tmp_path, table), tmp_path / "out", negatives="matched", every=4))
    text = (tmp_path / "out" / "films-matched" / "films-matched.train.inter").read_text().splitlines()
    assert text[1].startswith("u") and summary["parts"]["train"]["rows"] == len(text) - 1


@pytest.mark.slow
def test_a_million_events_take_seconds(tmp_path: Path) -> None:
    import time

    table = pl.concat([films(1000).with_columns(pl.col("user_id") + 1000 * k) for k in range(50)])
    source = write(tmp_path, table)
    started = time.process_time()
    sample(SampleOptions(source, tmp_path / "out", negatives="matched", match="genre", every=10, history=200))
    assert len(table) > 900_000 and time.process_time() - started < 30


def test_what_no_windows_can_be_made_of(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--every 1: a window needs two events or more"):
        SampleOptions(tmp_path, tmp_path, every=1)
    with pytest.raises(UsageError, match=r"--match genre: goes with --negatives matched \(got uniform\)"):
        SampleOptions(tmp_path, tmp_path, match="genre")
    source = write(tmp_path, films().filter(pl.col("user_id") == 1))
    with pytest.raises(DataError, match=r"0 train, 0 valid, 1 test rows of 1 windows; at least 10 are needed"):
        sample(SampleOptions(source, tmp_path / "out", every=20))
    bare = write(tmp_path / "bare", films(), items=False)
    with pytest.raises(DataError, match=r"films.item is missing, so --match genre has no column to read"):
        sample(SampleOptions(bare, tmp_path / "out", negatives="matched", match="genre", every=4))
    (source / "films.inter").write_text("user_id:token\titem_id:token\n1\t2\n")
    with pytest.raises(DataError, match="there is no column timestamp"):
        sample(SampleOptions(source, tmp_path / "out", every=4))
    (source / "films.inter").write_text("user_id:token\titem_id:token\ttimestamp:float\n1\t2\t\n")
    with pytest.raises(DataError, match="1 rows have no timestamp"):
        sample(SampleOptions(source, tmp_path / "out", every=4))
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())
