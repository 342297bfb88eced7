"""The parser of the command line: declared options by argparse, and RecBole's keys as `--key=value` beside them.

Underscores and hyphens are the same in the name of an option, so that `--print-config` and RecBole's `--data_path` can
be typed either way. Nothing is abbreviated, and no word is dropped: what is not declared is a key or an error.
"""

import argparse
import re
from collections.abc import Callable
from typing import Any, NoReturn

from recbole_ext.errors import UsageError, nearest


class Parser(argparse.ArgumentParser):
    """A parser whose errors are `UsageError`, with the sub-commands it has.

    Attributes:
        commands: name -> parser of the sub-command.
        takes_keys: whether `--key=value` of RecBole and of this package are accepted beside the declared options.
        execute: what the command does; takes the namespace, returns the exit code.
        summary: the line of help.
    """

    def __init__(self, takes_keys: bool = False, **named: Any) -> None:
        super().__init__(**{**named, "add_help": False, "allow_abbrev": False})
        self.commands: dict[str, Parser] = {}
        self.takes_keys = takes_keys
        self.summary = ""
        self.execute: Callable[[argparse.Namespace], int] | None = None
        self._adder: argparse._SubParsersAction[Parser] | None = None

    def command(self, name: str, summary: str, **named: Any) -> "Parser":
        """Add a sub-command with a line for the help of this parser."""
        if self._adder is None:
            self._adder = self.add_subparsers(metavar="COMMAND", parser_class=Parser, prog=self.prog)
        added: Parser = self._adder.add_parser(name, help=summary, description=named.pop("text", summary), **named)
        added.add_argument("-h", "--help", action="store_true", help="print this help")
        added.add_argument("--debug", action="store_true", help="print tracebacks")
        added.summary = summary
        self.commands[name] = added
        return added

    def option(self, name: str) -> argparse.Action | None:
        """The declared option that a typed name means, hyphens and underscores alike."""
        for action in self._actions:
            if _plain(name) in map(_plain, action.option_strings):
                return action
        return None

    def option_names(self) -> list[str]:
        """Names of the declared options, without dashes."""
        return [text[2:] for action in self._actions for text in action.option_strings if text.startswith("--")]

    def error(self, message: str) -> NoReturn:
        """An error that argparse finds, as a `UsageError`."""
        unknown = re.match(r"unrecognized arguments: (\S+)", message)
        if unknown:
            raise _unexpected(unknown[1])
        message = re.sub(r"^argument (\S+): ", r"\1: ", message)
        message = message.replace("the following arguments are required: ", f"{self.words} needs ")
        raise UsageError(f"{message}\nusage: {self.short_usage()}; all options: {self.prog} --help")

    @property
    def words(self) -> str:
        """The words of the command, without the program's name: `experiment create`."""
        return self.prog.partition(" ")[2]

    def short_usage(self) -> str:
        """The command with its files and required options."""
        formatter = self._get_formatter()
        needed = [action for action in self._actions if action.required]
        formatter.add_usage(None, needed, [], prefix="")
        return " ".join([*formatter.format_help().split(), "[OPTIONS]"])


def _plain(name: str) -> str:
    return name.lstrip("-").replace("_", "-")


def _unexpected(word: str) -> UsageError:
    return UsageError(f"unexpected word {word!r}; options are --key=value or --key value")


def read_words(top: Parser, parser: Parser, words: list[str]) -> argparse.Namespace:
    """The words of one command as a namespace; `keys` holds the `--key=value` pairs, read as YAML.

    Args:
        top: the parser of all commands, for the message about an option of another command.
        parser: of the command.
        words: what follows the command's name.

    Raises:
        UsageError: a word that is neither an option nor its value, or an option that is unknown or given twice.
    """
    declared: list[str] = []
    keys: dict[str, Any] = {}
    given: set[str] = set()
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-") or word in ("-h", "-"):
            declared.append(word)
            continue
        name, equals, text = word[2:].partition("=")
        if not word.startswith("--") or not name:
            raise _unexpected(word)
        action = parser.option(name)
        if action is None and not parser.takes_keys:
            raise _unknown(top, parser, name)
        known = action.option_strings[-1] if action else name
        if known in given and not isinstance(action, argparse._AppendAction):
            raise UsageError(f"--{name} is given twice")
        given.add(known)
        if action is not None and action.nargs in (0, "?"):
            if equals and action.nargs == 0:
                raise UsageError(f"--{name} takes no value (got {text!r})")
            declared.append(f"{known}={text}" if equals else known)
            continue
        value = text if equals else _next_value(rest, name)
        if action is not None:
            declared.append(f"{known}={value}")
        else:
            keys[_key(keys, name)] = _typed(name, value)
    found = parser.parse_args(declared)
    found.keys = keys
    return found


def _next_value(rest: list[str], name: str) -> str:
    if not rest or rest[0].startswith("--"):
        raise UsageError(f"--{name} needs a value: --{name}=VALUE")
    return rest.pop(0)


def _key(keys: dict[str, Any], name: str) -> str:
    key = name.replace("-", "_")
    if key in keys:
        raise UsageError(f"--{name} is given twice")
    return key


def _typed(name: str, text: str) -> Any:
    from recbole_ext.config.yaml_reader import typed_value

    return typed_value(name.replace("-", "_"), text, f"--{name}")


def typed(name: str) -> Callable[[str], Any]:
    """The `type` of an option that is read as YAML."""
    return lambda text: _typed(name, text)


def mapping(name: str, example: str) -> Callable[[str], dict[str, Any]]:
    """The `type` of an option that is a mapping in YAML.

    Args:
        name: of the option.
        example: shown in the message.
    """

    def read(text: str) -> dict[str, Any]:
        value = _typed(name, text)
        if not isinstance(value, dict):
            raise UsageError(f'--{name} must be a mapping, for instance "{example}" (got {value!r})')
        return value

    return read


def _unknown(top: Parser, parser: Parser, name: str) -> UsageError:
    owners = [command for command, other in top.commands.items() if other.option(name)]
    meant = nearest(name, parser.option_names())
    where = f"; it is an option of {' and '.join(owners)}" if owners else ""
    setting = f"; a setting is --set {name}=VALUE" if parser.option("set") else ""
    return UsageError(f"{parser.words}: unknown option --{name}{where or meant}{setting}")
