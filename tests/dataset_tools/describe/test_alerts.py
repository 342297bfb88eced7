"""Each rule finds what was planted, says it in numbers, and is silent on a log without it."""

import re
import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dataset_tools.cli import main
from dataset_tools.describe import repeats
from dataset_tools.describe.describe import describe
from dataset_tools.describe.described import Described
from dataset_tools.files.headers import Column
from dataset_tools.files.titles import read_titles, title_column
from dataset_tools.lines.ranges import newline_ranges

Rows = list[tuple[str, str, float, int]]
START = 1_500_000_000
HEADER = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"


def plain() -> Rows:
    """60 users with 100 rows each of 100 items, all of them from the first day on, an hour or more apart."""
    random = np.random.default_rng(7)
    rows = [
        (f"u{user}", f"i{item}", float(random.integers(1, 6)), START + 3671 * place * 60 + 61 * user)
        for user in range(60)
        for place, item in enumerate(random.permutation(100))
    ]
    return sorted(rows, key=lambda row: row[3])


def described(folder: Path, rows: Rows, fields: Namespace, name: str = "toy") -> Described:
    """The description of rows."""
    (folder / name).mkdir(exist_ok=True)
    lines = (f"{user}\t{item}\t{rating}\t{moment}\n" for user, item, rating, moment in rows)
    (folder / name / f"{name}.inter").write_text(HEADER + "".join(lines))
    return describe(folder / name, fields)


def late(rows: Rows, column: int) -> Rows:
    """From four fifths on, half of the rows have an id that was not there before."""
    start = len(rows) * 4 // 5
    new = [list(row) for row in rows]
    for place in range(start, len(rows), 2):
        new[place][column] = f"new{place % 40}"
    return [tuple(row) for row in new]  # type: ignore[misc]


def every(rows: Rows, step: int, moment: Callable[[int], int]) -> Rows:
    """Other times in every so many rows."""
    return [(*row[:3], moment(row[3]) if place % step == 0 else row[3]) for place, row in enumerate(rows)]


PLANTED: dict[str, tuple[Callable[[Rows], Rows], str]] = {
    "new_users": (lambda rows: late(rows, 0), r"^5\d\.\d% of the rows from .* \(the last 20%\) are by users"),
    "new_items": (lambda rows: late(rows, 1), r"^5\d\.\d% of the rows from .* are of items"),
    "one_time": (lambda rows: every(rows, 1, lambda _: START), r"all 6,000 rows have the time 2017-07-14T02:40:00Z"),
    "shared_seconds": (lambda rows: every(rows, 1, lambda at: at // 10**6 * 10**6), r"% of a user's events share"),
    "order_of_items": (
        lambda rows: sorted(every(rows, 1, lambda at: at // 10**6 * 10**6), key=lambda row: (row[3], row[1])),
        r"come in the same order in 100\.0% of cases, 50% by chance",
    ),
    "whole_days": (lambda rows: every(rows, 1, lambda at: at // 86400 * 86400), r"^100\.0% of the times are midnight"),
    "strange_clock": (lambda rows: [*rows, ("u1", "i1", 3.0, int(time.time()) + 10**8)], "the last time is 20.*later"),
    "burst": (
        lambda rows: every(rows, 2, lambda at: START + at % 80000),
        r"^49\.0% of the rows are of one day, 2017-",
    ),
    "few": (lambda rows: rows[:4000], r"4,000 rows, 60 users and 100 items"),
    "copies": (lambda rows: [*rows, *rows[-60:]], r"^0\.99% of the rows repeat"),
    "again": (lambda rows: [*rows, *((*row[:3], row[3] + 10**7) for row in rows[:600])], r"^9\.1% of the rows"),
    "short_users": (
        lambda rows: [*rows, *((f"x{n}", "i3", 2.0, START) for n in range(20))],
        r"25\.0% of the users .*25",
    ),
    "rare_items": (
        lambda rows: [*rows, *(("u3", f"x{n}", 2.0, START + n) for n in range(300))],
        r"^75\.0% of the items",
    ),
    "top_items": (
        lambda rows: [row if place % 3 == 0 else (row[0], "i0", *row[2:]) for place, row in enumerate(rows)],
        r"^6\d\.\d% of the rows are of the first hundredth",
    ),
    "heavy_user": (
        lambda rows: [*rows, *(("bot", f"i{n % 100}", 2.0, START + 97 * n) for n in range(12_000))],
        "one user has 12,000 rows, 66.7% of all and 120 times the median",
    ),
    "one_value": (lambda rows: [(*row[:2], 4.0, row[3]) for row in rows], r"^rating is 4\.0 in all rows"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_planted_is_found(name: str, tmp_path: Path, fields: Namespace) -> None:
    planted, text = PLANTED[name]
    found = {alert.name: alert for alert in described(tmp_path, planted(plain()), fields).alerts}
    assert re.search(text, found[name].found), found[name].found


def test_shared_seconds_in_an_order_of_each_user_are_no_order_of_items(tmp_path: Path, fields: Namespace) -> None:
    rows = every(plain(), 1, lambda at: at // 10**6 * 10**6)
    names = {alert.name for alert in described(tmp_path, rows, fields).alerts}
    assert "shared_seconds" in names and "order_of_items" not in names


def test_shared_seconds_are_counted_in_order_of_time_however_the_file_is_sorted(
    tmp_path: Path, fields: Namespace
) -> None:
    rows = every(plain(), 1, lambda at: at // 10**6 * 10**6)
    by_time = {alert.name: alert.value for alert in described(tmp_path, rows, fields).alerts}
    by_item = {a.name: a.value for a in described(tmp_path, sorted(rows, key=lambda row: row[1]), fields).alerts}
    assert by_item["shared_seconds"] == by_time["shared_seconds"] == pytest.approx(1 - 24 / 99, abs=0.05)


def test_shared_seconds_of_a_file_that_is_read_in_pieces(
    tmp_path: Path, fields: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = sorted(every(plain(), 1, lambda at: at // 10**6 * 10**6), key=lambda row: row[1])
    whole = described(tmp_path, rows, fields)
    monkeypatch.setattr(newline_ranges, "__defaults__", (0, 4096))
    pieces = described(tmp_path, rows, fields)
    assert len(newline_ranges(tmp_path / "toy" / "toy.inter")) > 20
    assert "shared_seconds" in {alert.name for alert in whole.alerts} and pieces.alerts == whole.alerts


def test_a_plain_log_has_no_alerts(tmp_path: Path, fields: Namespace) -> None:
    assert described(tmp_path, plain(), fields).alerts == []


@pytest.mark.parametrize("rows", [1, 2, 3], ids=["one row", "two rows", "three rows"])
def test_the_smallest_logs(rows: int, tmp_path: Path, fields: Namespace) -> None:
    names = {alert.name for alert in described(tmp_path, plain()[:rows], fields).alerts}
    assert "few" in names and "short_users" in names


def test_a_sample_of_users_stands_for_all(tmp_path: Path, fields: Namespace, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = plain()
    rows += [(*row[:3], row[3] + 10**7) for row in np.random.default_rng(3).permutation(np.array(rows, object))[::5]]
    monkeypatch.setattr(repeats, "MOST_ROWS", 4000)
    (alert,) = (each for each in described(tmp_path, rows, fields).alerts if each.name == "again")
    assert alert.value == pytest.approx(1 / 6, abs=0.03) and alert.found.endswith("(of one user in 3)")


def test_a_log_without_times(tmp_path: Path, fields: Namespace) -> None:
    (tmp_path / "toy.inter").write_text(
        "user_id:token\titem_id:token\n" + "".join(f"{u}\t{u % 7}\n" for u in range(60))
    )
    found = describe(tmp_path / "toy.inter", fields)
    assert [alert.name for alert in found.alerts][:2] == ["no_times", "few"]
    assert "first" not in found.numbers and len(found.bars) == 2


def test_parts_are_compared_with_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = late(plain(), 1)
    (tmp_path / "toy").mkdir()
    for part, begin, end in (("train", 0, 4000), ("valid", 4000, 4800), ("test", 4800, 6000)):
        lines = "".join("\t".join(map(str, row)) + "\n" for row in rows[begin:end])
        (tmp_path / "toy" / f"toy.{part}.inter").write_text(HEADER + lines)
    main(["describe", str(tmp_path / "toy"), "--quiet", "--json", str(tmp_path / "numbers.json")])
    train, valid, test = capsys.readouterr().out.split("\n\n")
    assert "! 50.0% of the rows are of items that training does not have" in test and "few" not in test
    assert "!" not in valid and "earlier row" not in train
    assert '"name": "new_items"' in (tmp_path / "numbers.json").read_text()


def test_titles_are_found_by_the_names_that_people_use(tmp_path: Path) -> None:
    def of(*names: str) -> str | None:
        return title_column([Column("id", "token"), *(Column(name, "token_seq") for name in names)], "id")

    assert [of("genre", "movie_title"), of("brand_name", "title"), of("genre"), of("username")] == [
        "movie_title",
        "title",
        None,
        None,
    ]
    path = tmp_path / "toy.item"
    path.write_text("id:token\ttitle:token_seq\n1\tThe <b>One</b>\n2\t\n3\tThree\n")
    assert read_titles(path, "id", ["1", "2"]) == {"1": "The <b>One</b>"}
    assert read_titles(tmp_path / "none.item", "id", ["1"]) == read_titles(path, "sku", ["1"]) == {}
