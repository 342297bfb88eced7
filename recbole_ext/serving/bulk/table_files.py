"""A table written piece by piece to a file that appears whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

import polars as pl

from dataset_tools.files.replace import flush, temporary_folder
from recbole_ext.errors import ResourceError, UsageError
from recbole_ext.serving.bulk.safe_cells import safe_cells

FORMATS = (".tsv", ".csv", ".jsonl", ".parquet")
_ROW_GROUP = 500_000
"""Rows that a Parquet file holds together, and that are in memory before they are written."""


def check_format(path: Path | None, option: str = "--output") -> None:
    """Refuse a file whose ending names no format; None for no file.

    Raises:
        UsageError: as said.
    """
    if path is not None and path.suffix not in FORMATS:
        raise UsageError(f"{option} must end in one of {', '.join(FORMATS)} (got {str(path)!r})")


class TableWriter(Protocol):
    """What writes the tables of a file, in order."""

    def add(self, table: pl.DataFrame) -> None:
        """Append the rows of a table."""

    def finish(self) -> None:
        """Write what is still in memory."""


class TextWriter:
    """Rows as text, each table as it comes.

    Args:
        file: opened for bytes.
        ending: of the file, `.tsv`, `.csv` or `.jsonl`.
        safe: whether cells that a spreadsheet would execute are marked, see `safe_cells`; JSON lines have none.
    """

    def __init__(self, file: IO[bytes], ending: str, safe: bool = False) -> None:
        self.file, self.ending, self.safe, self.begun = file, ending, safe, False

    def add(self, table: pl.DataFrame) -> None:
        """Append the rows of a table; the first one brings the header along."""
        if self.ending == ".jsonl":
            text = table.write_ndjson()
        else:
            shown = safe_cells(table) if self.safe else table
            text = shown.write_csv(include_header=not self.begun, separator="\t" if self.ending == ".tsv" else ",")
        self.begun = True
        self.file.write(text.encode())

    def finish(self) -> None:
        """Have the file on the disk."""
        self.file.flush()
        os.fsync(self.file.fileno())


class ParquetWriter:
    """Row groups in files of their own, which become one file at the end, a row group at a time.

    Args:
        target: the file.
        parts: a folder for the row groups, on the same disk.
    """

    def __init__(self, target: Path, parts: Path) -> None:
        self.target, self.parts = target, parts
        self.waiting: list[pl.DataFrame] = []
        self.n_parts = 0

    def add(self, table: pl.DataFrame) -> None:
        """Keep the rows until there are enough for a row group."""
        self.waiting.append(table)
        if sum(map(len, self.waiting)) >= _ROW_GROUP:
            self._write_part()

    def _write_part(self) -> None:
        pl.concat(self.waiting).write_parquet(self.parts / f"{self.n_parts:06}.parquet", compression="uncompressed")
        self.waiting, self.n_parts = [], self.n_parts + 1

    def finish(self) -> None:
        """Put the row groups together."""
        if self.waiting:
            self._write_part()
        parts = [self.parts / f"{number:06}.parquet" for number in range(self.n_parts)]
        pl.scan_parquet(parts, glob=False).sink_parquet(self.target, row_group_size=_ROW_GROUP)
        flush(self.target)


@contextmanager
def table_file(path: Path, safe: bool = False) -> Iterator[TableWriter]:
    """What writes the file; it is there, whole, when the block ends without an error, and else as it was before.

    Args:
        path: with an ending of `FORMATS`.
        safe: see `TextWriter`.

    Raises:
        ResourceError: the disk or the folder refuses.
    """
    try:
        with temporary_folder(path.parent, f".{path.name}.") as folder:
            partial = folder / f"whole{path.suffix}"
            if path.suffix == ".parquet":
                writer = ParquetWriter(partial, folder)
                yield writer
                writer.finish()
            else:
                with partial.open("wb") as file:
                    text = TextWriter(file, path.suffix, safe)
                    yield text
                    text.finish()
            os.replace(partial, path)
        flush(path.parent)
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise ResourceError(
            f"cannot write {path}: {reason}; nothing was left there. Free some space, or choose another --output"
        ) from None
