"""One input: its format, its columns, and what separates them, found from its first bytes; or a DataFrame."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from dataset_tools.convert.table.reading.frame import Frame
from dataset_tools.convert.table.reading.json_value import parsed_object
from dataset_tools.convert.table.reading.opened import opened, plain_name
from dataset_tools.convert.table.reading.parquet_file import parquet_columns
from dataset_tools.errors import DataError, UsageError
from dataset_tools.files.headers import SEPARATOR_NAMES
from dataset_tools.lines.record_kernel import NO_BYTE
from dataset_tools.times.clocks import is_date

MAX_RECORD_BYTES = 16 << 20
_HEAD_BYTES = 1 << 20
_BOM = b"\xef\xbb\xbf"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z")
_JSON, _PARQUET = (".json", ".jsonl", ".ndjson"), (".parquet", ".pq")


@dataclass(frozen=True)
class Source:
    """One input.

    Args:
        path: of the file; the name of a DataFrame.
        kind: `csv`, `json`, `parquet` or `frame`.
        columns: names of its columns, in their order; of json lines those that its first lines have.
        separator: of a csv, one character.
        has_header: whether the first record names the columns.
        encoding: of the text.
        frame: the DataFrame, which is read in place of a file.
    """

    path: Path
    kind: str
    columns: tuple[str, ...]
    separator: str = ""
    has_header: bool = False
    encoding: str = "utf-8"
    frame: Frame | None = None

    @property
    def size(self) -> int:
        """Bytes of the file; of a DataFrame 8 for each value."""
        return self.path.stat().st_size if self.frame is None else 8 * self.frame.rows * len(self.columns)

    @property
    def quote(self) -> int:
        """The byte that quotes a field; columns between tabs are taken as they are."""
        return NO_BYTE if self.kind != "csv" or self.separator == "\t" else ord('"')


def find_source(given: Path | Frame, columns: tuple[str, ...], encoding: str) -> Source:
    """Look at the first bytes of an input.

    Args:
        given: a file or a DataFrame.
        columns: names of the columns of a csv without a header.
        encoding: of the text.

    Raises:
        UsageError: there is no such file, or it has no header and the columns are not named, or they are named
            where they have names.
        DataError: it is empty, no text, or a column occurs twice.
    """
    if isinstance(given, Frame):
        _require_text(columns, given.name)
        return Source(Path(given.name), "frame", given.columns, frame=given)
    path = given
    if path.is_dir():
        raise UsageError(f"--input {path}: a folder; name the files in it, for instance {path}/*.csv")
    if not path.exists():
        raise UsageError(f"--input {path}: no such file")
    if Path(plain_name(path)).suffix in _PARQUET:
        _require_text(columns, str(path))
        return Source(path, "parquet", parquet_columns(path))
    text = _first_text(path, encoding)
    if Path(plain_name(path)).suffix in _JSON or text.lstrip().startswith("{"):
        _require_text(columns, str(path))
        return Source(path, "json", _keys(path, text), encoding=encoding)
    return _csv(path, text, columns, encoding)


def _first_text(path: Path, encoding: str) -> str:
    """The first lines, decoded.

    Raises:
        DataError: the file is empty, no text, or begins with a line without end.
    """
    with opened(path) as file:
        head = file.read(_HEAD_BYTES)
        while head and b"\n" not in head and len(head) < MAX_RECORD_BYTES and (more := file.read(_HEAD_BYTES)):
            head += more
    if not head.removeprefix(_BOM).strip():
        raise DataError(f"{path}: the file is empty")
    if b"\0" in head or head.startswith((b"\x1f\x8b", b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"PAR1")):
        raise DataError(f"{path}: no text (packed, binary or UTF-16); give csv, tsv or json lines in UTF-8, or parquet")
    if b"\n" not in head and len(head) >= MAX_RECORD_BYTES:
        raise too_long(path, 1)
    try:
        return head.removeprefix(_BOM).decode(encoding, "replace")
    except LookupError:
        raise UsageError(
            f"--encoding {encoding}: not an encoding that Python knows, such as utf-8 or latin-1"
        ) from None


def too_long(path: Path, line: int) -> DataError:
    """The error of a line that does not end."""
    return DataError(
        f"{path}:{line}: more than {MAX_RECORD_BYTES >> 20} MiB without a line end; one row a line is needed"
    )


def _keys(path: Path, text: str) -> tuple[str, ...]:
    if text.lstrip().startswith("["):
        raise DataError(f"{path}: one json array; json lines are needed, an object a line: jq -c '.[]' {path.name}")
    lines = text.splitlines()[:1000] or [""]
    found = [parsed_object(line) for line in lines]
    keys = dict.fromkeys(key for one in found if one is not None for key in one)
    if not keys:
        raise DataError(f"{path}:1: no json object: {lines[0][:80]!r}; json lines are needed, an object a line")
    return tuple(keys)


def _csv(path: Path, text: str, columns: tuple[str, ...], encoding: str) -> Source:
    separator = _separator(path, text.splitlines()[0])
    lines = text.splitlines(keepends=True)
    by_tabs = separator == "\t"
    first = lines[0].rstrip("\r\n").split("\t") if by_tabs else next(csv.reader(lines, delimiter=separator))
    if columns:
        if len(columns) != len(first):
            raise UsageError(f"--columns: {len(columns)} names, and {path} has {len(first)} columns: {first}")
        twice = [name for place, name in enumerate(columns) if name in columns[:place]]
        if twice:
            raise UsageError(f"--columns: {twice[0]!r} occurs twice; give each column a name of its own")
        return Source(path, "csv", columns, separator, False, encoding)
    values = [value for value in first if _NUMBER.match(value.strip()) or is_date(value)]
    if values or not any(first):
        names = ",".join(f"COLUMN{place}" for place in range(1, len(first) + 1))
        raise UsageError(
            f"{path}:1: a row and no header, it holds {(values or first)[0]!r};\nname the columns: --columns {names}"
        )
    return Source(path, "csv", _distinct(path, [name.strip() for name in first]), separator, True, encoding)


def _require_text(columns: tuple[str, ...], given: str) -> None:
    if columns:
        raise UsageError(f"--columns names those of a csv without a header; those of {given} have names: leave it out")


def _distinct(path: Path, names: list[str]) -> tuple[str, ...]:
    twice = sorted({name for name in names if names.count(name) > 1 and name})
    if twice:
        raise DataError(f"{path}:1: the column {twice[0]!r} occurs twice in the header; rename one of them")
    return tuple(name or f"column_{place}" for place, name in enumerate(names, 1))


def _separator(path: Path, line: str) -> str:
    """The separator that the first line has most often."""
    counts = {character: line.count(character) for character in SEPARATOR_NAMES if character != " "}
    best = max(counts, key=lambda character: counts[character])
    if not counts[best]:
        raise DataError(
            f"{path}:1: one column, {line[:80]!r}; two at least are needed, between tabs, commas, semicolons or bars"
        )
    return best


def shown(names: tuple[str, ...]) -> str:
    """Names of columns for a message."""
    return ", ".join(names[:40]) + (f" and {len(names) - 40} more" if len(names) > 40 else "")
