"""Which keys exist, of which type, and what they mean: read from the commented property files.

Each line of a property file is `key: value  # (type) explanation`. RecBole's own files follow the same
habit; the keys that RecBole's sources read without listing them are found by reading those sources.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from recbole_ext.config.yaml_reader import parse_scalar
from recbole_ext.places import RECBOLE

_COMMENTED = re.compile(r"^(?P<key>\w+)\s*:(?P<value>.*?)#\s*\((?P<type>[^)]*)\)\s*(?P<text>.*)$")
_COMMENTED_BELOW = re.compile(r"^\s+#\s*(?P<text>.*)$")
_READ_IN_SOURCE = re.compile(r"""config\[\s*["'](\w+)["']\s*\]""")
_TYPES: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "int": (int,),
    "float": (float, int),
    "str": (str,),
    "list": (list,),
    "dict": (dict,),
}


@dataclass(frozen=True)
class Key:
    """One setting: its name, its declared type (`""` when no file states it) and its explanation."""

    name: str
    type: str = ""
    text: str = ""

    def accepts(self, value: Any) -> bool:
        """Whether a value fits the declared type; None and undeclared types always fit."""
        allowed = tuple(t for word in re.findall(r"\w+", self.type) for t in _TYPES.get(word, ()))
        if value is None or not allowed:
            return True
        if isinstance(value, bool):
            return bool in allowed
        return isinstance(value, allowed)


def _described(name: str, value: str, declared: str, text: str) -> Key:
    """A key with its declared type, and with that of the value that the file itself gives it.

    RecBole calls `noise_scale: 0.001` an int; what a run writes into its `config.yaml` must be readable again.
    """
    key = Key(name, declared, text)
    given = parse_scalar(value, name)
    return key if key.accepts(given) else Key(name, f"{declared} or {type(given).__name__}", text)


@cache
def keys_of(path: Path) -> dict[str, Key]:
    """Read name, type and explanation of each key from a commented property file.

    Args:
        path: a `.yaml` file; a missing one has no keys.
    """
    found: dict[str, Key] = {}
    last = None
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        match, below = _COMMENTED.match(line), _COMMENTED_BELOW.match(line)
        bare = re.match(r"^(\w+)\s*:", line)
        if match:
            last = _described(match["key"], match["value"], match["type"], match["text"].strip())
        elif below and last:
            last = Key(last.name, last.type, f"{last.text} {below['text'].strip()}")
        elif bare:
            last = Key(bare[1])
        else:
            last = None if not line.strip() else last
        if last:
            found[last.name] = last
    return found


@cache
def keys_read_by(source: Path) -> frozenset[str]:
    """The keys that a Python source of RecBole reads as `config["key"]`."""
    return keys_read_in(source.read_text(encoding="utf-8"))


@cache
def keys_read_in(text: str) -> frozenset[str]:
    """The keys that a Python text reads as `config["key"]`."""
    return frozenset(_READ_IN_SOURCE.findall(text))


@cache
def host_keys() -> dict[str, Key]:
    """All keys of RecBole that do not belong to one model."""
    found: dict[str, Key] = {}
    for source in ("config", "data", "evaluator", "sampler", "trainer", "utils"):
        for path in sorted((RECBOLE / source).rglob("*.py")):
            found.update({name: Key(name) for name in sorted(keys_read_by(path))})
    found.update({name: Key(name) for name in sorted(keys_read_by(RECBOLE / "model" / "abstract_recommender.py"))})
    for name in ("dataset/sample.yaml", "overall.yaml"):
        described = keys_of(RECBOLE / "properties" / name)
        found.update({k: v for k, v in described.items() if v.text or k not in found})
    return found
