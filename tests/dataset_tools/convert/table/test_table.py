"""A table with a header and given columns: what is written, what is refused, and what ends the conversion."""

import gzip
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import zstandard

from dataset_tools.convert import runs
from dataset_tools.convert.table.options import TableOptions
from dataset_tools.convert.table.reading import read
from dataset_tools.convert.table.reading.blocks import text_blocks
from dataset_tools.convert.table.table import convert_table
from dataset_tools.convert.table.times_read import read_times
from dataset_tools.errors import DataError, UsageError

HEADER = "customer,sku,mark,bought\n"
ROWS = "u1,a,3,1600000300\nu2,b,4.5,1600000100\nu1,b,1,1600000100\nu1,a,3,1600000200\n"
GIVEN = {"user": "customer", "item": "sku", "rating": "mark", "time": "bought", "time_unit": "s"}
Convert = Callable[..., tuple[Path, dict[str, Any], list[str]]]


@pytest.fixture
def converted(tmp_path: Path) -> Convert:
    """Write a file, convert it, and check that rows add up; the folder, the summary and the sentences."""

    def run(data: str | bytes, name: str = "shop.csv", **options: Any) -> tuple[Path, dict[str, Any], list[str]]:
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        said: list[str] = []
        options = {"quiet": True, "threads": 1, "max_rejected": 1.0, **GIVEN, **options}
        checked = TableOptions((path, *options.pop("more", ())), tmp_path / "out", **options)
        summary = convert_table(checked, said.append)
        assert summary["rows_in"] == (
            summary["rows_out"] + summary["rows_rejected"] + summary["rows_left_out_on_request"]
        )
        assert len(inter(checked.target)) == summary["rows_out"]
        assert len(rejected(checked.target)) == summary["rows_rejected"]
        assert not list((tmp_path / "out").glob(".*"))
        return checked.target, summary, said

    return run


def inter(folder: Path) -> list[str]:
    return (folder / f"{folder.name}.inter").read_text().splitlines()[1:]


def head(folder: Path) -> str:
    return (folder / f"{folder.name}.inter").read_text().splitlines()[0]


def rejected(folder: Path) -> list[str]:
    return (folder / f"{folder.name}.rejected.tsv").read_text().split("\n")[1:-1]


def test_rows_are_sorted_by_time_with_ties_in_file_order(converted: Convert) -> None:
    folder, summary, said = converted(HEADER + ROWS)
    assert head(folder) == "user_id:token\titem_id:token\trating:float\ttimestamp:float"
    assert inter(folder) == [
        "u2\tb\t4.5\t1600000100",
        "u1\tb\t1\t1600000100",
        "u1\ta\t3\t1600000200",
        "u1\ta\t3\t1600000300",
    ]
    assert (summary["n_users"], summary["n_items"], said) == (2, 2, [])
    assert "TIME_FIELD: timestamp" in (folder / "shop.yaml").read_text()
    assert set(summary["sha256_output"]) == {"shop.inter", "shop.yaml", "shop.rejected.tsv"}


def test_rows_that_cannot_be_used_are_listed_with_file_line_and_reason(converted: Convert) -> None:
    bad = {
        "u1,a,3": "too_few_columns",
        "u1,a,3,1600000300,x": "too_many_columns",
        ",a,3,1600000300": "empty_user",
        "u1, ,3,1600000300": "empty_item",
        "u1,a,four,1600000300": "rating_not_a_number",
        "u1,a,,1600000300": "rating_not_a_number",
        "u1,a,NaN,1600000300": "rating_not_finite",
        "u1,a,3,": "empty_time",
        "u1,a,3,yesterday": "time_not_a_time",
        '"u1"x,a,3,1600000300': "bad_quoting",
        '"u1,a,3,1600000300': "bad_quoting",
        '"u\t1",a,3,1600000300': "user_holds_a_tab_or_line_end",
        "u1,a,3,1600000200": "exact_duplicate",
    }
    text = HEADER + ROWS + "\n" + "".join(f"{row}\n" for row in bad)
    folder, summary, _ = converted(text.encode() + b"u\xff,a,3,1600000300\n")
    found = [row.split("\t") for row in rejected(folder)]
    expected = {(str(line), reason) for line, reason in enumerate([*bad.values(), "not_utf8"], 7)}
    assert {(line, reason) for _, line, reason, _ in found} == expected
    assert {file for file, *_ in found} == {"shop.csv"}
    assert summary["rows_in"] == 18 and len(inter(folder)) == 4


def test_a_replacement_character_does_not_hide_a_byte_that_is_no_utf_8(converted: Convert) -> None:
    rows = [b"u1,a\xef\xbf\xbd,3,1600000300\n", b"u1,a\xef\xbf\xbd\xff,3,1600000300\n"]
    folder, _, _ = converted(HEADER.encode() + b"".join(rows))
    assert inter(folder) == ["u1\ta\ufffd\t3\t1600000300"]
    assert [row.split("\t")[1:3] for row in rejected(folder)] == [["3", "not_utf8"]]


def test_too_many_refused_rows_end_the_conversion(converted: Convert, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"(?s)1 of 5 rows rejected .* empty_user 1 \(first: shop.csv line 6\)"):
        converted(HEADER + ROWS + ",a,3,1600000300\n", max_rejected=0.001)
    assert not list((tmp_path / "out").iterdir())


def test_quotes_separators_and_line_ends_within_fields(converted: Convert) -> None:
    text = 'customer;"sku";mark;bought;note\r\n"u;1";"a ""b""";3;1600000300;"one\r\ntwo"\r\n'
    text += 'u2;5" disc;4;1600000100;c:\\x\r\n'
    folder, _, _ = converted(text + "u3;a;x;1;\r\n", keep=("note",))
    assert inter(folder) == ['u2\t5" disc\t4\t1600000100\tc:\\\\x', 'u;1\ta "b"\t3\t1600000300\tone\\ntwo']
    assert head(folder).endswith("note:token") and rejected(folder)[0].split("\t")[:2] == ["shop.csv", "5"]


def test_blocks_of_any_size_give_the_same_records(tmp_path: Path) -> None:
    from dataset_tools.convert.table.reading.source import find_source

    path = tmp_path / "x.csv"
    path.write_text("a,b\n" + "".join(f'"{i}\n""{i}",{"z" * (i % 7)}\n{i},\n' for i in range(40)))
    source = find_source(path, (), "utf-8")
    whole = [(block.line(at), block.text(at)) for block in text_blocks(source) for at in range(len(block))]
    assert len(whole) == 80 and whole[2] == (5, b'"1\n""1",z')
    for size in (1, 5, 64, 333):
        cut = [(block.line(at), block.text(at)) for block in text_blocks(source, size=size) for at in range(len(block))]
        assert cut == whole


def test_many_blocks_and_buckets_give_the_file_of_one(converted: Convert, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"u{at % 17},i{at % 13},{at % 5},{1600000000 + (at * 7919) % 601}" for at in range(3000)]
    folder, summary, _ = converted(HEADER + "\n".join(rows) + "\n")
    once = inter(folder)
    monkeypatch.setattr(runs, "BUCKET_ROWS", 4096)
    monkeypatch.setattr(read, "text_blocks", lambda source, progress: text_blocks(source, progress, 5000))
    folder, again, _ = converted(HEADER + "\n".join(rows) + "\n", overwrite=True)
    assert inter(folder) == once == sorted(once, key=lambda line: int(line.split("\t")[3]))
    assert again == summary and summary["n_users"] == 17


def test_without_times_the_file_gives_the_order_and_repeats_stay(converted: Convert) -> None:
    folder, _, said = converted("customer,sku\nb,1\na,2\nb,1\n", rating="none", time="none", time_unit="")
    assert inter(folder) == ["b\t1", "a\t2", "b\t1"] and head(folder) == "user_id:token\titem_id:token"
    assert said == ["no column of times: the order of the file is the order of the events"]


@pytest.mark.parametrize(
    ("unit", "times", "seconds"),
    [
        ("ms", ("1600000000123", "1600000000120"), ("1600000000.12", "1600000000.123")),
        ("us", ("1600000000000001", "1600000000000000"), ("1600000000", "1600000000.000001")),
        ("ns", ("1600000000000000001", "1600000000000000000"), ("1600000000", "1600000000.000000001")),
        ("s", ("1600000000.5", "1.6e9"), ("1600000000", "1600000000.5")),
        ("iso", ("2020-09-13T14:26:41+02:00", "2020-09-13 12:26:40"), ("1600000000", "1600000001")),
        ("iso", ("2020-09-13T12:26:41.25Z", "2020-09-13"), ("1599955200", "1600000001.25")),
        ("%d/%m/%Y %H:%M", ("13/09/2020 12:27", "13/09/2020 12:26"), ("1599999960", "1600000020")),
        ("%d.%m.%Y", ("14.09.2020", "13.09.2020"), ("1599955200", "1600041600")),
        ("%a %b %d %H:%M:%S %z %Y", ("Sun Sep 13 05:26:41 -0700 2020",) * 2, ("1600000001",)),
        ("%Y-%m-%d %H:%M:%S.%f", ("2020-09-13 12:26:40.9", "2020-09-13 12:26:40"), ("1600000000", "1600000000.9")),
        ("%d.%m.%Y %H:%M:%S:%f", ("13.09.2020 12:26:40:250",) * 2, ("1600000000.25",)),
        ("%Y/%m/%d %H:%M:%S.%f", ("2020/09/13 12:26:40.123456789",) * 2, ("1600000000.123456789",)),
        ("iso", ("2020-09-13T12:26:40.1234567Z",) * 2, ("1600000000.1234567",)),
        ("%Y-%m-%d %H:%M:%S %Z", ("2020-09-13 12:26:41 GMT", "2020-09-13 12:26:40 utc"), ("1600000000", "1600000001")),
        ("%y-%m-%d", ("20-09-13",) * 2, ("1599955200",)),
    ],
)
def test_times_of_every_unit_become_exact_seconds(
    unit: str, times: tuple[str, str], seconds: tuple[str, ...], converted: Convert
) -> None:
    text = HEADER + "".join(f"u,a,3,{time}\n" for time in times)
    folder, summary, _ = converted(text, time_unit=unit)
    assert tuple(row.split("\t")[3] for row in inter(folder)) == seconds
    assert summary["first_timestamp"] == int(seconds[0].partition(".")[0])


def test_times_that_do_not_fit_their_format_are_refused(converted: Convert) -> None:
    text = HEADER + "u,a,3,2020-09-13 12:26:40 UTC\n" * 2 + "u,a,3,2020-09-13 12:26:40 CET\n" * 2
    with pytest.raises(UsageError, match="bought '2020-09-13 12:26:40 CET' does not fit it; %Z reads UTC, GMT and Z"):
        converted(text, time_unit="%Y-%m-%d %H:%M:%S %Z")
    folder, _, _ = converted(HEADER + "u,a,3,2020-09-13\nu,b,3,20-09-13\n", time_unit="%Y-%m-%d")
    assert [row.split("\t")[2] for row in rejected(folder)] == ["time_not_a_time"]


def test_decimal_times_keep_their_fractions() -> None:
    exact = pl.Series([Decimal("1600000000.123"), None]).cast(pl.Decimal(20, 3))
    seconds, fractions, _, good = read_times(exact, "s")
    assert (seconds[0], fractions[0], good.tolist()) == (1_600_000_000, 123 * 10**15, [True, False])


def test_several_files_are_one_table(converted: Convert, tmp_path: Path) -> None:
    more = tmp_path / "b.csv"
    more.write_text("bought,sku,extra,mark,customer\n1600000000,z,,2,u9\n1600000001,z,,x,u9")
    folder, summary, _ = converted(HEADER + ROWS, more=(more,))
    assert inter(folder)[0] == "u9\tz\t2\t1600000000" and summary["rows_in"] == 6
    assert rejected(folder)[0].split("\t")[:3] == ["b.csv", "3", "rating_not_a_number"]
    assert summary["files_without_a_last_line_end"] == ["b.csv"] and len(summary["sha256_input"]) == 2
    more.write_text("bought,sku\n1600000000,z\n")
    with pytest.raises(DataError, match=r"b.csv: no column customer, mark, which .*shop.csv has"):
        converted(HEADER + ROWS, more=(more,), overwrite=True)


@pytest.mark.parametrize("name", ["shop.csv.gz", "shop.csv.zst"])
def test_packed_files(name: str, converted: Convert) -> None:
    pack = gzip.compress if name.endswith("gz") else zstandard.compress
    folder, summary, _ = converted(pack((HEADER + ROWS).encode()), name)
    assert folder.name == "shop" and summary["rows_out"] == 4
    with pytest.raises(DataError, match="not a complete"):
        converted(pack((HEADER + ROWS).encode())[:-12], name, overwrite=True)


BAD = {
    "no header": (ROWS, {}, UsageError, r"a row and no header, it holds '3'.*\n?.*--columns COLUMN1,COLUMN2"),
    "a column twice": ("customer,sku,sku\nu,a,b\n", {}, DataError, "'sku' occurs twice in the header"),
    "empty": ("", {}, DataError, "the file is empty"),
    "blank": ("\n\n", {}, DataError, "the file is empty"),
    "a header alone": (HEADER, {}, DataError, "a header and no rows"),
    "one column": ("customer\nu\n", {}, DataError, "one column, 'customer'"),
    "no text": (b"a\0b,c\n", {}, DataError, "no text"),
    "a zip": (b"PK\x03\x04rest", {}, DataError, "no text"),
    "no rows left": (HEADER + ROWS, {"rows": "mark > 9"}, DataError, "no row is left: of 4, --rows 'mark > 9' leaves"),
    "an unknown column": (HEADER + ROWS, {"user": "buyer"}, UsageError, "--user buyer: no such column; there are cust"),
    "an unknown kept one": (HEADER + ROWS, {"keep": ("x",)}, UsageError, "--keep x: no such column"),
    "an unknown rule": (HEADER + ROWS, {"rows": "mark ~ 3"}, UsageError, "--rows 'mark ~ 3': write COLUMN OPERATOR"),
    "an unknown unit": (HEADER + ROWS, {"time_unit": "days"}, UsageError, "--time-unit days: allowed are s, ms"),
    "another unit": (HEADER + ROWS, {"time_unit": "ms"}, DataError, "shop.csv:2: bought .* --time-unit=seconds"),
    "two units": (
        HEADER + ROWS + "u1,a,3,1600000200000\n", {}, DataError,
        "shop.csv:6: bought '1600000200000' is not a time in seconds since 1970, unlike the others",
    ),
    "an unknown encoding": (HEADER + ROWS, {"encoding": "utf-9"}, UsageError, "--encoding utf-9: not an encoding"),
    "a json array": ('[{"customer": 1}]\n', {"name": "x.json"}, DataError, "one json array; json lines are needed"),
    "user and item": (HEADER + ROWS, {"item": "customer"}, UsageError, "both are customer"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence_and_nothing_is_written(case: str, converted: Convert, tmp_path: Path) -> None:
    data, options, kind, message = BAD[case]
    options = dict(options)
    name = options.pop("name", "shop.csv")
    with pytest.raises(kind, match=message) as caught:
        converted(data, name, **options)
    assert len(str(caught.value).splitlines()) <= 3
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_a_line_without_an_end_is_not_held_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataset_tools.convert.table.reading import blocks, source

    monkeypatch.setattr(blocks, "MAX_RECORD_BYTES", 1 << 16)
    path = tmp_path / "shop.csv"
    path.write_text(HEADER + "x" * (1 << 18))
    with pytest.raises(DataError, match=r"shop.csv:2: more than 16 MiB without a line end"):
        list(text_blocks(source.find_source(path, (), "utf-8"), size=1 << 14))


def test_a_folder_and_a_missing_file(tmp_path: Path) -> None:
    for path, message in ((tmp_path, "a folder; name the files in it"), (tmp_path / "no.csv", "no such file")):
        with pytest.raises(UsageError, match=message):
            convert_table(TableOptions((path,), tmp_path / "out", quiet=True))
