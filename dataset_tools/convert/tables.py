"""The `.user` and `.item` files: one line per entity, in the order of the raw file, without double ids."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from dataset_tools.convert.quarantine import RejectedList
from dataset_tools.errors import DataError
from dataset_tools.sources.release import RowError, Table, Tags

TAGS_HEADER = "tags:token_seq"
TAGS_PER_ITEM = 10
_BOM = b"\xef\xbb\xbf"


def check_header(path: Path, header: str | None) -> int:
    """Number of bytes before the first row.

    Raises:
        DataError: the first line is not `header`.
    """
    if header is None:
        return 0
    with path.open("rb") as file:
        first = file.readline(4096)
    if first.removeprefix(_BOM).rstrip(b"\r\n") != header.encode():
        shown = first[:80].rstrip().decode("utf-8", "replace")
        raise DataError(
            f"{path.name}: line 1 is {shown!r},\nexpected the header {header!r}.\n"
            "Name the release that fits the file; a csv from a spreadsheet may need its header back."
        )
    return len(first)


def raw_lines(path: Path, header: str | None) -> Iterator[tuple[int, bytes]]:
    """Line numbers from 1 and lines without their ends, the header left out."""
    start = check_header(path, header)
    with path.open("rb") as file:
        file.seek(start)
        for number, line in enumerate(file, 1 + (start > 0)):
            yield number, line.removesuffix(b"\n").removesuffix(b"\r")


def read_table(path: Path, table: Table, rejected: RejectedList) -> tuple[dict[str, tuple[str, ...]], int]:
    """Rows by id in the order of the file, and the number of lines; unusable lines go to `rejected`."""
    rows: dict[str, tuple[str, ...]] = {}
    total = 0
    for number, line in raw_lines(path, table.header):
        total += 1
        try:
            values = table.parse(decoded(line, table.encoding))
            if values[0] in rows:
                raise RowError("double_id")
            rows[values[0]] = values
        except RowError as reason:
            rejected.write([(table.file, number, str(reason), line)])
    return rows, total


def decoded(line: bytes, encoding: str) -> str:
    """The line as text.

    Raises:
        RowError: its bytes do not fit the encoding.
    """
    try:
        return line.decode(encoding)
    except UnicodeDecodeError:
        raise RowError(f"not_{encoding.replace('-', '')}") from None


def read_tags(path: Path, tags: Tags, rejected: RejectedList) -> tuple[dict[str, str], int]:
    """The most frequent tags of each item as one token sequence, and the number of lines.

    A tag is lower-cased and its spaces become `_`; at most TAGS_PER_ITEM, most frequent first, then by name.
    """
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    total = 0
    for number, line in raw_lines(path, tags.header):
        total += 1
        try:
            _, item, tag, _ = tags.parse(decoded(line, "utf-8"))
            if not tag:
                raise RowError("empty_tag")
            counts[item]["_".join(tag.lower().split())] += 1
        except RowError as reason:
            rejected.write([(tags.file, number, str(reason), line)])
    return {item: _most_frequent(counter) for item, counter in counts.items()}, total


def _most_frequent(counter: Counter[str]) -> str:
    ordered = sorted(counter, key=lambda tag: (-counter[tag], tag))
    return " ".join(ordered[:TAGS_PER_ITEM])


def write_table(
    path: Path, headers: tuple[str, ...], rows: Mapping[str, tuple[str, ...]], extra: list[dict[str, str]]
) -> None:
    """Write rows with further columns looked up by id; an id without an entry gets an empty value."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("\t".join(headers) + "\n")
        for key, values in rows.items():
            file.write("\t".join((*values, *(column.get(key, "") for column in extra))) + "\n")
