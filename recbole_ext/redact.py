"""Secrets are hidden wherever a run writes or prints: by the name they are under, by form, in sentences by value.

What a name gives away (`WANDB_API_KEY` in the environment, `api_token` in a configuration, `--password=...` on the
command line) is remembered by value for the life of the process, so that it is also found in a message. Settings,
results and names of columns are no sentences: one that is equal to a secret stays as it is,
because programs read it again.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from recbole_ext.secret_forms import HIDDEN, without_tokens, without_values
from recbole_ext.secret_names import is_secret_name

SHORTEST = 8
"""Shorter secrets are hidden under their name only: as text they would hide ordinary words."""

PROSE = frozenset(("text", "cause", "warnings", "reason", "message"))
"""Keys of sentences in events, results and records."""
NAMES_OF_DATA = frozenset(
    """threshold val_interval seq_len discretization load_col unload_col unused_col preload_weight filled titles
    data_sha256""".split()
)
"""Mappings of settings and results from names in the data (columns, items, files), which name no secrets."""
_remembered: dict[str, re.Pattern[str]] = {}


def remember(values: Mapping[str, Any]) -> None:
    """Remember what is under the names of secrets, at any depth."""
    for text in _secrets(values):
        remember_text(text)


def remember_text(secret: str) -> None:
    """Remember one secret, whole and line by line."""
    lines = [line.strip() for line in secret.splitlines()]
    for text in (secret, secret.strip(), *(line for line in lines if len(line) >= 2 * SHORTEST)):
        if len(text) >= SHORTEST and text not in HIDDEN:
            _remembered.setdefault(text, _pattern(text))


def _pattern(secret: str) -> re.Pattern[str]:
    """The secret as it is, as part of an address, and inside texts of texts, each with its own escapes."""
    return re.compile("|".join(("".join(map(_escaped, secret)), re.escape(quote(secret, safe="")))), re.IGNORECASE)


def _escaped(sign: str) -> str:
    """One sign with any number of backslashes before it, or as JSON and Python write it."""
    if sign == "\\":
        return r"\\{1,8}"
    if sign in "'\"":
        return rf"\\{{0,8}}{sign}"
    if sign in "\n\r\t":
        return rf"(?:{sign}|\\{{1,8}}{repr(sign)[2]})"
    return re.escape(sign) if sign.isascii() else rf"(?:{sign}|\\{{1,8}}(?:x{ord(sign):02x}|u{ord(sign):04x}))"


def remember_words(words: list[str]) -> None:
    """Remember the values of a command line's options that are named like secrets."""
    remember({name: value for _, name, value in _options(words) if is_secret_name(name)})


def redact_text(text: str) -> str:
    """A text without the secrets of this process and of its environment."""
    _remember_environment()
    return _without_remembered(text)


def _remember_environment() -> None:
    remember({name: os.environ[name] for name in os.environ if is_secret_name(name)})


def _without_remembered(text: str) -> str:
    for _, pattern in sorted(_remembered.items(), key=lambda item: -len(item[0])):
        text = pattern.sub(HIDDEN, text)
    return redact_command(text)


def redact_command(text: str) -> str:
    """A command line as one text, without what a name (`--api_key=value`) or a form gives away."""
    return without_values(without_tokens(text))


def redact_forms(text: str) -> str:
    """A name or a value that is no sentence, without secrets that are known by their form."""
    return without_tokens(text)


def redact(value: Any) -> Any:
    """A nested value that programs read again, without secrets.

    What is under the name of a secret is hidden whatever it is, and forms of secrets everywhere; secrets that are known
    by their value only in sentences (`PROSE`).
    """
    _remember_environment()
    return _redacted(value, redact_forms)


def _redacted(value: Any, hide: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {key: _part(key, part, hide) for key, part in value.items()}
    if isinstance(value, list | tuple | set):
        return type(value)(_redacted(part, hide) for part in value)
    return hide(value) if isinstance(value, str) else value


def _part(key: Any, value: Any, hide: Callable[[str], str]) -> Any:
    if key in NAMES_OF_DATA and isinstance(value, dict):
        return {name: _redacted(part, hide) for name, part in value.items()}
    return HIDDEN if _hidden_by_name(key, value) else _redacted(value, _without_remembered if key in PROSE else hide)


def redact_words(words: list[str]) -> list[str]:
    """A command line that can be repeated, without secrets; options (`--api_key=value`) keep their names."""
    hidden = list(words)
    for place, name, _ in _options(words):
        if is_secret_name(name):
            hidden[place] = f"{words[place].partition('=')[0]}={HIDDEN}" if words[place].startswith("--") else HIDDEN
    return [redact_forms(word) for word in hidden]


def _options(words: list[str]) -> Iterator[tuple[int, str, str]]:
    """Place, option and text of every value."""
    for place, word in enumerate(words):
        name, equals, text = word.removeprefix("--").partition("=")
        if not word.startswith("--"):
            continue
        if equals:
            yield place, name, text
        elif place + 1 < len(words) and not words[place + 1].startswith("--"):
            yield place + 1, name, words[place + 1]


def _hidden_by_name(key: Any, value: Any) -> bool:
    return isinstance(key, str) and is_secret_name(key) and not isinstance(value, bool | None) and value not in ("", [])


def _secrets(value: Any, under: bool = False) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            parts = part.values() if key in NAMES_OF_DATA and isinstance(part, Mapping) else [part]
            for one in parts:
                yield from _secrets(one, under or is_secret_name(str(key)))
    elif isinstance(value, list | tuple | set):
        for part in value:
            yield from _secrets(part, under)
    elif under and isinstance(value, str | bytes | int) and not isinstance(value, bool):
        yield value.decode(errors="replace") if isinstance(value, bytes) else str(value)
