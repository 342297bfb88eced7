import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from dataset_tools.cli import main
from dataset_tools.clicks.log import read_log
from dataset_tools.clicks.samples import SampleOptions, draw, sample
from dataset_tools.errors import DataError, UsageError


def log(n_users: int = 60, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    rows = [
        (user, int(rng.integers(1, 50)), str(rng.choice(["pv", "cart", "fav", "buy"])), int(rng.integers(1000)))
        for user in range(1, n_users + 1)
        for _ in range(rng.integers(1, 12))
    ]
    return pl.DataFrame(rows, schema=["user_id", "item_id", "behavior", "timestamp"], orient="row")


@pytest.fixture
def converted(tmp_path: Path) -> Path:
    folder = tmp_path / "log"
    folder.mkdir()
    header = "user_id:token\titem_id:token\tbehavior:token\ttimestamp:float\n"
    (folder / "log.inter").write_text(header + log().write_csv(separator="\t", include_header=False))
    items = "".join(f"{i}\t{i % 7}\n" for i in range(1, 50))
    (folder / "log.item").write_text("item_id:token\tcategory_id:token\n" + items)
    return folder


@pytest.mark.parametrize("negatives", ["uniform", "popularity"])
def test_a_sample_is_the_last_event_or_another_item_at_its_second(negatives: str) -> None:
    table = log()
    drawn = draw(table, negatives, seed=3, history=4)
    counts = dict(table.group_by("user_id").len().iter_rows())
    assert sorted(drawn["user_id"]) == sorted(user for user, count in counts.items() if count > 1)
    assert drawn["timestamp"].is_sorted()
    assert 0.2 < drawn["label"].mean() < 0.8
    for row in drawn.iter_rows(named=True):
        events = (
            table.filter(pl.col("user_id") == row["user_id"]).sort("timestamp", maintain_order=True).rows(named=True)
        )
        assert (row["item_id"] == events[-1]["item_id"]) == bool(row["label"])
        assert row["timestamp"] == events[-1]["timestamp"]
        before = events[:-1][-4:]
        assert row["item_id_list"] == " ".join(str(e["item_id"]) for e in before)
        assert row["behavior_list"] == " ".join(e["behavior"] for e in before)
        assert row["age_list"] == " ".join(str(row["timestamp"] - e["timestamp"]) for e in before)


@pytest.mark.slow
def test_the_seed_decides_and_popular_items_are_drawn_often() -> None:
    table = pl.concat([log(400)] + [log(400).with_columns(item_id=pl.lit(7, pl.Int64))] * 3)
    drawn = {name: draw(table, name, 1, 5) for name in ("uniform", "popularity")}
    assert drawn["uniform"].equals(draw(table, "uniform", 1, 5))
    assert not drawn["uniform"].equals(draw(table, "uniform", 2, 5))
    assert drawn["uniform"]["label"].equals(drawn["popularity"]["label"])
    often = log(400).vstack(log(400, seed=1).with_columns(item_id=pl.lit(7, pl.Int64))).sort("timestamp")
    share = {n: draw(often, n, 1, 5).filter(pl.col("label") == 0)["item_id"].eq(7).mean() for n in drawn}
    assert share["popularity"] > 3 * share["uniform"]


@pytest.mark.parametrize("negatives", ["uniform", "popularity"])
def test_an_item_that_nearly_every_row_has_still_gets_negatives(negatives: str) -> None:
    rows = [(user, 7, "pv", 100 + k) for user in range(200) for k in range(30)] + [
        (0, item, "pv", 1) for item in (5, 9)
    ]
    table = pl.DataFrame(rows, schema=["user_id", "item_id", "behavior", "timestamp"], orient="row")
    drawn = draw(table, negatives, seed=3, history=4)
    assert 0.35 < drawn["label"].mean() < 0.65
    assert ((drawn["item_id"] == 7) == (drawn["label"] == 1)).all()
    assert set(drawn["item_id"]) == {5, 7, 9}


@pytest.mark.parametrize("negatives", ["uniform", "popularity"])
def test_a_row_of_the_user_s_own_item_is_a_click(negatives: str) -> None:
    rows = [(user, 7, "pv", 100 + k) for user in range(30) for k in range(3)]
    table = pl.DataFrame(rows, schema=["user_id", "item_id", "behavior", "timestamp"], orient="row")
    assert draw(table, negatives, seed=3, history=4)["label"].to_list() == [1] * 30


def test_users_are_split_by_the_time_of_their_sample(converted: Path, tmp_path: Path) -> None:
    assert main(["sample", str(converted), "--output", str(tmp_path / "out"), "--negatives", "popularity"]) == 0
    folder = tmp_path / "out" / "log-popularity"
    parts = [
        pl.read_csv(folder / f"log-popularity.{part}.inter", separator="\t", infer_schema_length=1000)
        for part in ("train", "valid", "test")
    ]
    times = [part["timestamp:float"] for part in parts]
    assert times[0].max() <= times[1].min() and times[1].max() <= times[2].min()
    users = [set(part["user_id:token"]) for part in parts]
    assert not users[0] & users[1] and not users[1] & users[2] and not users[0] & users[2]
    summary = json.loads((folder / "log-popularity.summary.json").read_text())
    assert [part["rows"] for part in summary["parts"].values()] == [len(part) for part in parts]
    assert "alias_of_item_id: [item_id_list]" in (folder / "log-popularity.yaml").read_text()
    assert (folder / "log-popularity.item").read_bytes() == (converted / "log.item").read_bytes()


def test_what_cannot_be_sampled(converted: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--negatives all: unknown; allowed: uniform, popularity, matched"):
        SampleOptions(converted, tmp_path, negatives="all")
    with pytest.raises(UsageError, match="--history 0: at least one event"):
        SampleOptions(converted, tmp_path, history=0)
    (converted / "log.inter").write_text("user_id:token\titem_id:token\ttimestamp:float\tlabel:float\n1\t2\t3\t1\n")
    with pytest.raises(DataError, match="its rows have labels, some of sampled items; convert the log without --label"):
        sample(SampleOptions(converted, tmp_path / "out"))
    header = "user_id:token\titem_id:token\tbehavior:token\ttimestamp:float\n"
    (converted / "log.inter").write_text(header + "1\t2\tpv\t3\n1\t3\tpv\t4\n")
    with pytest.raises(DataError, match="1 users have two events or more; three parts need at least 10"):
        sample(SampleOptions(converted, tmp_path / "out"))
    (converted / "log.inter").write_text(header + "1\t2\tpv\t3.5\n")
    with pytest.raises(DataError, match="not read as columns with whole seconds as times"):
        sample(SampleOptions(converted, tmp_path / "out"))


EVERY = pytest.mark.parametrize("every", [None, 2])


def histories(folder: Path, rows: list[str], every: int | None) -> tuple[set[str], set[str], set[str]]:
    """Users, items and items of histories in a sample of 20 times the rows `item behavior time` of one user."""
    text = "".join(f"{user:04}\t{row}\n" for user in range(20) for row in rows)
    (folder / "log.inter").write_text("user_id:token\titem_id:token\tbehavior:token\ttimestamp:float\n" + text)
    sample(SampleOptions(folder, folder / "out", every=every))
    texts = [part.read_text().splitlines()[1:] for part in (folder / "out").rglob("*.inter")]
    table = [line.split("\t") for lines in texts for line in lines]
    return {row[0] for row in table}, {row[1] for row in table}, {item for row in table for item in row[4].split()}


@EVERY
def test_ids_with_leading_zeros_stay_as_they_are(every: int | None, converted: Path) -> None:
    users, items, past = histories(converted, ["0012\tpv\t1", "12\tpv\t2", "001\tpv\t3", "-0\tpv\t4"], every)
    assert users == {f"{user:04}" for user in range(20)}
    assert items | past == {"0012", "12", "001", "-0"}


@EVERY
@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("Dota 2\tpv\t1", r"item_id 'Dota 2' holds a blank \(20 such rows\)(.|\n)*such as 'Dota_2'"),
        ("7\tadd to cart\t1", "behavior 'add to cart' holds a blank"),
        ("7\t\t1", "20 rows have no behavior; fill it in, or remove these rows"),
        ("\tpv\t1", "20 rows have no item_id"),
    ],
)
def test_what_is_no_single_element_of_a_history_is_refused(
    row: str, message: str, every: int | None, converted: Path
) -> None:
    with pytest.raises(DataError, match=message):
        histories(converted, [row, "8\tpv\t2", "9\tpv\t3"], every)


def test_the_name_of_a_log_is_no_pattern(converted: Path) -> None:
    header = "user_id:token\titem_id:token\ttimestamp:float\n"
    (converted / "log[1].inter").write_text(f"{header}7\t8\t9\n")
    (converted / "log1.inter").write_text(f"{header}1\t2\t3\n")
    assert read_log(converted / "log[1].inter").row(0) == (7, 8, "event", 9)
