"""A conversion before it is carried out: what is read, which column is which, and what it is made of."""

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property

import polars as pl

from dataset_tools.convert.table.layout import NONE, Layout
from dataset_tools.convert.table.options import TableOptions
from dataset_tools.convert.table.reading.source import Source, find_source
from dataset_tools.convert.table.resolve import resolve
from dataset_tools.convert.table.result import sha256
from dataset_tools.convert.table.side import SideTable
from dataset_tools.convert.table.text_runs import lines_of_table
from dataset_tools.convert.table.values import kept_text

_VERSION = 2
"""Another one where the same input and options would become other files."""


@dataclass(frozen=True)
class Digests:
    """The sha256 of each input, computed when it is first asked for.

    Args:
        read: each input, with the columns of it that are read.
    """

    read: list[tuple[Source, list[str]]]

    @cached_property
    def by_input(self) -> dict[str, str]:
        """Input -> sha256; of a DataFrame, of the columns that are read, as text."""
        return {str(source.path): _digest(source, columns) for source, columns in self.read}


@dataclass(frozen=True)
class Plan:
    """A conversion whose options fit its inputs.

    Args:
        options: what was asked for.
        sources: the inputs.
        layout: which column is which.
        guessed: a sentence with the options that state what was guessed; "" where nothing was.
        sides: the tables of users and items.
        digests: of all inputs.
    """

    options: TableOptions
    sources: list[Source]
    layout: Layout
    guessed: str
    sides: list[SideTable]
    digests: Digests

    @property
    def no_times(self) -> bool:
        """Whether it was asked for that events have no times; where no column was found, it was not."""
        return self.options.time == NONE and not self.layout.time

    @property
    def fingerprint(self) -> str:
        """The sha256 of all that decides what the files hold, but for their name."""
        layout = asdict(self.layout) | {"lists": sorted(self.layout.lists), "choice": self.options.rows}
        keys = [(side.kind, side.key_column) for side in self.sides]
        source = [self.options.columns, self.options.encoding, self.options.max_rejected]
        source += ["no times"] * self.no_times
        everything = [_VERSION, list(self.digests.by_input.values()), layout, keys, source]
        return hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()


def _digest(source: Source, columns: list[str]) -> str:
    if source.frame is None:
        return sha256(source.path)
    found = hashlib.sha256("\t".join(columns).encode())
    for table in source.frame.blocks(columns):
        found.update(lines_of_table(pl.DataFrame([kept_text(column, False) for column in table])).data)
    return found.hexdigest()


def planned(options: TableOptions) -> Plan:
    """Look at the inputs and settle the columns.

    Raises:
        UsageError: an input or a column is absent, or two columns could be meant.
        DataError: an input cannot be read.
    """
    sources = [find_source(given, options.columns, options.encoding) for given in options.input]
    layout, guessed = resolve(options, sources)
    sides = _side_tables(options, layout)
    read = [(source, layout.wanted) for source in sources]
    read += [(side.source, list(side.source.columns)) for side in sides]
    return Plan(options, sources, layout, guessed, sides, Digests(read))


def _side_tables(options: TableOptions, layout: Layout) -> list[SideTable]:
    users = ("user", options.users, options.user_key, layout.user)
    items = ("item", options.items, options.item_key, layout.item)
    given = ((table, kind, key, name) for kind, table, key, name in (users, items) if table is not None)
    return [SideTable(find_source(table, (), options.encoding), *others) for table, *others in given]
