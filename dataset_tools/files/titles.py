"""Titles of items for people, from the `.item` file of a data set."""

from collections.abc import Collection, Sequence
from pathlib import Path

from dataset_tools.files.headers import Column, read_header
from dataset_tools.files.text_rows import text_rows
from dataset_tools.lines.ranges import newline_ranges, read_range

_WORDS = ("title", "name", "label", "headline")


def title_column(header: Sequence[Column], id_field: str) -> str | None:
    """The column that names an item for people, by what it is called: `title`, `movie_title`, `product_name`, ...

    Args:
        header: of the `.item` file.
        id_field: its column of ids.
    """
    texts = [column.field for column in header if column.type in ("token", "token_seq") and column.field != id_field]
    return next((name for word in _WORDS for name in texts if word in name.lower().split("_")), None)


def read_titles(path: Path, id_field: str, wanted: Collection[str]) -> dict[str, str]:
    """Id -> title of the wanted items; without a file, a column of ids or one of titles, nothing.

    Args:
        path: the `.item` file.
        id_field: its column of ids.
        wanted: ids.

    Raises:
        DataError: the first line is not a header.
    """
    header = read_header(path) if path.is_file() else []
    title, ids = title_column(header, id_field), set(wanted)
    if title is None or id_field not in {column.field for column in header}:
        return {}
    found: dict[str, str] = {}
    with path.open("rb") as file:
        start = len(file.readline())
    for part in newline_ranges(path, start):
        table = text_rows(read_range(part), header, "\t").table
        pairs = table.select(id_field, title).drop_nulls().iter_rows()
        found.update((item, text) for item, text in pairs if item in ids)
    return found
