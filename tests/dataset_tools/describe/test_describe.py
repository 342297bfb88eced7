import re
from argparse import Namespace
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataset_tools.describe.alerts import Alert
from dataset_tools.describe.charts import Bars, picture
from dataset_tools.describe.describe import describe
from dataset_tools.describe.described import Described, TopItem, shown, text_table
from dataset_tools.describe.report import page, sentence, write_page
from dataset_tools.describe.summary import SummaryJob, gap_counts, summarise_range
from dataset_tools.describe.totals import Totals
from dataset_tools.errors import DataError
from dataset_tools.lines.ranges import newline_ranges

NAMES = st.sampled_from(["1", "2", "x", "ü", "007"])
HEADER = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"


def toy(tmp_path: Path, text: str, name: str = "toy") -> Path:
    (tmp_path / name).mkdir(exist_ok=True)
    (tmp_path / name / f"{name}.inter").write_text(HEADER + text)
    return tmp_path / name


def test_hand_computed_numbers(tmp_path: Path, fields: Namespace) -> None:
    rows = "1\ta\t5\t100\n2\ta\t4\t100\n1\tb\t5\t100\n1\tc\t3\t86500\n2\tb\t5\t86501\n"
    numbers = describe(toy(tmp_path, rows), fields).numbers
    assert numbers == {
        "name": "toy", "rows": 5, "users": 2, "items": 3, "density": 5 / 6,
        "first": "1970-01-01T00:01:40Z", "last": "1970-01-02T00:01:41Z", "days": 1.0,
        "history length": {"min": 2, "25%": 2.25, "median": 2.5, "75%": 2.75, "max": 3, "mean": 2.5},
        "rows per item": {"min": 1, "25%": 1.5, "median": 2, "75%": 2, "max": 2, "mean": 1.67},
        "gaps of 0 s within a user": round(1 / 3, 6), "gaps of a day or more": 0.0,
        "neighbours with one time": 0.5, "rows out of time order": 0, "rating": {"3": 1, "4": 1, "5": 3},
    }  # fmt: skip


def test_gap_bins_are_powers_of_two() -> None:
    assert gap_counts(np.array([0, 1, 2, 3, 4, 7, 8, -5]))[:5].tolist() == [1, 1, 2, 2, 1]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(NAMES, st.integers(0, 9), st.integers(0, 99)), min_size=1))
def test_ranges_add_up_to_the_whole(tmp_path: Path, rows: list[tuple[str, int, int]]) -> None:
    path = toy(tmp_path, "".join(f"{u}\t{i}\t3\t{t}\n" for u, i, t in rows)) / "toy.inter"
    found = []
    for size in (10**6, 40, 1):
        totals = Totals()
        for part in newline_ranges(path, len(HEADER), size):
            names = ("user_id", "item_id", "timestamp")
            totals.add(summarise_range(SummaryJob(part, path, names, "rating")))
        counts = totals.user_rows[totals.user_rows > 0].tolist()
        by_name = dict(zip(totals.user_ids.tokens(np.flatnonzero(totals.user_rows)), counts, strict=True))
        found.append(
            (totals.rows, totals.ties, totals.disorder, totals.backwards, totals.first, totals.last,
             totals.gaps.tolist(), totals.hours, totals.values, by_name,
             sorted(totals.item_rows[totals.item_rows > 0]), totals.repeats.fractions, totals.midnight,
             sorted(totals.user_begin[totals.user_rows > 0]), sorted(totals.item_begin[totals.item_rows > 0]))
        )  # fmt: skip
    assert found[0] == found[1] == found[2]
    assert found[0][9] == dict(pl.Series([row[0] for row in rows]).value_counts().iter_rows())


def test_real_ml_1m(real: Callable[[str], Path], converted: Any, fields: Namespace) -> None:
    folder, _ = converted("ml-1m", real("ml-1m/ratings_users_1_2999.dat.gz"))
    numbers = describe(folder, fields).numbers
    table = pl.read_csv(folder / "ml-1m.inter", separator="\t", new_columns=["u", "i", "r", "t"])
    gaps = table.select(pl.col("t").diff().over("u").drop_nulls())["t"]
    assert (numbers["users"], numbers["rows"]) == (table["u"].n_unique(), table.height)
    assert numbers["gaps of 0 s within a user"] == round((gaps == 0).mean(), 6) > 0.5
    assert numbers["rating"] == {str(r): n for r, n in table["r"].value_counts().sort("r").iter_rows()}


def test_too_many_values_are_no_histogram(tmp_path: Path, fields: Namespace) -> None:
    described = describe(toy(tmp_path, "".join(f"1\t2\t{n / 7:.5f}\t{n}\n" for n in range(99))), fields)
    assert "rating" not in described.numbers and len(described.bars) == 4


def test_values_are_not_cut(tmp_path: Path, fields: Namespace) -> None:
    described = describe(toy(tmp_path, "1\t1\tadd_to_cart\t5\n1\t2\tadd_to_wishlist\t6\n1\t3\t1000000000\t7\n"), fields)
    assert described.numbers["rating"] == {"1000000000": 1, "add_to_cart": 1, "add_to_wishlist": 1}


def test_no_rows(tmp_path: Path, fields: Namespace) -> None:
    with pytest.raises(DataError, match="no rows"):
        describe(toy(tmp_path, ""), fields)


def test_numbers_for_people() -> None:
    assert [shown(value) for value in (1234567, 0.25, 3.0, "x", {"a": 1}, 0.0)] == [
        "1,234,567",
        "0.25",
        "3",
        "x",
        "a 1",
        "0",
    ]
    assert text_table(Described("d", {"rows": 5}, [])) == "rows                        5"


class Checker(HTMLParser):
    """Collects tags and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]


def test_page_is_one_file_without_network_or_script(tmp_path: Path, fields: Namespace) -> None:
    name = "<script>alert(1)</script>&"
    alert, item = Alert("few", 3, name, name), TopItem(name, name, 3, 1.0)
    bars = Bars(name, ['"><b>', "b"], [3, 0], name, name)
    evil = Described(name, {"name": name, "rows": 3, name: {name: 1}}, [bars], [alert], [item])
    text = page([evil, evil])
    checker = Checker()
    checker.feed(text)
    assert "script" not in checker.tags and checker.tags.count("b") == 2 and checker.links == []
    assert not re.search(r"https?://|@import|url\(", text) and "width=device-width" in text
    write_page(tmp_path / "p.html", [describe(toy(tmp_path, "1\t2\t3\t4\n1\t2\t3\t4000000000\n"), fields)])
    assert (tmp_path / "p.html").stat().st_size < 1_000_000 and not (tmp_path / "p.html.part").exists()
    assert Checker.__doc__ and (tmp_path / "p.html").read_text().count("<svg") == 5


def test_options_in_sentences_are_not_broken_over_lines() -> None:
    found = sentence("<use> split --future warm, or (--filter_seen_items=False)")
    assert found == ("&lt;use&gt; split <code>--future warm</code>, or (<code>--filter_seen_items=False</code>)")


def test_bars_are_as_high_as_their_counts() -> None:
    heights = [
        float(h) for h in re.findall(r'<rect [^>]*height="([0-9.]+)"', picture(Bars("t", list("abc"), [4, 2, 0])))
    ]
    assert heights == [150.0, 75.0, 0.0]


def test_values_with_one_beginning_are_counted_apart(tmp_path: Path, fields: Namespace) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    kinds = ["add_to_cart", "add_to_wishlist", "view", "purchase", "purchase"]
    rows = "".join(f"u\t{k}\t{kind}\t{1_600_000_000 + k}\n" for k, kind in enumerate(kinds))
    (folder / "shop.inter").write_text("user_id:token\titem_id:token\tbehavior:token\ttimestamp:float\n" + rows)
    found = describe(folder, fields).numbers["behavior"]
    assert found == {"add_to_cart": 1, "add_to_wishlist": 1, "purchase": 2, "view": 1}
