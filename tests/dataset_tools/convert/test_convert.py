import gzip
import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dataset_tools.convert import runs
from dataset_tools.convert.convert import ConvertOptions
from dataset_tools.errors import DataError, ResourceError, UsageError
from dataset_tools.lines.ranges import newline_ranges
from dataset_tools.sources import RELEASES

INTER = {
    "ml-100k": "22\t377\t1\t878887116\n196\t242\t3\t881250949\n186\t302\t3\t891717742\n",
    "ml-1m": "1\t1193\t5\t978300760\n2\t1193\t4\t978300760\n1\t661\t3\t978302109\n",
    "ml-10m": "1\t185\t4.5\t838983525\n1\t122\t5\t838985046\n2\t110\t0.5\t868245777\n",
    "csv": "1\t29\t4.0\t1112484676\n2\t2\t0.5\t1112484676\n1\t2\t3.5\t1112486027\n",
    "taobao": "1\t23\t333\tbuy\t1511544000\n1\t22\t333\tpv\t1511544070\n2\t22\t334\tcart\t1511545000\n",
}
ITEM = {
    "ml-100k": "242\tKolya\t1996\tComedy\n302\tLéon: (a) b\t1994\tAction Crime\n267\tunknown\t\tunknown\n",
    "ml-1m": "1193\tOne Flew: Over\t1975\tDrama\n661\tAmélie::two\t2001\tComedy Romance\n",
    "ml-10m": "122\tBoomerang\t1992\tComedy Romance\n185\tNét, The\t1995\t\n",
    "csv": '2\tJumanji\t1995\tAdventure Fantasy\n29\tCity, "The"\t1995\tDrama\n30\tZwölf\t\t\n',
    "taobao": "22\t333\n23\t333\n",
}
Converted = Callable[..., tuple[Path, dict[str, Any]]]


def body(folder: Path, suffix: str = "inter") -> str:
    return (folder / f"{folder.name}.{suffix}").read_text(encoding="utf-8").split("\n", 1)[1]


def head(folder: Path, suffix: str = "inter") -> str:
    return (folder / f"{folder.name}.{suffix}").read_text(encoding="utf-8").split("\n", 1)[0]


@pytest.mark.parametrize("release", list(RELEASES))
def test_made_release_gives_the_literal_files(release: str, made: Callable[..., Path], converted: Converted) -> None:
    folder, summary = converted(release, made(release))
    kind = release if release in INTER else "csv"
    assert body(folder) == INTER[kind]
    assert body(folder, "item") == ITEM[kind]
    assert head(folder).endswith("timestamp:float") and head(folder).startswith("user_id:token\titem_id:token\t")
    assert summary["rows_in"] == summary["rows_out"] == 3 and summary["rejected"] == {}
    assert not list(folder.parent.glob(".*"))


def test_users_follow_recboles_columns(made: Callable[..., Path], converted: Converted) -> None:
    folder, _ = converted("ml-1m", made("ml-1m"))
    assert head(folder, "user") == "user_id:token\tage:token\tgender:token\toccupation:token\tzip_code:token"
    assert body(folder, "user") == "1\t1\tF\t10\t48067\n2\t56\tM\t16\t70072\n"
    folder, _ = converted("ml-100k", made("ml-100k"))
    assert body(folder, "user") == "196\t24\tM\ttechnician\t85711\n186\t53\tF\tother\t94043\n"


@pytest.mark.parametrize("release", ["ml-1m", "ml-20m", "taobao"])
@pytest.mark.parametrize("form", ["zip", "file", "gz", "lf", "crlf", "no_last_end"])
def test_every_form_of_input_gives_the_same_file(
    release: str, form: str, made: Callable[..., Path], converted: Converted, tmp_path: Path
) -> None:
    plain = made(release)
    log = plain / RELEASES[release].log.file
    path, text = plain, log.read_bytes()
    if form == "zip":
        path = tmp_path / "x.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in plain.iterdir():
                archive.write(file, f"some-folder/{file.name}")
            archive.writestr("some-folder/README.txt", "not unpacked")
    elif form == "file":
        path = log
    elif form == "gz":
        (plain / f"{log.name}.gz").write_bytes(gzip.compress(text))
        log.unlink()
    elif form == "lf":
        log.write_bytes(text.replace(b"\r\n", b"\n"))
    elif form == "crlf":
        log.write_bytes(text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    else:
        log.write_bytes(text.rstrip(b"\r\n"))
    folder, summary = converted(release, path)
    assert body(folder) == INTER[release if release in INTER else "csv"]
    assert summary["last_line_complete"] is (form != "no_last_end")
    assert sorted(file.name.partition(".")[2] for file in folder.iterdir())[:2] == ["inter", "item"]


def test_summary_has_true_digests(made: Callable[..., Path], converted: Converted) -> None:
    raw = made("ml-1m")
    folder, summary = converted("ml-1m", raw)
    stored = json.loads((folder / "ml-1m.summary.json").read_text())
    assert stored == summary
    for name, digest in summary["sha256_output"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    for name, digest in summary["sha256_input"].items():
        assert hashlib.sha256((raw / name).read_bytes()).hexdigest() == digest


def test_yaml_names_the_fields(made: Callable[..., Path], converted: Converted) -> None:
    folder, _ = converted("ml-1m", made("ml-1m"))
    text = (folder / "ml-1m.yaml").read_text()
    assert "RATING_FIELD: rating\nTIME_FIELD: timestamp\n" in text
    assert "  inter: [user_id, item_id, rating, timestamp]\n" in text


def test_tags_and_links_on_request(made: Callable[..., Path], converted: Converted) -> None:
    folder, summary = converted("ml-20m", made("ml-20m"), tags=True, links=True)
    assert head(folder, "item").endswith("tags:token_seq\timdb_id:token\ttmdb_id:token")
    assert body(folder, "item").split("\n")[0].endswith("robin_williams a,_b\t0113497\t8844")
    assert summary["tables"]["tags.csv"] == {"rows_in": 3, "rows_out": 3, "rejected": {}}
    folder, _ = converted("ml-10m", made("ml-10m"), tags=True)
    assert body(folder, "item") == (
        "122\tBoomerang\t1992\tComedy Romance\texcellent_film!\n185\tNét, The\t1995\t\ta::b\n"
    )


def test_rows_that_fail_are_listed_with_line_and_reason(made: Callable[..., Path], converted: Converted) -> None:
    lines = ["1,2,3.5,1112486027", "1,2,3.5", "1,2,3.5,1112486027", "x,2,4.0,1112486027", ""]
    rows = "\r\n".join(["userId,movieId,rating,timestamp", *lines])
    folder, summary = converted("ml-20m", made("ml-20m", rows))
    assert body(folder, "rejected.tsv") == (
        "ratings.csv\t3\ttoo_few_columns\t1,2,3.5\n"
        "ratings.csv\t4\texact_duplicate\t1,2,3.5,1112486027\n"
        "ratings.csv\t5\tid_not_a_number\tx,2,4.0,1112486027\n"
    )
    assert summary["rejected"] == {"too_few_columns": 1, "id_not_a_number": 1, "exact_duplicate": 1}


def test_table_rows_that_fail_are_listed_too(made: Callable[..., Path], converted: Converted) -> None:
    raw = made("ml-20m")
    text = b'movieId,title,genres\n2,A (1990),x\n2,B (1990),x\nq,C,x\n3,"D,x\n4,E\n5,\xff\xfe,x\n,F,x\n'
    (raw / "movies.csv").write_bytes(text)
    folder, summary = converted("ml-20m", raw)
    assert body(folder, "item") == "2\tA\t1990\tx\n"
    assert summary["tables"]["movies.csv"]["rejected"] == {
        reason: 1
        for reason in (
            "double_id", "id_not_a_number", "bad_quoting", "too_few_columns", "not_utf8", "empty_id"
        )
    }  # fmt: skip


def test_bad_genre_flags_and_short_dat_lines(made: Callable[..., Path], converted: Converted) -> None:
    raw = made("ml-100k")
    (raw / "u.item").write_bytes(b"1|A (1990)|||u" + b"|2" * 19 + b"\n")
    _, summary = converted("ml-100k", raw)
    assert summary["tables"]["u.item"]["rejected"] == {"genre_flag_not_0_or_1": 1}
    raw = made("ml-10m")
    (raw / "movies.dat").write_bytes(b"1:A\n")
    (raw / "tags.dat").write_bytes(b"1::2\n1::2::::5\n")
    _, summary = converted("ml-10m", raw, tags=True)
    assert summary["tables"]["movies.dat"]["rejected"] == {"too_few_columns": 1}
    assert summary["tables"]["tags.dat"]["rejected"] == {"too_few_columns": 1, "empty_tag": 1}


def test_too_many_rejected_rows_stop_it(made: Callable[..., Path], converted: Converted, tmp_path: Path) -> None:
    rows = "1::1193::5::978300760\n" * 1 + "1::661::9::978302109\n"
    with pytest.raises(DataError, match=r"1 of 2 rows rejected \(50.000%\), allowed 0.100%") as caught:
        converted("ml-1m", made("ml-1m", rows), max_rejected=0.001)
    assert "rating_outside_scale 1 (first: line 2)" in str(caught.value)
    assert list((tmp_path / "out").iterdir()) == []


def test_duplicates_count_against_the_limit(made: Callable[..., Path], converted: Converted) -> None:
    with pytest.raises(DataError, match="exact_duplicate 1"):
        converted("ml-1m", made("ml-1m", "1::1193::5::978300760\n" * 2), max_rejected=0.001)


def test_wrong_header_is_refused(made: Callable[..., Path], converted: Converted) -> None:
    with pytest.raises(DataError, match="expected the header 'userId,movieId,rating,timestamp'"):
        converted("ml-20m", made("ml-20m", "1,2,3.5,1112486027\n"))


def test_a_mark_before_the_header_is_no_fault(made: Callable[..., Path], converted: Converted) -> None:
    rows = b"\xef\xbb\xbfuserId,movieId,rating,timestamp\n1,2,3.5,1112486027\n"
    assert converted("ml-20m", made("ml-20m", rows))[1]["rows_out"] == 1


def test_options_that_do_not_fit_are_usage_errors(made: Callable[..., Path], converted: Converted) -> None:
    raw = made("ml-1m")
    with pytest.raises(UsageError, match="not there for this release: --tags, --label, --per-behaviour"):
        converted("ml-1m", raw, tags=True, label="buy", per_behaviour=True)
    with pytest.raises(UsageError, match=r"fraction of the users in \(0, 1\], got 2.0"):
        converted("taobao", raw, sample_users=2.0)
    with pytest.raises(UsageError, match=r"a plain folder name is needed, got '\.\./x'"):
        ConvertOptions(RELEASES["ml-1m"], raw, raw, name="../x")


def test_asked_for_but_absent(made: Callable[..., Path], converted: Converted) -> None:
    raw = made("ml-20m", side=False)
    with pytest.raises(DataError, match=r"tags.csv is not in it, but was asked for"):
        converted("ml-20m", raw, tags=True)
    assert converted("ml-20m", raw)[1]["missing_tables"] == ["movies.csv"]


def test_space_is_looked_at_first(
    made: Callable[..., Path], converted: Converted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dataset_tools.convert.convert.DISK_FACTOR", 1e15)
    with pytest.raises(ResourceError, match="MiB free, about"):
        converted("ml-1m", made("ml-1m"))


@pytest.fixture
def many_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranges of a few lines and buckets of a few rows, so that small files take the long way."""
    monkeypatch.setattr(newline_ranges, "__defaults__", (0, 256))
    monkeypatch.setattr(runs, "BUCKET_ROWS", 8)
    for module in ("dataset_tools.convert.runs", "dataset_tools.convert.rows"):
        monkeypatch.setattr(f"{module}.MARK_EVERY", 2)


def text(rows: list[tuple[int, ...]], separator: str) -> str:
    return "".join(separator.join(map(str, row)) + "\n" for row in rows)


@pytest.mark.usefixtures("many_pieces")
def test_ties_keep_the_order_of_the_file_across_pieces(made: Callable[..., Path], converted: Converted) -> None:
    times = [978300760 + (n * 7919) % 13 for n in range(500)]
    rows = [(n % 40 + 1, n + 1, n % 5 + 1, time) for n, time in enumerate(times)]
    rows += rows[::50]
    folder, summary = converted("ml-1m", made("ml-1m", text(rows, "::")))
    expected = sorted(rows[:500], key=lambda row: row[3])
    assert body(folder) == text(expected, "\t")
    assert summary["rejected"] == {"exact_duplicate": 10}
    lines = [int(line.split("\t")[1]) for line in body(folder, "rejected.tsv").splitlines()]
    assert lines == list(range(501, 511))


@pytest.mark.usefixtures("many_pieces")
@pytest.mark.parametrize(("release", "separator"), [("ml-1m", "::"), ("ml-20m", ",")])
def test_rows_can_keep_the_order_of_the_file(
    release: str, separator: str, made: Callable[..., Path], converted: Converted
) -> None:
    times = [978300760 + (n * 7919) % 13 for n in range(500)]
    rows = [(n % 40 + 1, (n * 37) % 1000 + 1, n % 5 + 1, time) for n, time in enumerate(times)]
    wrong = [(1, 2, 9, times[0])]  # no such rating
    head = "userId,movieId,rating,timestamp\n" if release == "ml-20m" else ""
    log = head + text(rows[:100] + wrong + rows[100:] + rows[::50], separator)
    folder, summary = converted(release, made(release, log), order="file", max_rejected=0.1)
    assert [list(map(float, line.split("\t"))) for line in body(folder).splitlines()] == [list(row) for row in rows]
    assert summary["rejected"]["exact_duplicate"] == 10
    assert sum(summary["rejected"].values()) == 11
    file = folder / f"{folder.name}.inter"
    assert summary["sha256_output"][file.name] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert not list(folder.glob("*.ordered"))


def test_what_is_labelled_has_no_order_of_the_file(made: Callable[..., Path], converted: Converted) -> None:
    with pytest.raises(UsageError, match="taobao: not there for this release: --order file"):
        converted("taobao", made("taobao"), order="file")
    with pytest.raises(UsageError, match="--order size: unknown; allowed: time, file"):
        converted("ml-1m", made("ml-1m"), order="size")


@pytest.mark.parametrize("suffix", ["user", "item"])
def test_ml_1m_tables_equal_recboles_byte_for_byte(
    suffix: str, real: Callable[[str], Path], converted: Converted
) -> None:
    folder, summary = converted("ml-1m", real("ml-1m"), max_rejected=0.0)
    gold = real(f"ml-1m/gold_recbole/ml-1m.{suffix}")
    assert (folder / f"ml-1m.{suffix}").read_bytes() == gold.read_bytes()
    assert (summary["rows_out"], summary["n_users"], summary["n_items"]) == (1000209, 6040, 3706)
    assert (summary["first_timestamp"], summary["last_timestamp"]) == (956703932, 1046454590)


def test_ml_1m_interactions_equal_a_plain_stable_sort(real: Callable[[str], Path], converted: Converted) -> None:
    path = real("ml-1m/ratings_users_1_2999.dat.gz")
    folder, _ = converted("ml-1m", path, max_rejected=0.0)
    rows = [line.split("::") for line in gzip.decompress(path.read_bytes()).decode().splitlines()]
    in_order = "".join("\t".join(row) + "\n" for row in rows)
    rows.sort(key=lambda row: int(row[3]))
    assert body(folder) == "".join("\t".join(row) + "\n" for row in rows)
    assert body(converted("ml-1m", path, order="file", overwrite=True)[0]) == in_order


def test_real_latest_small_equals_polars(real: Callable[[str], Path], converted: Converted) -> None:
    raw = real("ml-latest-small")
    folder, summary = converted("ml-latest", raw, tags=True, links=True, max_rejected=0.0)
    table = pl.read_csv(raw / "ratings.csv", infer_schema=False)
    expected = table.sort(pl.col("timestamp").cast(pl.Int64), maintain_order=True)
    assert body(folder) == expected.write_csv(include_header=False, separator="\t")
    assert summary["tables"]["movies.csv"] == {"rows_in": 9742, "rows_out": 9742, "rejected": {}}
    assert summary["tables"]["tags.csv"]["rows_out"] == 3683


@pytest.mark.parametrize("release", ["ml-20m", "ml-25m", "ml-32m"])
def test_real_movie_lists_lose_nothing(
    release: str, real: Callable[[str], Path], made: Callable[..., Path], converted: Converted
) -> None:
    packed = real(f"movies-by-release/movies_{release[3:]}.csv.gz")
    raw = made(release, side=False)
    (raw / "movies.csv").write_bytes(gzip.decompress(packed.read_bytes()))
    folder, summary = converted(release, raw, max_rejected=0.0)
    table = pl.read_csv(raw / "movies.csv", infer_schema=False)
    items = pl.read_csv(folder / f"{release}.item", separator="\t", infer_schema=False, quote_char=None)
    assert summary["tables"]["movies.csv"]["rows_out"] == table.height == items.height
    with_year = table["title"].str.contains(r"\(\d{4}\)\s*$")
    assert items.filter(with_year)["release_year:token"].null_count() == 0
    again = items["movie_title:token_seq"] + " (" + items["release_year:token"] + ")"
    assert (again.filter(with_year) == table["title"].filter(with_year).str.strip_chars()).mean() > 0.999
