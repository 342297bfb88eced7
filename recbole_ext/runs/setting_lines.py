"""The settings of a run, a line of its `config.yaml` each, compared as text.

Reading all of a configuration as YAML takes a tenth of a second, and `--resume` looks at every unfinished run. Lines
that are equal have equal values; only a line that differs is read.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from recbole_ext.config.resolved import data_folder
from recbole_ext.config.yaml_reader import parse_scalar
from recbole_ext.errors import DataError, RecBoleExtError, UsageError
from recbole_ext.runs.recorded import FREE_KEYS, require_whole, unreadable_settings
from recbole_ext.runs.run_files import setting_line

_NUMBER = re.compile(r"-?\d{1,15}(\.\d+)?(e[-+]\d+)?")
_LINE = re.compile(r"([A-Za-z_][\w.-]*): \S")
SettingLines = dict[str, str]
"""Key -> `key: value`, without the comment on where the value came from."""


def setting_lines(text: str, where: str = "config.yaml") -> SettingLines:
    """The lines of a configuration file; one that is not written a key a line is read as YAML first.

    Raises:
        UsageError: it is no mapping of keys to values.
    """
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    found = {match[1]: line.rpartition("  # ")[0] or line for line in lines if (match := _LINE.match(line))}
    if len(found) == len(lines):
        return found
    values = parse_scalar(text, where)
    return {key: setting_line(key, value) for key, value in values.items()} if isinstance(values, dict) else {}


def recorded_lines(folder: Path) -> SettingLines:
    """The settings of a run.

    Raises:
        DataError: its `config.yaml` is missing or damaged.
    """
    path = folder / "config.yaml"
    try:
        text = path.read_text(encoding="utf-8")
        found = setting_lines(text, str(path))
        require_whole(path, text[:200].partition("\n")[0].encode(), len(found))
        return found
    except (OSError, UnicodeDecodeError, UsageError) as error:
        raise unreadable_settings(path, error) from None


def differing(then: Mapping[str, str], now: Mapping[str, str]) -> Iterator[tuple[str, Any, Any]]:
    """Key, earlier and present value of each setting that matters and differs; a missing one is None.

    Raises:
        DataError: a line that differs cannot be read.
    """
    for key in sorted({*then, *now} - FREE_KEYS):
        if then.get(key) != now.get(key):
            values = [_value(line) if (line := of.get(key)) else None for of in (then, now)]
            if values[0] != values[1] and not _is_same_place(key, *values):
                yield key, values[0], values[1]


class SameSettings:
    """Recognises the runs that have certain settings; most others differ in one line, found in their text.

    Args:
        wanted: the settings.
    """

    def __init__(self, wanted: SettingLines) -> None:
        self.wanted, self.keys = wanted, [key for key in wanted if key not in FREE_KEYS]

    def are_those_of(self, run: Path) -> bool:
        """Whether a run has the settings; one whose settings cannot be read has others."""
        try:
            text = (run / "config.yaml").read_text(encoding="utf-8")
            different = next((key for key in self.keys if self._differs(key, text)), None)
            if different is None:
                return next(differing(setting_lines(text), self.wanted), None) is None
        except (OSError, UnicodeDecodeError, RecBoleExtError):
            return False
        self.keys.remove(different)  # what differs in one run differs in many
        self.keys.insert(0, different)
        return False

    def _differs(self, key: str, text: str) -> bool:
        """Whether a configuration file certainly has another value under a key."""
        if f"\n{self.wanted[key]}  # " in text:
            return False
        start = text.find(f"\n{key}: ") + 1
        if not start:
            return False
        line = text[start : text.find("\n", start)].rpartition("  # ")[0]
        then, now = _compared(line), _compared(self.wanted[key])
        return bool(line) and then != now and not _is_same_place(key, then, now)


def _is_same_place(key: str, then: Any, now: Any) -> bool:
    """Whether two values are one path: earlier versions recorded absolute ones."""
    if not (isinstance(then, str) and isinstance(now, str)) or "/" not in (then[:1], now[:1]):
        return False
    paths = [data_folder(each, Path(each).name) if key == "data_path" else Path(each) for each in (then, now)]
    return paths[0].resolve() == paths[1].resolve()


def _compared(line: str) -> Any:
    """The value, without YAML where it is a number."""
    value = line.partition(": ")[2]
    return float(value) if _NUMBER.fullmatch(value) else _value(line)


@lru_cache(maxsize=10_000)
def _value(line: str) -> Any:
    key, _, value = line.partition(": ")
    try:
        return parse_scalar(value, key, key)
    except UsageError as error:
        raise DataError(f"config.yaml is damaged: {error}") from None
