"""What a release is: its files, the grammar of its rows, what counts as valid, and where it comes from."""

from collections.abc import Callable
from dataclasses import dataclass, field

from dataset_tools.lines import column_kinds


class RowError(ValueError):
    """A line of a table that cannot be used; the message is the reason written to the rejected list."""


@dataclass(frozen=True)
class Column:
    """One column of a log: its role, its header in the atomic file and its kind for the kernel."""

    name: str
    header: str
    kind: int


@dataclass(frozen=True)
class Log:
    """The file of interactions.

    Args:
        file: its name in the release.
        separator: text between two columns, one byte or one byte twice.
        columns: in the order of the file.
        symbols: allowed values of the one TEXT column, as they are written out.
        window: first valid second and first second that is too late, Unix time.
        header: first line, or None.
    """

    file: str
    separator: str
    columns: tuple[Column, ...]
    symbols: tuple[str, ...]
    window: tuple[int, int]
    header: str | None = None


@dataclass(frozen=True)
class Table:
    """A file of users or items: one line per entity.

    Args:
        file: its name in the release.
        encoding: of the raw file; the atomic file is UTF-8.
        headers: columns of the atomic file.
        parse: raw line -> values, one per header, or RowError with the reason.
        header: first line of the raw file, or None.
    """

    file: str
    encoding: str
    headers: tuple[str, ...]
    parse: Callable[[str], tuple[str, ...]]
    header: str | None = None


ORDERS = ("time", "file")
"""Of the rows of a converted log: by time, ties as in the raw file; or as in the raw file, as RecBole has them."""


@dataclass(frozen=True)
class Tags:
    """A file of tags: user, item, tag, time on each line, added to the item table on request."""

    file: str
    parse: Callable[[str], tuple[str, ...]]
    header: str | None = None


@dataclass(frozen=True)
class Download:
    """Where a release is fetched from, and how it is verified.

    Args:
        url: address of the zip.
        digest: `sha256:...` or `md5:...`, or None when the publisher replaces the file.
        max_bytes: a larger response is rejected.
    """

    url: str
    digest: str | None
    max_bytes: int


@dataclass(frozen=True)
class Release:
    """Everything that the converter needs of one release."""

    name: str
    title: str
    log: Log
    licence: str
    users: Table | None = None
    items: Table | None = None
    tags: Tags | None = None
    links: Table | None = None
    download: Download | None = None
    max_unpacked_bytes: int = 8 << 30
    options: frozenset[str] = field(default_factory=frozenset)

    def expected_files(self, tags: bool = False, links: bool = False) -> list[str]:
        """Names of the raw files this release is read from; only these are ever unpacked."""
        parts = [self.log, self.users, self.items, self.tags if tags else None, self.links if links else None]
        return [part.file for part in parts if part is not None]


USER = Column("user", "user_id:token", column_kinds.ID)
ITEM = Column("item", "item_id:token", column_kinds.ID)
RATING = Column("rating", "rating:float", column_kinds.TEXT)
TIME = Column("time", "timestamp:float", column_kinds.TIME)
