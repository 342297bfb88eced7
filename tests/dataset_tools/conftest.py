"""Made files in the exact raw formats, and the places of the real ones."""

import os
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dataset_tools.convert.convert import ConvertOptions, convert
from dataset_tools.sources import RELEASES

ROOT = Path(__file__).parents[2]

ROWS = {
    "ml-100k": "196\t242\t3\t881250949\n186\t302\t3\t891717742\n22\t377\t1\t878887116\n",
    "ml-1m": "1::1193::5::978300760\n1::661::3::978302109\n2::1193::4::978300760\n",
    "ml-10m": "1::122::5::838985046\n1::185::4.5::838983525\n2::110::0.5::868245777\n",
    "csv": "userId,movieId,rating,timestamp\r\n1,2,3.5,1112486027\r\n1,29,4.0,1112484676\r\n2,2,0.5,1112484676\r\n",
    "taobao": "1,22,333,pv,1511544070\n1,23,333,buy,1511544000\n2,22,334,cart,1511545000\n",
}
SIDE = {
    "ml-100k": {
        "u.user": "196|24|M|technician|85711\n186|53|F|other|94043\n",
        "u.item": "242|Kolya (1996)|24-Jan-1997||http://x|0|0|0|0|0|1|0|0|0|0|0|0|0|0|0|0|0|0|0\n"
        "302|L\xe9on: (a) b (1994)|1||u|0|1|0|0|0|0|1|0|0|0|0|0|0|0|0|0|0|0|0\n267|unknown|||u|1" + "|0" * 18 + "\n",
    },
    "ml-1m": {
        "users.dat": "1::F::1::10::48067\n2::M::56::16::70072\n",
        "movies.dat": "1193::One Flew: Over (1975)::Drama\n661::Am\xe9lie::two (2001)::Comedy|Romance\n",
    },
    "ml-10m": {
        "movies.dat": "122::Boomerang (1992)::Comedy|Romance\n185::N\xe9t, The (1995)::(no genres listed)\n",
        "tags.dat": "15::122::Excellent Film!::1215184630\n16::122::excellent film!::1215184631\n15::185::a::b::1\n",
    },
    "csv": {
        "movies.csv": "movieId,title,genres\r\n2,Jumanji (1995),Adventure|Fantasy\r\n"
        '29,"City, ""The"" (1995)",'
        "Drama\r\n30,Zw\xf6lf,(no genres listed)\r\n",
        "tags.csv": "userId,movieId,tag,timestamp\r\n18,2,Robin Williams,1\r\n"
        '19,2,"a, b",2\r\n20,2,robin williams,3\r\n',
        "links.csv": "movieId,imdbId,tmdbId\r\n2,0113497,8844\r\n29,0112682,\r\n",
    },
    "taobao": {},
}


def kind_of(release: str) -> str:
    """The key of ROWS and SIDE for a release."""
    return release if release in ROWS else "csv"


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Path]:
    """Write a made release to a folder; `rows` replaces the log."""

    def make(release: str, rows: str | bytes | None = None, side: bool = True) -> Path:
        folder = tmp_path / "raw" / release
        folder.mkdir(parents=True, exist_ok=True)
        log = ROWS[kind_of(release)] if rows is None else rows
        data = log if isinstance(log, bytes) else log.encode()
        (folder / RELEASES[release].log.file).write_bytes(data)
        for name, text in (SIDE[kind_of(release)] if side else {}).items():
            encoding = "latin-1" if release in ("ml-100k", "ml-1m") else "utf-8"
            (folder / name).write_bytes(text.encode(encoding))
        return folder

    return make


@pytest.fixture
def converted(tmp_path: Path) -> Callable[..., tuple[Path, dict[str, Any]]]:
    """Convert; returns the data set's folder and the summary, whose rows always add up."""

    def run(release: str, path: Path, **options: Any) -> tuple[Path, dict[str, Any]]:
        options = {"quiet": True, "threads": 1, "max_rejected": 1.0, **options}
        checked = ConvertOptions(RELEASES[release], path, options.pop("output", tmp_path / "out"), **options)
        summary = convert(checked)
        accounted(checked.target, summary)
        return checked.target, summary

    return run


def accounted(folder: Path, summary: dict[str, Any]) -> None:
    """The invariant of every conversion: rows in = rows out + rejected (+ left out on request)."""
    out = len((folder / f"{folder.name}.inter").read_bytes().splitlines()) - 1
    rejected = (folder / f"{folder.name}.rejected.tsv").read_bytes().decode().split("\n")[1:-1]
    tables = sum(sum(file["rejected"].values()) for file in summary["tables"].values())
    assert summary["rows_in"] == (summary["rows_out"] + summary["rows_rejected"] + summary["rows_left_out_on_request"])
    assert out == summary["rows_out"] + summary["rows_drawn_as_negatives"]
    assert len(rejected) == summary["rows_rejected"] + tables
    for file in summary["tables"].values():
        assert file["rows_in"] == file["rows_out"] + sum(file["rejected"].values())


def shared_data() -> Path:
    """Folder of the real files."""
    return Path(os.environ.get("RECBOLE_EXT_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture
def real() -> Callable[[str], Path]:
    """A real file or folder; skips where it is absent."""

    def find(name: str) -> Path:
        path = shared_data() / name
        if not path.exists():
            pytest.skip(f"real data absent: {path} (set RECBOLE_EXT_DATA to its folder)")
        return path

    return find


@pytest.fixture
def fields() -> Namespace:
    """The usual names of the fields."""
    return Namespace(user_field="user_id", item_field="item_id", time_field="timestamp", time_unit="seconds")
