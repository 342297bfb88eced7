from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dataset_tools.describe.validate import validate
from dataset_tools.errors import DataError, UsageError
from dataset_tools.lines.ranges import newline_ranges
from dataset_tools.split.split import SplitOptions, split

HEADER = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
GOOD = "1\ta\t5\t100\n2\ta\t4\t100\n1\tb\t5\t101\n"


def toy(tmp_path: Path, text: str = GOOD, **tables: str) -> Path:
    folder = tmp_path / "toy"
    folder.mkdir(exist_ok=True)
    (folder / "toy.inter").write_text(HEADER + text)
    for suffix, content in tables.items():
        (folder / f"toy.{suffix}").write_text(content)
    return folder


def test_a_good_data_set(tmp_path: Path) -> None:
    report = validate(toy(tmp_path, user="user_id:token\n1\n2\n", item="item_id:token\na\nb\n"))
    assert (report.rows, report.errors, report.warnings) == (3, [], [])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\ta\t5\n", "toy.inter: 1 rows without 4 columns (first: line 5)"),
        ("1\ta\t5\t102\t9\n", "toy.inter: 1 rows without 4 columns (first: line 5)"),
        ("\ta\t5\t102\n", "toy.inter: 1 rows with an empty user_id (first: line 5)"),
        ("1\t\t5\t102\n", "toy.inter: 1 rows with an empty item_id (first: line 5)"),
        ("1\ta\tx\t102\n1\tb\t\t102\n", "toy.inter: 2 rows whose rating is not a number (first: line 5)"),
        ("1\ta\tinf\t102\n", "toy.inter: 1 rows whose rating is not finite (first: line 5)"),
        ("1\ta\tnan\t102\n", "toy.inter: 1 rows whose rating is not finite (first: line 5)"),
        ("1\ta\t5\tnan\n", "toy.inter: 1 rows whose timestamp is not finite (first: line 5)"),
        ("1\tb\t5\t101\n", "toy.inter: 1 exact duplicates of an earlier row (first: line 5)"),
    ],
)
@pytest.mark.parametrize("size", [10**6, 1, 25])
def test_each_fault_is_named_with_its_line(
    text: str, message: str, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newline_ranges, "__defaults__", (0, size))
    assert validate(toy(tmp_path, GOOD + text)).errors == [message]


def test_order_is_a_warning(tmp_path: Path) -> None:
    report = validate(toy(tmp_path, GOOD + "9\ta\t5\t7\n"))
    assert report.errors == [] and report.warnings == [
        "toy.inter: 1 rows earlier than the row before them (first: line 5)"
    ]


def test_tables(tmp_path: Path) -> None:
    report = validate(toy(tmp_path, user="user_id:token\tage:token\n1\t2\n1\t3\n\t4\n5\n", item="item:token\na\n"))
    assert report.errors == [
        "toy.user: 1 rows with an user_id that came before (first: line 3)",
        "toy.user: 1 rows with an empty user_id (first: line 4)",
        "toy.user: 1 rows without 2 columns (first: line 5)",
        "toy.item: no field item_id.",
    ]
    assert report.warnings == ["toy.user: 1 ids of the interactions have no row here."]


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        (
            {"item": "item_id:token\tprice:float\na\t1\nb\t-\nc\t?\n"},
            "toy.item:3: price '-' is not a number (2 such rows)",
        ),
        ({"item": "item_id:token\tprice:float\na\t1\nb\tinf\n"}, "toy.item:3: price 'inf' is not a finite number"),
        ({"user": "user_id:token\tage:float\n1\t\u2014\n2\t3\n"}, "toy.user:2: age '\u2014' is not a number"),
        (
            {"vec": "vid:token\tv:float_seq\na\t0.1 0.2\nb\t0.1 x\n"},
            "toy.vec:3: v '0.1 x' holds something that is not a finite number",
        ),
        (
            {"item": "item_id:token\na.0\nb.0\n"},
            "toy.item: none of the 2 ids of the interactions has a row here: item_id is 'a', 'b', ... there and "
            "'a.0', 'b.0', ... here",
        ),
        (
            {"link": "item_id:token\tentity_id:token\na\te\n"},
            "toy.kg is missing, and models that read toy.link need both",
        ),
    ],
)
def test_what_training_refuses_of_the_other_files(tables: dict[str, str], message: str, tmp_path: Path) -> None:
    report = validate(toy(tmp_path, **tables))
    assert report.errors == [message]


def test_a_missing_number_beside_the_interactions_is_none_for_training_too(tmp_path: Path) -> None:
    assert validate(toy(tmp_path, item="item_id:token\tprice:float\na\t\nb\t1e3\n\n")).errors == []


@pytest.mark.parametrize(
    ("links", "triples", "message"),
    [
        ("a\te1\nb\te1\n", "e1\tr\tg\n", "toy.link:2: entity_id 'e1' goes with several item_ids (lines 2, 3)"),
        ("a\te1\na\te2\n", "e1\tr\te2\n", "toy.link:2: item_id 'a' goes with several entity_ids (lines 2, 3)"),
        ("z\te1\n", "e1\tr\tg\n", "toy.link: no row joins an item of the interactions with an entity of toy.kg"),
        ("a\te1\n", "e2\tr\tg\n", "toy.link: no row joins an item of the interactions with an entity of toy.kg"),
        ("a\t\n", "e1\tr\tg\n", "toy.link:2: entity_id '' is empty"),
        ("a\te1\n", "e1\tr\n", "toy.kg: 1 rows without 3 columns (first: line 2)"),
        ("a\te1\nz\te1\na\te1\nb\te3\n", "e1\tr\tg\n", None),
    ],
)
def test_a_graph_has_one_entity_per_item(links: str, triples: str, message: str | None, tmp_path: Path) -> None:
    link, graph = "item_id:token\tentity_id:token\n", "head_id:token\trelation_id:token\ttail_id:token\n"
    report = validate(toy(tmp_path, link=link + links, kg=graph + triples))
    assert report.errors == ([message] if message else [])


@pytest.mark.parametrize("size", [10**6, 1])
def test_bytes_that_are_no_utf_8_are_named_with_their_line(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newline_ranges, "__defaults__", (0, size))
    folder = toy(tmp_path)
    with (folder / "toy.inter").open("ab") as file:
        file.write("1\t\u7535\t5\t102\n".encode("gbk"))
    (folder / "toy.item").write_bytes("item_id:token\na\nb\n\u7535\n".encode("gbk"))
    fault = "1 rows that are not UTF-8; training reads them with --encoding=NAME"
    assert validate(folder).errors == [f"toy.inter: {fault} (first: line 5)", f"toy.item: {fault} (first: line 4)"]


def test_a_cut_data_set_is_checked_as_one(tmp_path: Path) -> None:
    split(SplitOptions(toy(tmp_path, GOOD * 1 + "3\tb\t5\t102\n3\tb\t5\t103\n"), tmp_path, at="102", quiet=True))
    folder = tmp_path / "toy-cut"
    assert validate(folder).rows == 5 and validate(folder).errors == []
    (folder / "toy-cut.test.inter").write_text(HEADER + "1\tb\t5\t101\n1\tc\t5\t99\n")
    report = validate(folder)
    assert report.errors == ["toy-cut.test.inter: 1 exact duplicates of an earlier row (first: line 2)"]
    assert report.warnings == ["toy-cut.test.inter: 1 rows earlier than the row before them (first: line 3)"]


def test_wrong_headers_and_absent_files(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"no data set there \(expected none/none.inter\).\nMake one: recbole-data convert"
    ):
        validate(tmp_path / "none")
    (toy(tmp_path) / "toy.inter").write_text("user_id:token\titem_id:int\n")
    with pytest.raises(DataError, match="line 1 is not a header"):
        validate(tmp_path / "toy")


def test_real_conversion_is_valid(real: Callable[[str], Path], converted: Any) -> None:
    folder, _ = converted("ml-latest", real("ml-latest-small"), tags=True)
    report = validate(folder)
    assert (report.rows, report.errors, report.warnings) == (100836, [], [])
