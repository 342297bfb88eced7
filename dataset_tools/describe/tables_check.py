"""Checks of the files beside the interactions, by the rules of training's reader: `.user`, `.item`, graphs, vectors."""

from glob import escape
from pathlib import Path

import numpy as np
import polars as pl

from dataset_tools.describe.checked_file import CheckedFile
from dataset_tools.errors import DataError
from dataset_tools.faults import broken
from dataset_tools.files.links import Links

GRAPH_FIELDS = ("head_id", "relation_id", "tail_id")
ENTITY = "entity_id"
_SHOWN = 3


class CheckedTable(CheckedFile):
    """A small file, read as a whole.

    Attributes:
        table: its whole rows, as text.
        lines: (n,) the line of each.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        tables, lines = [pl.DataFrame(schema={name: pl.String for name in self.fields})], [np.empty(0, np.int64)]
        for rows, numbers in self.ranges():
            self.check_numbers(rows, numbers)
            tables.append(rows.table)
            lines.append(numbers)
        self.table, self.lines = pl.concat(tables), np.concatenate(lines)

    def require(self, names: tuple[str, ...]) -> list[str]:
        """Errors about columns that are missing; an empty value of one that is there becomes an error."""
        for name in set(names) & set(self.fields):
            values = self.table[name]
            for fault in broken(values, values.is_null(), name, "is empty"):
                self.add(fault, self.lines[fault.rows])
        return [f"{self.path.name}: no column {name}." for name in names if name not in self.fields]


def check_entities(path: Path, id_field: str, seen: set[str]) -> tuple[list[str], list[str]]:
    """`.user` or `.item`: lines, numbers, empty and double ids, and ids of the interactions that have no row.

    Args:
        path: the file; a missing one has no errors.
        id_field: its column of ids.
        seen: ids of the interactions.

    Returns:
        Errors and warnings.

    Raises:
        DataError: its first line is not a header.
    """
    if not path.is_file():
        return [], []
    table = CheckedTable(path)
    errors = table.require((id_field,))
    if errors:
        return errors, []
    ids = table.table[id_field]
    for fault in broken(ids, ~ids.is_first_distinct() & ids.is_not_null(), id_field, "came before"):
        table.add(fault, table.lines[fault.rows])
    errors = table.errors()
    here = set(ids.drop_nulls().to_list())
    lacking = len(seen - here)
    if lacking and lacking == len(seen):
        return [*errors, _no_meeting(path.name, lacking, id_field, sorted(seen), ids.drop_nulls().to_list())], []
    return errors, [f"{path.name}: {lacking:,} ids of the interactions have no row here."] if lacking else []


def _no_meeting(name: str, count: int, id_field: str, there: list[str], here: list[str]) -> str:
    shown = [", ".join(map(repr, values[:_SHOWN])) for values in (there, here)]
    return (
        f"{name}: none of the {count:,} ids of the interactions has a row here: {id_field} is {shown[0]}, ... there "
        f"and {shown[1]}, ... here"
    )


def check_graph(stem: Path, item_field: str, seen: set[str]) -> list[str]:
    """Errors in `.link` and `.kg`; [] where there is neither.

    Args:
        stem: path of the data set's files without their suffixes.
        item_field: column of items in `.link`.
        seen: items of the interactions.

    Raises:
        DataError: a first line is not a header.
    """
    link, graph = (stem.with_name(f"{stem.name}.{suffix}") for suffix in ("link", "kg"))
    missing = [path.name for path in (link, graph) if not path.is_file()]
    if len(missing) == 2:
        return []
    if missing:
        other = graph if missing[0] == link.name else link
        return [f"{missing[0]} is missing, and models that read {other.name} need both"]
    links, triples = CheckedTable(link), CheckedTable(graph)
    errors = [*links.require((item_field, ENTITY)), *triples.require(GRAPH_FIELDS)]
    errors += [*links.errors(), *triples.errors()]
    return errors or _settled(stem.name, links, triples, item_field, seen)


def _settled(name: str, links: CheckedTable, triples: CheckedTable, item_field: str, seen: set[str]) -> list[str]:
    items, entities = (links.table[field].to_list() for field in (item_field, ENTITY))
    known = set(triples.table["head_id"].to_list()) | set(triples.table["tail_id"].to_list())
    rows = Links(links.path.name, (item_field, ENTITY), items, entities, lambda row: int(links.lines[row]))
    try:
        rows.settled(name, seen, known)
    except DataError as error:
        return [str(error)]
    return []


def check_others(folder: Path, name: str) -> list[str]:
    """Further files `NAME.SUFFIX` with a header, such as vectors: lines and numbers."""
    errors = []
    for path in sorted(folder.glob(f"{escape(name)}.*")):
        if path.is_file() and path.suffix not in (".user", ".item", ".inter", ".link", ".kg"):
            try:
                errors += CheckedTable(path).errors()
            except DataError:
                continue  # no file of RecBole's form
    return errors
