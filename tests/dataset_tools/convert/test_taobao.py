from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dataset_tools.files.yaml_file import has_sampled_negatives
from dataset_tools.split.split import SplitOptions, split

Converted = Callable[..., tuple[Path, dict[str, Any]]]


def read(folder: Path, middle: str = "") -> pl.DataFrame:
    return pl.read_csv(folder / f"{folder.name}{middle}.inter", separator="\t")


def test_real_sample_drops_what_lies_outside_china_time(real: Callable[[str], Path], converted: Converted) -> None:
    folder, summary = converted("taobao", real("taobao-sample"), max_rejected=0.001)
    assert summary["rejected"] == {"time_outside_window": 39} and summary["n_users"] == 929
    times = read(folder)["timestamp:float"]
    assert times.min() >= 1511539200 and times.max() < 1512316800 and times.is_sorted()


@pytest.mark.parametrize("name", ["first_users.csv", "hour_slice_a.csv"])
def test_truly_broken_last_rows_are_listed(name: str, real: Callable[[str], Path], converted: Converted) -> None:
    _, summary = converted("taobao", real(f"taobao-sample/{name}"), max_rejected=0.001)
    assert not summary["last_line_complete"]
    assert summary["rejected"]["too_few_columns" if name == "first_users.csv" else "time_outside_window"] >= 1


def test_each_behaviour_has_its_file_on_request(real: Callable[[str], Path], converted: Converted) -> None:
    folder, summary = converted("taobao", real("taobao-sample"), per_behaviour=True)
    whole = read(folder)
    for behaviour in ("pv", "cart", "fav", "buy"):
        assert read(folder, f".{behaviour}").equals(whole.filter(pl.col("behavior:token") == behaviour))
        assert summary["files"][f"taobao.{behaviour}.inter"] == (whole["behavior:token"] == behaviour).sum()


def test_label_buy_keeps_every_row(real: Callable[[str], Path], converted: Converted) -> None:
    plain, _ = converted("taobao", real("taobao-sample"), name="plain")
    folder, summary = converted("taobao", real("taobao-sample"), label="buy")
    labelled = read(folder)
    assert labelled.columns == [
        "user_id:token",
        "item_id:token",
        "category_id:token",
        "label:float",
        "timestamp:float",
    ]
    assert (labelled["label:float"] == (read(plain)["behavior:token"] == "buy").cast(pl.Int64)).all()
    assert "positive (1): behavior buy" in summary["label"]
    assert "LABEL_FIELD: label" in (folder / "taobao.yaml").read_text()


@pytest.mark.parametrize("negatives", ["uniform", "popularity"])
def test_label_click_draws_one_negative_per_view(
    negatives: str, real: Callable[[str], Path], converted: Converted
) -> None:
    folder, summary = converted("taobao", real("taobao-sample"), label="click", negatives=negatives)
    rows = read(folder)
    positive, negative = rows.gather_every(2), rows.gather_every(2, offset=1)
    assert (positive["label:float"] == 1).all() and (negative["label:float"] == 0).all()
    same = ["user_id:token", "timestamp:float"]
    assert positive[same].equals(negative[same])
    assert (positive["item_id:token"] != negative["item_id:token"]).all()
    assert summary["rows_left_out_on_request"] == 9557 and summary["rows_drawn_as_negatives"] == len(positive)
    counts = positive["item_id:token"].value_counts()
    popularity = dict(counts.iter_rows())
    drawn = sum(popularity.get(item, 0) for item in negative["item_id:token"]) / len(negative)
    clicked = sum(popularity[item] for item in positive["item_id:token"]) / len(positive)
    assert (drawn > 0.8 * clicked) == (negatives == "popularity")


def test_draws_depend_on_the_seed_alone(real: Callable[[str], Path], converted: Converted) -> None:
    texts = [
        converted("taobao", real("taobao-sample"), label="click", seed=seed, name=f"n{at}")[0]
        for at, seed in enumerate((1, 1, 2))
    ]
    bodies = [(folder / f"{folder.name}.inter").read_bytes() for folder in texts]
    assert bodies[0] == bodies[1] != bodies[2]


def test_sample_of_users_keeps_whole_histories(real: Callable[[str], Path], converted: Converted) -> None:
    whole = read(converted("taobao", real("taobao-sample"), name="whole")[0])
    folder, summary = converted("taobao", real("taobao-sample"), sample_users=0.2, seed=3)
    rows = read(folder)
    assert 120 < summary["n_users"] < 260
    assert rows.equals(whole.filter(pl.col("user_id:token").is_in(rows["user_id:token"].unique().implode())))
    other, _ = converted("taobao", real("taobao-sample"), sample_users=0.2, seed=4, name="other")
    assert set(read(other)["user_id:token"]) != set(rows["user_id:token"])


def test_an_item_gets_its_most_frequent_category(made: Callable[..., Path], converted: Converted) -> None:
    lines = [
        "1,7,30,pv,1511544070",
        "2,7,20,pv,1511544071",
        "3,7,20,pv,1511544072",
        "1,8,50,pv,1511544073",
        "1,8,40,pv,1511544074",
    ]
    folder, _ = converted("taobao", made("taobao", "\n".join(lines) + "\n"))
    items = (folder / "taobao.item").read_text().splitlines()
    assert items == ["item_id:token\tcategory_id:token", "7\t20", "8\t40"]
    assert Counter(line.split("\t")[2] for line in (folder / "taobao.inter").read_text().splitlines()[1:])["20"] == 2


def test_drawn_negatives_are_noted_also_after_a_cut(
    made: Callable[..., Path], converted: Converted, tmp_path: Path
) -> None:
    for label, noted in (("click", True), ("buy", False)):
        rows = "".join(f"{k % 3},{k},1,{'buy' if k % 4 == 3 else 'pv'},{1511544000 + k}\n" for k in range(40))
        folder, _ = converted("taobao", made("taobao", rows), label=label, name=label)
        options = SplitOptions(folder, tmp_path / "out", ratio="0.5", quiet=True)
        split(options)
        for path in (folder / f"{label}.yaml", options.target / f"{label}-cut.yaml"):
            assert has_sampled_negatives(path) is noted
    assert not has_sampled_negatives(tmp_path / "no.yaml")
