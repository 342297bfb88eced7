"""Columns that the runs of a task read whatever their model is; each task fills in its own, and none is the default."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from recbole_ext.data.columns.headers import INTER


@dataclass(frozen=True)
class Need:
    """A column that a run reads.

    Attributes:
        role: what it is to the run, for a person.
        field: its name.
        key: the setting that names it.
        types: allowed types.
        sources: suffixes of the files that it may be in, the first that has it is read.
        required: whether the run cannot do without it.
        read: whether it is read; off: the name alone is checked.
        reason: the setting that cannot do without it, and what to do instead; () for the model itself.
    """

    role: str
    field: str
    key: str
    types: tuple[str, ...]
    sources: tuple[str, ...] = (INTER,)
    required: bool = True
    read: bool = True
    reason: tuple[str, ...] = ()


@dataclass(frozen=True)
class NamedColumns:
    """Columns whose names a setting holds.

    Attributes:
        role, key, types, sources: as for `Need`.
        only_changed: whether the columns are required only where the user has set the key.
    """

    role: str
    key: str
    types: tuple[str, ...]
    sources: tuple[str, ...] = (INTER,)
    only_changed: bool = False

    def needs(self, config: Any) -> Iterator[Need]:
        """One per name; a setting without a value names none."""
        given = config[self.key] or []
        for field in [given] if isinstance(given, str) else given:
            required = not self.only_changed or self.key in config.changed
            yield Need(self.role, field, self.key, self.types, self.sources, required)


@dataclass(frozen=True)
class TaskColumns:
    """Columns that the runs of a task read.

    Attributes:
        named: columns that settings of the task name.
        reads_time: whether times are read where they are there.
        needs_time: whether nothing can be done without times.
        labels: whether a model of the task may learn `LABEL_FIELD`.
        of_tables: types of the columns of users and items that every model reads; empty: only those it needs.
        lists: whether rows may bring their histories along, also of a data set that is not cut into files.
        beside_lists: what is in the rows beside the items of such histories.
    """

    named: tuple[NamedColumns, ...] = ()
    reads_time: bool = False
    needs_time: bool = False
    labels: bool = True
    of_tables: tuple[str, ...] = ()
    lists: bool = False
    beside_lists: tuple[Need, ...] = ()
