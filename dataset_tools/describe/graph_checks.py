"""Checks of a knowledge graph beside the interactions: `.link` names one entity per item, `.kg` has the triples."""

from collections import defaultdict
from pathlib import Path

import numpy as np

from dataset_tools.describe.table_checks import CheckedTable, number_faults, read_checked
from dataset_tools.files.ids import Ids

LINK_FIELDS = ("item_id", "entity_id")
GRAPH_FIELDS = ("head_id", "relation_id", "tail_id")


def check_graph(stem: Path, item_field: str, ids: Ids, seen: np.ndarray) -> list[str]:
    """Faults of `.link` and `.kg`; [] where there is neither.

    Links of items without interactions and to entities without a triple are left out, as training does; of the rest,
    each item has one entity and each entity one item.

    Args:
        stem: path of the data set's files without their suffixes.
        item_field: column of items in `.link`.
        ids, seen: codes of the interactions' items, and (codes,) bool which occur.

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
    tables = [read_checked(path) for path in (link, graph)]
    errors = [fault for table in tables for fault in (*table.faults.errors, *number_faults(table))]
    for table, needed in zip(tables, ((item_field, LINK_FIELDS[1]), GRAPH_FIELDS), strict=True):
        errors += [f"{table.path.name}: no field {name}." for name in needed if name not in table.values]
        errors += [fault for name in needed if name in table.values for fault in _empty(table, name)]
    return errors or _meeting(tables[0], tables[1], item_field, ids, seen)


def _empty(table: CheckedTable, name: str) -> list[str]:
    rows = [row for row, token in enumerate(table.values[name]) if not token]
    return [table.fault_at(rows[0], name, "is empty", len(rows))] if rows else []


def _meeting(link: CheckedTable, graph: CheckedTable, item_field: str, ids: Ids, seen: np.ndarray) -> list[str]:
    """Links that no item or no triple meets, and ids that stand twice among those that are used."""
    entities = set(graph.values["head_id"]) | set(graph.values["tail_id"])
    used: dict[tuple[str, str], int] = {}
    for row, pair in enumerate(zip(link.values[item_field], link.values[LINK_FIELDS[1]], strict=True)):
        code = ids.code(pair[0])
        if code < len(seen) and seen[code] and pair[1] in entities:
            used.setdefault(pair, row)
    if not used:
        return [f"{link.path.name}: no row joins an item of the interactions with an entity of {graph.path.name}"]
    faults = []
    for side, name in ((1, LINK_FIELDS[1]), (0, item_field)):
        rows = defaultdict(list)
        for pair, row in used.items():
            rows[pair[side]].append(row)
        twice = [places for places in rows.values() if len(places) > 1]
        if twice:
            lines = ", ".join(str(link.numbers[row]) for row in twice[0])
            other = (item_field, LINK_FIELDS[1])[1 - side]
            faults.append(link.fault_at(twice[0][0], name, f"goes with several {other}s (lines {lines})", 1))
    return faults
