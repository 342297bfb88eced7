"""Columns and units that are guessed or chosen, nested values, tables of users and items."""

import datetime
import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dataset_tools.cli import main
from dataset_tools.convert import runs
from dataset_tools.convert.table import item_lists, log, scan, text_runs
from dataset_tools.convert.table.id_kinds import kinds_in
from dataset_tools.convert.table.options import TableOptions
from dataset_tools.convert.table.reading.blocks import text_blocks
from dataset_tools.convert.table.reading.source import find_source
from dataset_tools.convert.table.row_choice import row_choice
from dataset_tools.convert.table.table import convert_table
from dataset_tools.convert.table.values import as_list, is_number_column
from dataset_tools.errors import DataError, UsageError


def convert(path: Path, **options: Any) -> tuple[list[str], dict[str, Any], list[str]]:
    """Lines of the `.inter` file with the header, the summary, and the sentences."""
    said: list[str] = []
    options = {"threads": 1, "quiet": True, "overwrite": True, **options}
    checked = TableOptions((path,), path.parent / "out", **options)
    summary = convert_table(checked, said.append)
    return (checked.target / f"{checked.target.name}.inter").read_text().splitlines(), summary, said


def written(folder: Path, text: str, name: str = "log.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("user_id,customer,item\n1,2,3\n", "--user: user_id and customer could be it; name one: --user user_id"),
        ("user,asin,parent_asin\n1,2,3\n", "--item: asin and parent_asin could be it"),
        ("user,item,stars,score\n1,2,3,4\n", "--rating: stars and score could be it"),
        ("user,item,date,created_at\n1,2,2020-01-01,2020-01-02\n", "--time: date and created_at could be it"),
        ("user,item,a,b\n1,2,2020-01-01,2020-01-02\n", "--time: a and b hold times; name one, or none: --time a"),
        ("user,item,date\n1,2,03/04/2020\n", "--time-unit: date '03/04/2020' fits '%d/%m/%Y' and '%m/%d/%Y'"),
        ("user,item,date\n1,2,03/04/20\n", "'03/04/20' fits '%d/%m/%y' and '%m/%d/%y' and '%y/%m/%d'; name one"),
        ("user,item,date\n1,2,20-01-31\n", "--time-unit: date '20-01-31' fits '%d-%m-%y' and '%y-%m-%d'"),
        ("x,item\n1,2\n", "--user: no column has a name that people use for it; name one of x, item"),
    ],
)
def test_two_candidates_and_none_are_errors(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        convert(written(tmp_path, text))
    assert message in str(caught.value)


def test_values_decide_among_names(tmp_path: Path) -> None:
    text = "member,movie,score,time,date,x\n7,8,good,soon,20200101,1600000000000\n"
    lines, _, said = convert(written(tmp_path, text))
    assert lines == ["user_id:token\titem_id:token\ttimestamp:float", "7\t8\t1600000000"]
    assert "--rating none --time x --time-unit ms" in said[0]
    assert said[1] == "columns left out: score, time, date; --keep adds columns"


@pytest.mark.parametrize(
    ("head", "row", "unit", "guessed"),
    [
        ("time,date", "soon,2020-09-13 at 12h", "%Y-%m-%d at %Hh", "date"),
        ("ts,x", "7,13.Sep.20", "%d.%b.%y", "x"),
        ("date,ts", "2020-09-13,1600000000", "s", "ts"),
        ("date,n", "soon,1600000000000000", "us", "n"),
    ],
)
def test_a_stated_unit_decides_which_column_has_the_times(
    head: str, row: str, unit: str, guessed: str, tmp_path: Path
) -> None:
    lines, _, said = convert(written(tmp_path, f"user,item,{head}\n1,2,{row}\n"), time_unit=unit)
    assert lines[0].endswith("timestamp:float") and f"--time {guessed} --time-unit {shlex.quote(unit)}" in said[0]


@pytest.mark.parametrize("unit", ["%d/%m/%Y", "s", "iso"])
def test_a_stated_unit_that_no_column_fits_is_an_error(unit: str, tmp_path: Path) -> None:
    path = written(tmp_path, "user,item,day,x\n1,2,monday,3\n")
    with pytest.raises(UsageError, match=f"--time-unit '{unit}': no column holds such times; .* one of day, x, or"):
        convert(path, time_unit=unit)
    assert convert(path, time_unit=unit, time="none")[0][1:] == ["1\t2"]


def test_dates_are_never_said_to_count_another_unit(tmp_path: Path) -> None:
    lines, _, said = convert(written(tmp_path, "user,item,date\nu,a,13/09/95\nu,b,01/02/20\n"))
    assert [line.split("\t")[2] for line in lines[1:]] == ["810950400", "1580515200"]
    assert "--time-unit %d/%m/%y" in said[0]
    far = written(tmp_path, "user,item,date\nu,a,2020-01-01\nu,b,9999-12-31\nu,c,9999-12-31\n", "far.csv")
    message = r"far.csv:3: date 9999-12-31T00:00:00Z is before the year 69 or after 3871, as most are; see --time-unit"
    with pytest.raises(DataError, match=message):
        convert(far)
    far.write_text("user,item,date\nu,a,2020-01-01\nu,c,2020-01-02\nu,b,9999-12-31\n")
    with pytest.raises(DataError, match=r"far.csv:4: date 9999.* or after 3871, unlike the others of the column"):
        convert(far)
    moments = pl.DataFrame({"user": ["u"], "item": ["a"], "date": [datetime.datetime(2020, 1, 1)]})
    moments.write_parquet(tmp_path / "log.parquet")
    assert convert(tmp_path / "log.parquet", time_unit="ms")[0][1:] == ["u\ta\t1577836800"]


def test_the_printed_command_writes_the_same_and_guesses_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, "user id,sku,when,n\nu,a,2020-01-02,3\nu,b,2020-01-01,4\n", "my log.csv")
    words = [
        "convert",
        "table",
        "--input",
        str(path),
        "--output",
        str(tmp_path / "out"),
        "--keep",
        "n",
        "--rows",
        "n > 3",
    ]
    assert main([*words, "--threads", "1"]) == 0
    first = (tmp_path / "out" / "my_log" / "my_log.inter").read_bytes()
    printed = capsys.readouterr()
    assert "1 of 2 rows, 1 users, 1 items\nleft out on request: 1" in printed.out
    command = shlex.split(printed.err.splitlines()[1])
    assert command[:3] == ["recbole-data", "convert", "table"]
    assert main([*command[1:], "--overwrite", "--threads", "1"]) == 0
    assert (tmp_path / "out" / "my_log" / "my_log.inter").read_bytes() == first
    assert "guessed" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        ("n >= 2", [1, 2]),
        ("n != 2 and e == 'buy'", [0]),
        ('"the e" == "a and b"', [2]),
        ("e != buy", [2]),
        ("n == 2.0", [1]),
    ],
)
def test_rows_are_chosen_by_comparisons(rule: str, kept: list[int]) -> None:
    table = pl.DataFrame(
        {"n": ["1", " 2", "3.5", "x"], "e": ["buy", "buy", "view", None], "the e": ["", "", "a and b", ""]}
    )
    assert row_choice(rule).chosen(table).nonzero()[0].tolist() == kept


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        ("liked == 1", [0]),
        ("liked != 1", [1]),
        ("liked == True", [0]),
        ("liked == 'false'", [1]),
        ("liked != FALSE", [0]),
        ("liked > 0", [0]),
    ],
)
def test_rows_are_chosen_by_a_column_of_true_and_false(rule: str, kept: list[int]) -> None:
    table = pl.DataFrame({"liked": [True, False, None]})
    assert row_choice(rule).chosen(table).nonzero()[0].tolist() == kept


@pytest.mark.parametrize("rule", ["n", "n >", "n > x", "n => 3", "", "n > 1 and"])
def test_other_rules_are_refused(rule: str) -> None:
    with pytest.raises(UsageError, match="--rows"):
        row_choice(rule)


def test_nested_values_are_json_or_token_lists(tmp_path: Path) -> None:
    text = (
        '{"user": "u", "item": 1, "ts": 1600000001, "tags": ["a b", "c_d", "\\\\", null, 3], '
        '"style": {"x": [1]}, "deep": [[1]]}\n'
        '{"user": "u", "item": 2, "ts": 1600000000, "tags": [], "style": "plain", "deep": null, "late": 1}\n'
    )
    lines, _, _ = convert(written(tmp_path, text, "log.jsonl"), keep=("tags", "style", "deep", "late"))
    assert lines[0].split("\t")[3:] == ["tags:token_seq", "style:token", "deep:token", "late:float"]
    assert lines[1] == "u\t2\t1600000000\t\tplain\t\t1"
    assert lines[2].split("\t")[3:5] == ["a_b c\\_d \\\\ 3", '{"x": [1]}']
    assert as_list("[1, 2") == "[1,_2"


def test_parquet_with_lists_structs_datetimes_and_floats(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    moment = datetime.datetime(2020, 9, 13, 12, 26, 40, 250000, tzinfo=datetime.timezone.utc)
    pl.DataFrame(
        {
            "user_id": [1.0, 2.0, None, 3.0],
            "item_id": ["a", "b\tc", "d", "e"],
            "rating": [4.5, 3.0, 2.0, float("nan")],
            "date": pl.Series([moment] * 4, dtype=pl.Datetime("ns", "Europe/Berlin")),
            "genres": [["x y", "z"], [], [], []],
            "more": [{"k": 1}] * 4,
            "n": [1, None, 3, 4],
        }
    ).write_parquet(path)
    lines, summary, said = convert(path, keep=("genres", "more", "n"), max_rejected=1.0)
    assert lines[0].endswith("timestamp:float\tgenres:token_seq\tmore:token\tn:float")
    assert lines[1:] == ['1\ta\t4.5\t1600000000.25\tx_y z\t{"k": 1}\t1']
    assert set(summary["rejected"]) == {"empty_user", "item_holds_a_tab_or_line_end", "rating_not_finite"}
    assert "--time date --time-unit iso" in said[0]
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="not a complete parquet file"):
        convert(path)


@pytest.mark.parametrize(
    ("column", "values", "options", "message"),
    [
        ("item", [b"x", b"\xff"], {}, "the column item holds bytes, which have no text"),
        ("more", [[b"x"], []], {"keep": ("more",)}, "the column more holds bytes"),
        ("gap", [datetime.timedelta(1)] * 2, {"keep": ("gap",)}, "the column gap holds durations, which have no text"),
        ("time", [[1], [2]], {}, "the column time holds lists, and one value a row is needed"),
        ("mark", [{"a": 1}, {"a": 2}], {"rating": "mark"}, "the column mark holds objects, and one value"),
        ("more", [[1], [2]], {"rows": "more > 1"}, "the column more holds lists"),
    ],
)
def test_columns_of_parquet_that_cannot_be_read(
    column: str, values: list[Any], options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    table = {"user": ["a", "b"], "item": ["x", "y"], "time": [1_600_000_000, 1_600_000_001], column: values}
    pl.DataFrame(table).write_parquet(tmp_path / "x.parquet")
    given = {"user": "user", "item": "item", "time": "time", "time_unit": "s", **options}
    with pytest.raises(DataError, match=message):
        convert_table(TableOptions((tmp_path / "x.parquet",), tmp_path / "out", quiet=True, **given), str)
    assert not (tmp_path / "out").exists()


def json_lines(path: Path, users: list[Any]) -> None:
    rows = [{"user": user, "item": "x", "who": {"user": [3]}, "time": at} for at, user in enumerate(users)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def parquet(path: Path, users: list[Any]) -> None:
    pl.DataFrame({"user": users, "item": 1}).write_parquet(path)


@pytest.mark.parametrize(
    ("write", "first", "second", "message"),
    [
        (
            json_lines,
            [1, "1"],
            [2],
            "a.x:2: user .user. is text, and a number at .*a.x:1; 1 and '1' would be one user",
        ),
        (json_lines, ["1"], [None, 2], "a.x:1: user .user. is text, and a number at .*b.x:2; 1 and"),
        (
            parquet,
            [1],
            ["1"],
            "b.x: the column user .user. is text, and numbers in .*a.x; 1 and '1' would be one",
        ),
    ],
)
def test_ids_that_are_numbers_and_text_are_refused(
    write: Callable[[Path, list[Any]], None], first: list[Any], second: list[Any], message: str, tmp_path: Path
) -> None:
    suffix = "jsonl" if write is json_lines else "parquet"
    paths = [tmp_path / f"{name}.{suffix}" for name in "ab"]
    for path, users in zip(paths, (first, second), strict=True):
        write(path, users)
    given = {"user": "user", "item": "item", "time": "none", "rating": "none"}
    with pytest.raises(DataError, match=message.replace(".x", f".{suffix}")) as caught:
        convert_table(TableOptions(tuple(paths), tmp_path / "out", quiet=True, **given), str)
    assert len(str(caught.value).splitlines()) <= 3
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_a_csv_has_no_types(tmp_path: Path) -> None:
    lines, summary, _ = convert(written(tmp_path, 'user,item\n1,a\n"1",b\nx,1.0\n'), time="none")
    assert summary["n_users"] == 2 and lines[1:] == ["1\ta", "1\tb", "x\t1.0"]


@pytest.mark.parametrize(
    ("users", "kinds"),
    [
        ([1, None, 2.5], {"a number": 1}),
        ([None, "", "7", True], {"text": 3}),
        (["a", None, 7], {"text": 1, "a number": 3}),
        ([None, [1]], {}),
    ],
)
def test_kinds_of_ids_are_those_of_the_key_itself(users: list[Any], kinds: dict[str, int], tmp_path: Path) -> None:
    json_lines(tmp_path / "log.jsonl", users)
    (block,) = text_blocks(find_source(tmp_path / "log.jsonl", (), "utf-8"))
    assert kinds_in(block, "user") == kinds


def test_mixed_ratings_are_refused_row_by_row(tmp_path: Path) -> None:
    rows = [{"user": 1, "item": 2, "rating": rating} for rating in [5, "4", "good", [3], True, *range(45)]]
    path = tmp_path / "log.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(DataError, match=r"3 of 50 rows rejected .*\n.*rating_not_a_number 3 \(first: log.jsonl line 3"):
        convert(path)


def test_tables_of_users_and_items(tmp_path: Path) -> None:
    log = written(tmp_path, "user,movieId,ts\nu1,1,1600000000\n")
    items = written(tmp_path, 'title,movieId,price\n"A, b",1,3\nC,2,\nD,1,4\n,,5\n', "items.csv")
    users = written(tmp_path, '{"uid": "u1", "age": 30, "likes": ["a", "b"]}\n', "users.jsonl")
    _, summary, _ = convert(log, items=items, users=users, max_rejected=0.5)
    out = tmp_path / "out" / "log"
    assert (out / "log.item").read_text() == "item_id:token\ttitle:token\tprice:float\n1\tA, b\t3\n2\tC\t\n"
    assert (out / "log.user").read_text() == "user_id:token\tage:float\tlikes:token_seq\nu1\t30\ta b\n"
    assert summary["tables"]["items.csv"] == {"rows_in": 4, "rows_out": 2, "rejected": {"double_id": 1, "empty_id": 1}}
    assert "items.csv\t4\tdouble_id\tD,1,4\n" in (out / "log.rejected.tsv").read_text()
    assert "# item: [item_id, title, price]" in (out / "log.yaml").read_text()
    assert len(summary["sha256_input"]) == 3
    with pytest.raises(UsageError, match="--item-key x: no such column"):
        convert(log, items=items, item_key="x")
    with pytest.raises(UsageError, match="--item-key x: names a column of --items FILE"):
        convert(log, item_key="x")


def test_a_table_of_ids_alone(tmp_path: Path) -> None:
    log, items = written(tmp_path, "user,item\n1,2\n"), tmp_path / "items.parquet"
    pl.DataFrame({"item": [2, 3]}).write_parquet(items)
    convert(log, items=items)
    assert (tmp_path / "out" / "log" / "log.item").read_text() == "item_id:token\n2\n3\n"


@pytest.mark.parametrize("kind", [pl.Categorical(), pl.Enum(["u", "i", "2020-01-02", "a\tb", "1600000000"])])
@pytest.mark.parametrize("time", ["2020-01-02", "1600000000"])
def test_categories_are_read_as_their_text(kind: pl.DataType, time: str, tmp_path: Path) -> None:
    table = pl.DataFrame({"user": ["u"], "item": ["i"], "when": [time], "note": ["a\tb"]}).cast(kind)
    table.write_parquet(tmp_path / "log.parquet")
    lines, _, said = convert(tmp_path / "log.parquet", keep=("note",))
    assert lines[1:] == [f"u\ti\t{1577923200 if time[4] == '-' else time}\ta\\tb"]
    table.rename({"when": "x"}).write_parquet(tmp_path / "log.parquet")
    assert convert(tmp_path / "log.parquet", keep=("note",))[0] == lines
    assert "--time when" in said[0]


def test_columns_of_types_without_text_are_no_ratings_and_no_times(tmp_path: Path) -> None:
    table = {
        "user": ["u"],
        "item": ["i"],
        "day": [datetime.timedelta(1)],
        "rating": [[1]],
        "x": [b"x"],
        "y": [{"a": 1}],
    }
    pl.DataFrame(table).write_parquet(tmp_path / "log.parquet")
    assert convert(tmp_path / "log.parquet")[0][1:] == ["u\ti"]


def test_kept_names_fit_a_header_and_a_yaml(tmp_path: Path) -> None:
    log = written(tmp_path, "user,item,a:b [c],rating\n1,2,x,3\n")
    lines, _, _ = convert(log, keep=("a:b [c]",))
    assert lines[0] == "user_id:token\titem_id:token\trating:float\ta_b_c_:token"
    with pytest.raises(UsageError, match="--keep rating: the data set has a column 'rating' already"):
        convert(log, keep=("rating",), rating="none")


@pytest.mark.parametrize("odd", [None, "", " ", "a b", "a\tb", "a\nb", "\u00a0", "é"])
def test_ids_are_plain_only_if_each_one_is(odd: str | None) -> None:
    from dataset_tools.convert.table.values import are_plain

    assert are_plain(pl.Series(["u1", "~!", "x"])) and not are_plain(pl.Series(["u1", odd, "x"], dtype=pl.String))


def test_the_name_of_a_parquet_is_no_pattern(tmp_path: Path) -> None:
    for name, user in (("q1", "other"), ("q[1]", "own")):
        pl.DataFrame({"user": [user], "item": ["x"]}).write_parquet(tmp_path / f"{name}.parquet")
    assert convert(tmp_path / "q[1].parquet")[0][1:] == ["own\tx"]


def test_items_of_one_row_are_more_rows_than_a_block_can_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (runs, scan, log, text_runs):
        monkeypatch.setattr(module, "LINE_BITS", 3)
    for module in (runs, text_runs):
        monkeypatch.setattr(module, "LINE_MASK", 7)
    monkeypatch.setattr(item_lists, "MOST_ROWS", 7)
    rows = [(f"u{k}", " ".join(f"i{k}{item}" for item in range(5)), 1_600_000_000 - k // 2) for k in range(6)]
    table = pl.DataFrame([*rows, ("u9", "", 1), rows[0]], schema=["user", "item", "time"], orient="row")
    table.write_parquet(tmp_path / "log.parquet")
    lines, _, _ = convert(tmp_path / "log.parquet", item_separator=" ", max_rejected=1.0)
    assert lines[1:] == [f"u{k}\ti{k}{item}\t{1_600_000_000 - k // 2}" for k in (4, 5, 2, 3, 0, 1) for item in range(5)]
    lost = [line.split("\t") for line in (tmp_path / "out/log/log.rejected.tsv").read_text().splitlines()[1:]]
    assert [row[1:3] for row in lost] == [["7", "empty_item"], *[["8", "exact_duplicate"]] * 5]


@pytest.mark.parametrize("text", ["0", "-1.5", ".5", "-.5e3", "1E-05", "10", ""])
def test_a_column_of_numbers_is_one_of_floats(text: str) -> None:
    assert is_number_column(pl.Series(["1", text, None]))


@pytest.mark.parametrize("text", ["-", "E5", "e10", ".", "-e1", "01", "1.", "1e", "1e100", " 1", "1\u0663", "nan"])
def test_what_has_no_digits_of_a_number_is_text(text: str) -> None:
    assert not is_number_column(pl.Series(["1", text, None]))
