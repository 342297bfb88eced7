"""All commands in their groups, each declared in a file of `commands/` with its options and what it does."""

import argparse
from importlib import import_module

from recbole_ext.cli.parser import Parser, read_words
from recbole_ext.errors import UsageError, nearest

PROGRAM = "recbole-ext"
TRAINING = ("run", "tune", "experiment", "import_checkpoint", "continue")
GROUPS = {
    "Train": (*TRAINING, "preflight"),
    "Use a trained model": ("recommend", "rate", "score", "export", "serve"),
    "Judge": ("runs", "watch", "evaluate", "report", "diagnose", "compare", "ensemble", "drift", "ab", "metric_audit"),
    "Look up": ("models", "keys", "doctor", "completion"),
}
"""Title -> modules of `commands`; each has `SUMMARY` and `declare(parser)`, and may have `TEXT` and `TAKES_KEYS`."""
_MEANT = {"train": "run", "fit": "run", "test": "evaluate", "predict": "recommend", "search": "tune"}
_MEANT |= dict.fromkeys(("check", "dry-run", "validate"), "preflight")
"""Words of other programs for commands of this one."""
_EXAMPLES = (
    f"{PROGRAM} --model=SS4Rec --dataset=ml-100k --epochs=5",
    f"{PROGRAM} recommend --run runs/RUN --users 196,186 --k 5",
    f"{PROGRAM} compare runs/A runs/B",
)


def build_parser() -> Parser:
    """The parser of all commands."""
    top = Parser(prog=PROGRAM, usage=f"{PROGRAM} COMMAND [OPTIONS]")
    for module in (name for names in GROUPS.values() for name in names):
        command = import_module(f"recbole_ext.cli.commands.{module}")
        name, text = module.replace("_", "-"), getattr(command, "TEXT", command.SUMMARY)
        command.declare(top.command(name, command.SUMMARY, text=text, takes_keys=getattr(command, "TAKES_KEYS", False)))
    return top


def find_command(top: Parser, words: list[str]) -> tuple[list[str], Parser, list[str]]:
    """The command that the words name, `run` without one: its words, its parser, and the arguments after it.

    Raises:
        UsageError: the first word is no command.
    """
    if not words or words[0].startswith("-"):
        return ["run"], top.commands["run"], words
    path: list[str] = []
    parser, rest = top, list(words)
    while rest and parser.commands and not rest[0].startswith("-"):
        name = rest.pop(0)
        if name not in parser.commands:
            raise _no_command(path, parser, name)
        path.append(name)
        parser = parser.commands[name]
    if parser.commands and parser.execute is None and not {"-h", "--help"} & set(rest):
        names = ", ".join(parser.commands)
        raise UsageError(f"{' '.join(path)} needs one of {names}; more: {PROGRAM} {' '.join(path)} --help")
    return path, parser, rest


def parse(words: list[str]) -> argparse.Namespace:
    """The words of a command line as a namespace: the command's name in `command`, its call in `execute`.

    The help of a command needs none of its words.

    Raises:
        UsageError: a word that cannot be read.
    """
    top = build_parser()
    path, parser, rest = find_command(top, words)
    if {"-h", "--help"} & set(rest):
        return argparse.Namespace(command=" ".join(path), execute=lambda _: _printed(parser.format_help()))
    found = read_words(top, parser, rest)
    found.command, found.execute = " ".join(path), parser.execute
    return found


def _printed(text: str) -> int:
    print(text.rstrip())
    return 0


def _no_command(path: list[str], parser: Parser, name: str) -> UsageError:
    if not path and not name.replace("-", "").replace("_", "").isalnum():
        return UsageError(f"unexpected word {name!r}; options are --key=value or --key value")
    names = list(parser.commands)
    if path:
        return UsageError(f"{' '.join(path)} needs one of {', '.join(names)} (got {name!r}){nearest(name, names)}")
    meant = nearest(_MEANT.get(name, name), names, cutoff=0.4)
    return UsageError(f"there is no command {name!r}{meant}\ncommands: {', '.join(names)}")


def overview() -> str:
    """The help of the whole program: the commands in groups, with a line each."""
    top = build_parser()
    lines = [
        f"usage: {PROGRAM} --model=MODEL --dataset=DATASET [--key=value ...]   or   {PROGRAM} COMMAND [OPTIONS]",
        f"       {PROGRAM} COMMAND --help   options of a command      {PROGRAM} --version",
        "",
        *(f"  {example}" for example in _EXAMPLES),
    ]
    for title, modules in GROUPS.items():
        names = [module.replace("_", "-") for module in modules]
        lines += ["", f"{title}:", *(f"  {name:<19}{top.commands[name].summary}" for name in names)]
    return "\n".join([*lines, "From a checkout: python run_recbole_ext.py. Prepare data: recbole-data --help."])
