import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dataset_tools.describe.validate import validate
from dataset_tools.errors import DataError, UsageError
from dataset_tools.files.atomic import read_columns
from dataset_tools.lines.ranges import newline_ranges
from dataset_tools.split.split import SplitOptions, split
from dataset_tools.times.time_column import TimeColumn

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
        ("1\ta\t5\n", "toy.inter:5: the row has 3 columns, the header has 4: '1\\ta\\t5'"),
        ("1\ta\t5\t102\t9\n", "toy.inter:5: the row has 5 columns, the header has 4: '1\\ta\\t5\\t102\\t9'"),
        ("\ta\t5\t102\n", "toy.inter:5: user_id is empty"),
        ("1\t\t5\t102\n", "toy.inter:5: item_id is empty"),
        ("1\ta\tx\t102\n1\tb\ty\t102\n", "toy.inter:5: rating 'x' is not a number (2 such rows)"),
        ("1\ta\tinf\t102\n", "toy.inter:5: rating 'inf' is not a finite number"),
        ("1\ta\tnan\t102\n", "toy.inter:5: rating 'nan' is not a finite number"),
        ("1\ta\t5\tnan\n", "toy.inter:5: timestamp 'nan' is not a time in seconds since 1970"),
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
        "toy.user:5: the row has 1 columns, the header has 2: '5'",
        "toy.user:4: user_id is empty",
        "toy.user:3: user_id '1' came before",
        "toy.item: no column item_id.",
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
        ("a\te1\nb\te1\n", "e1\tr\tg\n", "toy.link:2: entity_id 'e1' goes with 2 item_ids ('a', 'b'; lines 2, 3)"),
        ("a\te1\na\te2\n", "e1\tr\te2\n", "toy.link:2: item_id 'a' goes with 2 entity_ids ('e1', 'e2'; lines 2, 3)"),
        ("z\te1\n", "e1\tr\tg\n", "no item of toy.inter has an entity: the items are 'a', 'b'"),
        ("a\te1\n", "e2\tr\tg\n", "no item of toy.inter has an entity: the items are 'a', 'b'"),
        ("a\t\n", "e1\tr\tg\n", "toy.link:2: entity_id is empty"),
        ("a\te1\n", "e1\tr\n", "toy.kg:2: the row has 2 columns, the header has 3: 'e1\\tr'"),
        ("a\te1\nz\te1\na\te1\nb\te3\n", "e1\tr\tg\n", None),
    ],
)
def test_a_graph_has_one_entity_per_item(links: str, triples: str, message: str | None, tmp_path: Path) -> None:
    link, graph = "item_id:token\tentity_id:token\n", "head_id:token\trelation_id:token\ttail_id:token\n"
    report = validate(toy(tmp_path, link=link + links, kg=graph + triples))
    assert len(report.errors) == (message is not None)
    assert all(error.startswith(str(message)) for error in report.errors)


@pytest.mark.parametrize("size", [10**6, 1])
def test_bytes_that_are_no_utf_8_are_named_with_their_line(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newline_ranges, "__defaults__", (0, size))
    folder = toy(tmp_path)
    with (folder / "toy.inter").open("ab") as file:
        file.write("1\t\u7535\t5\t102\n".encode("gbk"))
    (folder / "toy.item").write_bytes("item_id:token\na\nb\n\u7535\n".encode("gbk"))
    fault = "the row is not UTF-8; name the encoding of the file, for instance --encoding=gbk or latin-1"
    assert validate(folder).errors == [f"toy.inter:5: {fault}", f"toy.item:4: {fault}"]


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
        UsageError, match=r"no data set there \(expected none/none.inter\).\nCreate one: recbole-data convert"
    ):
        validate(tmp_path / "none")
    (toy(tmp_path) / "toy.inter").write_text("user_id:token\titem_id:int\n")
    with pytest.raises(DataError, match="the header word 'item_id:int' is not field:type"):
        validate(tmp_path / "toy")


def test_real_conversion_is_valid(real: Callable[[str], Path], converted: Any) -> None:
    folder, _ = converted("ml-latest", real("ml-latest-small"), tags=True)
    report = validate(folder)
    assert (report.rows, report.errors, report.warnings) == (100836, [], [])


def bare(tmp_path: Path, rows: list[str], header: str = "user_id:token\titem_id:token\tclock:float") -> Path:
    folder = tmp_path / "bare"
    folder.mkdir()
    (folder / "bare.inter").write_text("\n".join([header, *rows]) + "\n")
    return folder


def test_a_file_without_times_has_a_note_and_no_fault(tmp_path: Path) -> None:
    folder = bare(tmp_path, ["1\ta", "2\tb"], "user_id:token\titem_id:token")
    report = validate(folder)
    assert (report.rows, report.errors, report.warnings) == (2, [], [])
    assert report.notes[0].startswith("bare.inter: no column timestamp; general models need no times, sequence models")
    assert "take the order of the file" in report.notes[0]
    with pytest.raises(DataError, match=r"bare.inter: no column clock; it has user_id, item_id"):
        validate(folder, time_field="clock")


@pytest.mark.parametrize(
    ("times", "errors", "warnings"),
    [
        (["1600000000", "1600000001000", "1600000002"], ["bare.inter:3: clock '1600000001000'"], ["1 rows earlier"]),
        (
            ["1600000000000", "1600000001000"],
            ["bare.inter:2: clock 1600000000000 is not a time .*--time-unit=milli"],
            [],
        ),
        (["1600000000", "86400", "1600000002"], [], ["bare.inter: 1 rows earlier", "1 of 3 times are before 1973"]),
        (["1600000000", "3900000000"], [], ["clock goes to 2093-.*, which is later than today"]),
        (["1600000000"] * 3, [], ["clock is 1600000000 in all 3 rows: no order of events"]),
        (["2020-01-01", "2020-01-02"], ["bare.inter:2: clock '2020-01-01' is a date, .* times FOLDER .*2 such"], []),
        (["1600000000", ""], ["bare.inter:3: clock is empty, and every row needs a time"], []),
        (["1", "2", "3"], [], []),
    ],
)
@pytest.mark.parametrize("size", [10**6, 1])
def test_times_are_judged_as_training_does(
    times: list[str], errors: list[str], warnings: list[str], size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newline_ranges, "__defaults__", (0, size))
    folder = bare(tmp_path, [f"{k}\ta\t{time}" for k, time in enumerate(times)])
    report = validate(folder, time_field="clock")
    for found, expected in ((report.errors, errors), (report.warnings, warnings)):
        assert len(found) == len(expected)
        assert all(re.search(pattern, text) for pattern, text in zip(expected, found, strict=True))
    wrong = read_by_training(folder / "bare.inter")
    assert wrong is None if not errors else errors[0][:13] in str(wrong)


def read_by_training(path: Path) -> DataError | None:
    try:
        read_columns(path, times=TimeColumn("clock"))
    except DataError as error:
        return error
    return None


@pytest.mark.parametrize(
    "body", ["", "\n\n", "1\ta\t5\n", "1\ta\t5\t6\t7\n", "1\ta\tx\t1\n", "1\ta\t\t1\n", "\n1\ta\t5\t6\n"]
)
def test_what_training_reads_is_no_error_and_what_it_refuses_is_one(tmp_path: Path, body: str) -> None:
    folder = toy(tmp_path, body)
    try:
        read_columns(folder / "toy.inter", times=TimeColumn("timestamp"))
        assert validate(folder).errors == []
    except DataError as error:
        assert validate(folder).errors == [str(error).removeprefix(f"{folder}/")]


def test_a_row_without_a_number_is_a_warning(tmp_path: Path) -> None:
    report = validate(toy(tmp_path, GOOD + "9\ta\t\t107\n"))
    assert (report.errors, report.warnings) == ([], ["toy.inter: 1 rows without rating (first: line 5)"])


def test_memory_does_not_grow_with_the_largest_id(tmp_path: Path) -> None:
    rows = [f"{10**12 + k}\t{10**12 - k}\t5\t{100 + k}" for k in range(50)]
    folder = toy(tmp_path, "\n".join(rows) + "\n")
    tracemalloc.start()
    assert validate(folder).errors == []
    assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    tracemalloc.stop()
