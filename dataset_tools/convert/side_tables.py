"""The `.user` and `.item` files of a release: read, counted, and written with the columns that were asked for."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dataset_tools.convert.pairs import CATEGORY_HEADERS, PairCounts, write_categories
from dataset_tools.convert.quarantine import RejectedList, check_limit
from dataset_tools.convert.tables import TAGS_HEADER, read_table, read_tags, write_table
from dataset_tools.errors import DataError
from dataset_tools.sources.release import Release, Table

Rows = dict[str, tuple[str, ...]]
Column = dict[str, str]


@dataclass
class SideTables:
    """What is written in addition to the log, and the counts of it.

    Args:
        release: with the tables' grammar.
        inputs: raw files by name.
        rejected: where unusable lines go.
        max_rejected: fraction of each file's lines that may be unusable.
        tags, links: whether to add their columns to the items.

    Attributes:
        columns: headers by suffix (`user`, `item`).
        files: rows in, rows out and refused, by raw file.
        missing: raw files that are not in the input.
    """

    release: Release
    inputs: dict[str, Path]
    rejected: RejectedList
    max_rejected: float
    tags: bool = False
    links: bool = False
    columns: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    def write(self, stem: Path, pairs: PairCounts) -> None:
        """Write `<stem>.user` and `<stem>.item`.

        Args:
            stem: path without suffix.
            pairs: items and categories of the log, where it names them.

        Raises:
            DataError: too many lines are unusable, or a file that was asked for is absent.
        """
        users = self._rows(self.release.users)
        if self.release.users is not None and users:
            self._write(stem, "user", self.release.users.headers, users, [])
        items = self._rows(self.release.items)
        extra, more = self._extra_columns()
        if self.release.items is not None and items:
            self._write(stem, "item", self.release.items.headers + more, items, extra)
        elif len(pairs.total()[0]):
            write_categories(_with_suffix(stem, "item"), pairs)
            self.columns["item"] = list(CATEGORY_HEADERS)

    def _write(
        self, stem: Path, suffix: str, headers: tuple[str, ...], rows: Rows, extra: list[dict[str, str]]
    ) -> None:
        write_table(_with_suffix(stem, suffix), headers, rows, extra)
        self.columns[suffix] = list(headers)

    def _rows(self, table: Table | None) -> Rows:
        """Rows of a table that the release has; one that is not in the input is noted as missing."""
        if table is None:
            return {}
        if table.file not in self.inputs:
            self.missing.append(table.file)
            return {}
        before = self.rejected.counts.copy()
        rows, total = read_table(self.inputs[table.file], table, self.rejected)
        self._account(table.file, total, before)
        return rows

    def _account(self, file: str, total: int, before: Counter[str]) -> None:
        """Note how many of the `total` lines of a file were refused since `before`."""
        refused = self.rejected.counts - before
        check_limit(file, total, refused, self.rejected.examples, self.max_rejected)
        self.files[file] = {"rows_in": total, "rows_out": total - refused.total(), "rejected": dict(refused)}

    def _extra_columns(self) -> tuple[list[Column], tuple[str, ...]]:
        """Columns added to the items on request, and their headers."""
        extra: list[Column] = []
        headers: tuple[str, ...] = ()
        if self.tags and self.release.tags is not None:
            before = self.rejected.counts.copy()
            tags, total = read_tags(self._needed(self.release.tags.file), self.release.tags, self.rejected)
            self._account(self.release.tags.file, total, before)
            extra, headers = [tags], (TAGS_HEADER,)
        if self.links and self.release.links is not None:
            self._needed(self.release.links.file)
            rows = self._rows(self.release.links)
            extra += [{key: values[at] for key, values in rows.items()} for at in (1, 2)]
            headers += self.release.links.headers[1:]
        return extra, headers

    def _needed(self, file: str) -> Path:
        if file not in self.inputs:
            raise DataError(f"--input: {file} is not in it, but was asked for; leave the option out or add the file.")
        return self.inputs[file]


def _with_suffix(stem: Path, suffix: str) -> Path:
    return stem.with_name(f"{stem.name}.{suffix}")
