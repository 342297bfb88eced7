"""A command line as values: which command, which files, which settings; nothing is carried out here."""

import re
from dataclasses import dataclass, field
from typing import Any

from recbole_ext.errors import UsageError, nearest

SWITCHES = ("help", "version", "print_config", "debug", "dry_run", "json", "quick", "i-trust-this-file")
_SWITCHES_OF = {
    "quick": ("doctor",),
    "print_config": ("run", "import-checkpoint"),
    "dry_run": ("run",),
    "json": ("diagnose", "compare"),
    "i-trust-this-file": ("import-checkpoint",),
}
_TEXT = (
    *("model", "dataset", "config_files", "data_path", "runs_dir"),
    *("run", "train", "pairs", "history", "output", "input"),
    *("metric", "baseline", "space", "tune_dir", "ray-address"),
)  # and the keys of `yaml_reader.is_text`
_COMMANDS = (
    *("doctor", "run", "import-checkpoint", "metric-audit", "rate", "score", "diagnose", "report", "compare"),
    *("experiment", "ensemble", "tune"),
)
_MEANT = {"train": "run", "fit": "run", "evaluate": "run", "test": "run", "predict": "rate", "search": "tune"}
"""Words of other programs for commands of this one."""
_TAKE_A_FILE, _TAKE_FILES = ("import-checkpoint", "metric-audit", "diagnose", "report"), ("compare", "ensemble")


@dataclass
class Words:
    """A parsed command line.

    Attributes:
        command: one of `_COMMANDS`.
        file: what to import, to audit, to diagnose or to report on.
        files: what to compare or to blend.
        given: `--key=value` pairs, values read as YAML scalars.
        resume: `newest`, the name of a run, or None.
        switches: those of `SWITCHES` that were given.
        arguments: what stands behind `experiment`, which reads its own words.
    """

    command: str = "run"
    file: str = ""
    files: list[str] = field(default_factory=list)
    given: dict[str, Any] = field(default_factory=dict)
    resume: str | None = None
    switches: set[str] = field(default_factory=set)
    arguments: list[str] = field(default_factory=list)


def parse(arguments: list[str]) -> Words:
    """Read a command line; nothing is evaluated.

    Raises:
        UsageError: a word that is neither an option nor its value, an option given twice, or one of another command.
    """
    from recbole_ext.config.yaml_reader import typed_value

    rest = list(arguments)
    _check_command(rest)
    words = _command(rest)
    if words.command == "experiment":
        words.arguments, rest = rest, []
    while rest:
        word = rest.pop(0)
        if word in ("-h", "--help"):
            words.switches.add("help")
            continue
        key, equals, text = word[2:].partition("=")
        if not word.startswith("--") or not key:
            raise UsageError(f"unexpected word {word!r}; options are --key=value or --key value")
        if key in SWITCHES and not equals:
            words.switches.add(key)
            continue
        if key == "resume":
            words.resume = text if equals else "newest"
            continue
        if not equals:
            if not rest or rest[0].startswith("--"):
                raise UsageError(f"--{key} needs a value: --{key}=VALUE")
            text = rest.pop(0)
        if key in words.given:
            raise UsageError(f"--{key} is given twice")
        value = text if key in _TEXT else typed_value(key, text, f"--{key}")
        words.given[key] = None if text == "None" else value
    _check_switches(words)
    return words


def _check_command(rest: list[str]) -> None:
    """A first word without dashes is meant as a command."""
    first = rest[0] if rest else ""
    if re.fullmatch(r"[A-Za-z][\w-]*", first) and first not in _COMMANDS:
        meant = nearest(_MEANT.get(first, first), _COMMANDS, cutoff=0.4)
        raise UsageError(f"there is no command {first!r}{meant}\ncommands: {', '.join(_COMMANDS)}")


def _check_switches(words: Words) -> None:
    for switch in sorted(words.switches & set(_SWITCHES_OF)):
        if words.command not in _SWITCHES_OF[switch]:
            raise UsageError(f"--{switch} is for {' and '.join(_SWITCHES_OF[switch])}, not for {words.command}")


def _command(rest: list[str]) -> Words:
    """Take the command, and its files if it reads some, from the front of the words."""
    words = Words()
    if rest and rest[0] in _COMMANDS:
        words.command = rest.pop(0)
    if words.command in _TAKE_A_FILE and rest and not rest[0].startswith("-"):
        words.file = rest.pop(0)
    while words.command in _TAKE_FILES and rest and not rest[0].startswith("-"):
        words.files.append(rest.pop(0))
    return words
