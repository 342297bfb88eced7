"""`completion`: a script for the shell that completes commands, options, keys and models."""

import argparse

from recbole_ext.cli.parser import Parser

SUMMARY = "print a script that completes commands and options in bash, zsh or tcsh"
TEXT = """Print a script for a shell. In bash, for instance:
recbole-ext completion bash > ~/.local/share/bash-completion/completions/recbole-ext"""


def declare(parser: Parser) -> None:
    """Declare the options."""
    parser.add_argument("shell", choices=("bash", "zsh", "tcsh"), help="the shell")
    parser.execute = completion_command


def completion_command(words: argparse.Namespace) -> int:
    """Execute `completion`."""
    import shtab

    print(shtab.complete(with_keys(), shell=words.shell))
    return 0


def with_keys() -> Parser:
    """The parser with every key of RecBole and of this package declared, and the names of models."""
    from recbole_ext.cli.all_commands import build_parser
    from recbole_ext.config.keys.known_keys import host_keys, keys_of
    from recbole_ext.places import properties_folder
    from recbole_ext.registry import models

    top = build_parser()
    keys = {**host_keys(), **keys_of(properties_folder() / "overall.yaml")}
    for parser in top.commands.values():
        for name in sorted(keys) if parser.takes_keys else []:
            if not parser.option(name):
                parser.add_argument(f"--{name}")
        action = parser.option("model")
        if action is not None:
            action.choices = list(models())
    return top
