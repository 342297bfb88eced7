"""What a file that is read back holds: kinds of values, the format of the file, and one reader for all of them.

A kind is a function of a value and of its place in the file; it returns what is wrong, "" for nothing.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dataset_tools.errors import DataError

Kind = Callable[[Any, str], str]
_LONGEST = 60


def _kind(meaning: str, holds: Callable[[Any], bool]) -> Kind:
    def check(value: Any, at: str) -> str:
        return "" if holds(value) else f"{at} must be {meaning} (got {_shown(value)})"

    return check


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


ANYTHING: Kind = _kind("anything", lambda value: True)
TEXT: Kind = _kind("a text", lambda value: isinstance(value, str))
FLAG: Kind = _kind("true or false", lambda value: isinstance(value, bool))
NUMBER: Kind = _kind("a number", lambda value: isinstance(value, int | float) and not isinstance(value, bool))
WHOLE: Kind = _kind("a whole number", lambda value: isinstance(value, int) and not isinstance(value, bool))
OBJECT: Kind = _kind("a mapping", lambda value: isinstance(value, dict))
LIST: Kind = _kind("a list", lambda value: isinstance(value, list))


def maybe(kind: Kind) -> Kind:
    """The kind, or nothing."""
    return lambda value, at: "" if value is None else kind(value, at)


def either(*kinds: Kind) -> Kind:
    """One of several kinds; the message is that of the first."""
    return lambda value, at: "" if any(not kind(value, at) for kind in kinds) else kinds[0](value, at)


def list_of(kind: Kind) -> Kind:
    """A list whose members are of a kind."""
    return lambda value, at: LIST(value, at) or _first(kind(each, f"{at}[{i}]") for i, each in enumerate(value))


def pair_of(kind: Kind) -> Kind:
    """A list of two members of a kind."""
    return lambda value, at: list_of(kind)(value, at) or ("" if len(value) == 2 else f"{at} must have two members")


def map_of(kind: Kind) -> Kind:
    """A mapping whose values are of a kind."""
    return lambda value, at: OBJECT(value, at) or _first(kind(each, f"{at}.{key}") for key, each in value.items())


def record(required: Mapping[str, Kind] | None = None, /, **optional: Kind) -> Kind:
    """A mapping in which these keys have these kinds; others may be there."""
    needed = dict(required or {})

    def check(value: Any, at: str) -> str:
        wrong = OBJECT(value, at or "the content")
        if wrong:
            return wrong
        missing = next((key for key in needed if key not in value), None)
        if missing is not None:
            return f"{at + '.' * bool(at)}{missing} is missing"
        kinds = needed | optional
        return _first(kinds[key](value[key], f"{at + '.' * bool(at)}{key}") for key in kinds if key in value)

    return check


def _first(found: Any) -> str:
    return next((each for each in found if each), "")


@dataclass(frozen=True)
class FileKind:
    """A kind of file.

    Attributes:
        content: of the whole file.
        again: what to do where it is damaged.
        version: the newest format that this version reads.
        key: of the format in the file; a file without it is of format 1.
        earlier: the formats that are read too.
    """

    content: Kind
    again: str
    version: int = 1
    key: str = "format"
    earlier: tuple[int, ...] = field(default=())

    def read_json(self, path: Path) -> dict[str, Any]:
        """What a JSON file of this kind holds.

        Raises:
            DataError: it cannot be read, or is damaged or newer.
        """
        return self.checked(read_json_value(path, self.again), path)

    def checked(self, value: Any, path: Path) -> dict[str, Any]:
        """What a file holds, if it is of this kind.

        Raises:
            DataError: it is not, or it is newer.
        """
        found = value.get(self.key, 1) if isinstance(value, dict) else 1
        if isinstance(found, int) and not isinstance(found, bool) and found > self.version:
            raise DataError(
                f"{path} was written by a newer version: its format is {found}, and this version reads format "
                f"{self.version}\nread it with the version that wrote it, or update this one"
            )
        wrong = self.content(value, "")
        if not wrong and found not in (self.version, *self.earlier):
            wrong = f"its {self.key} is {_shown(found)}; this version reads {self.version}"
        if wrong:
            raise damaged(path, wrong, self.again)
        return dict(value)


def read_json_value(path: Path, again: str) -> Any:
    """The value in a JSON file.

    Raises:
        DataError: it cannot be read, or is not JSON.
    """
    try:
        return json.loads(path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise damaged(path, f"it cannot be read: {(error.strerror or str(error)).lower()}", again) from None
    except UnicodeDecodeError as error:
        raise damaged(path, f"byte {error.start} is no text in UTF-8", again) from None
    except RecursionError:
        raise damaged(path, "it is nested too deeply", again) from None
    except ValueError as error:
        empty = path.stat().st_size == 0
        raise damaged(path, "it is empty" if empty else f"it is not JSON: {error}", again) from None


def damaged(path: Path, wrong: str, again: str) -> DataError:
    """That a file is damaged: what is wrong with it, and what to do."""
    return DataError(f"{path} is damaged: {wrong}\n{again}")
