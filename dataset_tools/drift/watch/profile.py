"""A stored profile: counts of the past, in one JSON file whose last entry is the hash of the others."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dataset_tools.errors import DataError
from dataset_tools.files.replace import replace_file

KIND, VERSION = "drift profile", 1


@dataclass(frozen=True)
class Past:
    """A measure in a window of the past, and the mean of its shuffled null."""

    value: float
    null: float | None


@dataclass(frozen=True)
class StoredProfile:
    """What is known of the past. There are no rows, and no user is named.

    Attributes:
        holds: what the file holds, as sentences.
        files: name and SHA-256 of each file that was counted.
        fields: names of the columns that were counted.
        time_unit: of the times in such files.
        first, last: time of the first and the last row, Unix seconds.
        offset: seconds that the clock of the week is ahead of UTC.
        rows, users: how many.
        items: rows by item.
        values: rows by rating, label or behaviour as text; {} without.
        week: (168,) rows by hour of the week, Monday first.
        item_groups: item -> its categories; {} without.
        span: seconds of the windows of the past behind `neighbours`.
        neighbours: windows of the past: name of a measure -> what it was.
        salt: of the hashes of users, hexadecimal.
        user_rows: hash of a user -> rows; {} unless asked for.
    """

    holds: list[str]
    files: list[dict[str, str]]
    fields: dict[str, str | None]
    time_unit: str
    first: int
    last: int
    offset: int
    rows: int
    users: int
    items: dict[str, int]
    values: dict[str, int]
    week: list[int]
    item_groups: dict[str, list[str]]
    span: int
    neighbours: list[dict[str, Past]]
    salt: str
    user_rows: dict[str, int]

    @property
    def days(self) -> float:
        """Length of the past."""
        return (self.last + 1 - self.first) / 86400

    @property
    def digest(self) -> str:
        """SHA-256 of the content, by which a state knows its profile."""
        return _digest(self._content())

    def _content(self) -> dict[str, Any]:
        return {"kind": KIND, "version": VERSION, **asdict(self)}

    def write(self, path: Path) -> None:
        """Write the file as a whole, for the eyes of its owner alone."""
        content = self._content()
        text = json.dumps({**content, "sha256": _digest(content)}, separators=(",", ":"))
        replace_file(path, text.encode(), private=True)


def hashed(salt: str, text: str) -> str:
    """A keyed hash of an id, 64 bits: the same id has the same hash, and without the salt no id can be tried out."""
    return hashlib.blake2b(text.encode(), digest_size=8, key=bytes.fromhex(salt)).hexdigest()


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, separators=(",", ":"), sort_keys=True).encode()).hexdigest()


def read_profile(path: Path) -> StoredProfile:
    """Read a profile.

    Raises:
        DataError: there is none, it is damaged, or of another version.
    """
    again = "write it again: recbole-data profile DATASET --output FILE"
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"cannot read --reference={path}: {error.strerror}; {again}") from None
    except ValueError:
        raise DataError(f"--reference={path}: damaged, it is not JSON; {again}") from None
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise DataError(f"--reference={path}: it is no drift profile; {again}")
    if content.get("version") != VERSION:
        raise DataError(f"--reference={path}: version {content.get('version')}, this program reads {VERSION}; {again}")
    if content.pop("sha256", None) != _digest(content):
        raise DataError(f"--reference={path}: damaged, its content does not have the recorded hash; {again}")
    fields = {name: content[name] for name in StoredProfile.__dataclass_fields__}
    fields["neighbours"] = [{name: Past(**one) for name, one in window.items()} for window in fields["neighbours"]]
    return StoredProfile(**fields)
