"""What all MovieLens releases share: the licence, titles with a year, and where files are fetched from."""

import re

from dataset_tools.sources.release import ITEM, RATING, TIME, USER, Column, Download, RowError

FIRST_RATING = 789609600  # 1995-01-09 00:00:00 UTC, the day of the oldest rating of every release
WHOLE_STARS = tuple("12345")
HALF_STARS_SHORT = ("0.5", "1", "1.5", "2", "2.5", "3", "3.5", "4", "4.5", "5")
HALF_STARS = ("0.5", "1.0", "1.5", "2.0", "2.5", "3.0", "3.5", "4.0", "4.5", "5.0")
RATING_COLUMNS: tuple[Column, ...] = (USER, ITEM, RATING, TIME)
LICENCE = (
    "MovieLens data of GroupLens Research, University of Minnesota, for research use. No commercial use and\n"
    "no redistribution without permission (ml-latest: redistribution under the same terms), no claim of\n"
    "endorsement; cite Harper & Konstan 2015, The MovieLens Datasets: History and Context,\n"
    "doi:10.1145/2827872. The full terms are in the README of the archive."
)
_YEAR = re.compile(r"\s*\((\d{4})(?:[-\u2013]\s?(?:\d{2,4})?)?\)\s*$")
_BREAKS = re.compile(r"[\t\r\n]+")


def download(file: str, digest: str | None, max_mebibytes: int) -> Download:
    """GroupLens' address of `file`."""
    return Download(f"https://files.grouplens.org/datasets/movielens/{file}", digest, max_mebibytes << 20)


def title_and_year(title: str) -> tuple[str, str]:
    """`Toy Story (1995)` -> `Toy Story`, `1995`; without a year all of it is the title."""
    found = _YEAR.search(title)
    if found is None:
        return tidy(title), ""
    return tidy(title[: found.start()]), found.group(1)


def genre_tokens(genres: str) -> str:
    """`Comedy|Drama` -> `Comedy Drama`; `(no genres listed)` -> nothing."""
    return "" if genres == "(no genres listed)" else tidy(genres.replace("|", " "))


def tidy(text: str) -> str:
    """The text without tabs and line breaks, which would break an atomic file."""
    return _BREAKS.sub(" ", text).strip()


def entity_id(text: str) -> str:
    """`text` if it is a canonical number.

    Raises:
        RowError: it is empty or something else.
    """
    if not text:
        raise RowError("empty_id")
    if not text.isascii() or not text.isdigit() or (text[0] == "0" and text != "0"):
        raise RowError("id_not_a_number")
    return text


def exactly(fields: list[str], count: int) -> list[str]:
    """`fields` if there are `count` of them.

    Raises:
        RowError: there are fewer or more.
    """
    if len(fields) != count:
        raise RowError("too_few_columns" if len(fields) < count else "too_many_columns")
    return fields
