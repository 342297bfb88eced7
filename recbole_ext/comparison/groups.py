"""Which entries may be in one table: those of one protocol, one data hash and the same tested rows."""

from dataclasses import asdict, dataclass
from typing import Any

from recbole_ext.comparison.entries import Entry, FinishedRun

_APART = ("seed", "packages")


@dataclass(frozen=True)
class Group:
    """Entries that may be compared.

    Attributes:
        entries: in the order in which they were given.
        differs: what sets the group apart from the first one, "" for the first.
    """

    entries: list[Entry]
    differs: str


def group(entries: list[Entry]) -> list[Group]:
    """Put entries of one protocol and of the same tested rows together; entries without a finished run are left out."""
    by_key: dict[Any, list[Entry]] = {}
    for entry in (entry for entry in entries if entry.runs):
        by_key.setdefault(_key(entry), []).append(entry)
    groups = list(by_key.values())
    return [Group(members, difference(groups[0][0], members[0]) if i else "") for i, members in enumerate(groups)]


def _key(entry: Entry) -> Any:
    keys = sorted({(run.protocol.key, run.rows) for run in entry.runs}, key=str)
    if len(keys) == 1:
        return keys[0]
    return tuple(sorted((run.seed, str(run.protocol.key), str(run.rows)) for run in entry.runs))


def difference(first: Entry, other: Entry, last: tuple[str, ...] = ()) -> str:
    """The differences of two entries, as text; fields of the protocol in `last` are named only if no other differs."""
    ours, theirs = (_facts(entry.runs[0]) for entry in (first, other))
    found = {name: f"{name} {theirs[name]!r} instead of {ours[name]!r}" for name in ours if ours[name] != theirs[name]}
    differences = [text for name, text in found.items() if name not in last]
    if differences or (found and first.runs[0].rows == other.runs[0].rows):
        return "; ".join(differences or found.values())
    if first.runs[0].rows is None or other.runs[0].rows is None:
        without = first if first.runs[0].rows is None else other
        return f"{without.name} left no test_units.npz, so it is unknown whether its tested rows are the same"
    return "other tested rows (a split by the run's seed, a filter or a label threshold)"


def _facts(run: FinishedRun) -> dict[str, str]:
    facts = {name: str(value) for name, value in asdict(run.protocol).items() if name not in _APART}
    hashes = ", ".join(f"{name} {value[:12]}" for name, value in run.protocol.data_sha256.items())
    return facts | {"data_sha256": hashes}
