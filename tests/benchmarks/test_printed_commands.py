"""Every command that pages and templates print is one that its program reads, with keys that its models know."""

import argparse
import importlib
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks import command
from dataset_tools.arguments import build_parser as build_tools_parser
from dataset_tools.arguments import joined
from recbole_ext.cli.all_commands import parse
from recbole_ext.config.keys.known_keys import host_keys, keys_of
from recbole_ext.pipeline.configure import build_config
from recbole_ext.places import properties_folder

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("benchmarks/*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md")]
TEMPLATES = sorted((properties_folder() / "experiment").glob("*.yaml"))
PLACES = {"PROTOCOL": "recbole", "MODEL": "SS4Rec", "none|seen": "none", "N": "256", "S": "1", "MORE": "1"}
"""Words that stand for others."""
FORM = re.compile(r"\[--|\[RUN|\.\.\.|LOG_A|onnx\|vectors|\$\(|COMMAND| --(run|engine-settings)$")
"""What shows the form of a command, and not one to type."""
NAMED = {"recbole-ext": "ext", "run_recbole_ext.py": "ext", "recbole-data": "tools", "pytest": "pytest"}


def texts() -> Iterator[str]:
    """Lines of fenced and indented blocks, quoted words, and comments of templates that begin with a program."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        fence = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
        for block in fence.findall(text):
            yield from block.replace("\\\n", " ").splitlines()
        rest = fence.sub("", text)
        yield from re.findall(r"^    (\S.*)$", rest, re.MULTILINE)
        yield from (" ".join(quoted.split()) for quoted in re.findall(r"`([^`]+)`", rest))
    for template in TEMPLATES:
        yield from re.findall(
            r"^#.*?(?<=[ :])((?:python|recbole-data|recbole-ext) -*[^#\n]*)$", template.read_text(), re.M
        )


def words_of(text: str) -> list[str]:
    """Program, and its words with placeholders replaced; [] for what is no command, or a form of one."""
    try:
        words = shlex.split(text, comments=True)
    except ValueError:
        return []
    module = words[:1] != [] and words[0].endswith("python")
    words = [word for word in words[module:] if word != "-m"]
    if module and words:
        words[0] = re.sub(r"^benchmarks/(\w+)\.py$", r"benchmarks.\1", words[0])
    named = bool(words) and (words[0] in NAMED or (module and words[0].startswith("benchmarks.")))
    return [_replaced(word) for word in words] if named and not FORM.search(text) else []


def _replaced(word: str) -> str:
    name, equals, value = word.partition("=")
    return f"{name}={PLACES.get(value, value)}" if equals else PLACES.get(word, word)


COMMANDS = sorted({tuple(words) for words in map(words_of, texts()) if words})
BENCHMARKS = [words for words in COMMANDS if words[0].startswith("benchmarks.") and words[1:] != ()] + [
    words for words in COMMANDS if words in [("benchmarks.scan",), ("benchmarks.losses",), ("benchmarks.ml_100k",)]
]
OURS = [
    words
    for words in COMMANDS
    if NAMED.get(words[0]) == "ext" and len(words) > 2 and not (words[1] == "experiment" and len(words) == 3)
]
TOOLS = [words for words in COMMANDS if NAMED.get(words[0]) == "tools" and len(words) > 3]


class Reached(BaseException):
    """What a benchmark's parser has read; nothing is measured."""


def reached(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> tuple[argparse.Namespace, list[str]]:
    """The namespace of a benchmark's command, and the words that it hands on to the configuration."""
    read = argparse.ArgumentParser.parse_known_args

    def stop(parser: argparse.ArgumentParser, strict: bool) -> None:
        found, more = read(parser)
        if strict and more:
            parser.error(f"unknown: {more}")
        raise Reached(found, more)

    with monkeypatch.context() as patch:
        patch.setattr(sys, "argv", list(words))
        patch.setattr(argparse.ArgumentParser, "parse_args", lambda self, given=None: stop(self, True))
        patch.setattr(argparse.ArgumentParser, "parse_known_args", lambda self, given=None: stop(self, False))
        with pytest.raises(Reached) as caught:
            importlib.import_module(words[0]).main()
    return caught.value.args[0], caught.value.args[1]


def test_commands_are_found() -> None:
    assert (len(BENCHMARKS), len(OURS), len(TOOLS)) > (60, 60, 20)
    assert any("mdaf-ml-1m-phase-1" in words for words in BENCHMARKS)


@pytest.mark.parametrize("words", BENCHMARKS, ids=" ".join)
def test_a_benchmark_reads_its_command(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    found, more = reached(words, monkeypatch)
    monkeypatch.setattr(command.torch, "set_num_threads", lambda number: None)
    given = {name: value for name, value in command.further_keys(more).items() if name != "data_path"}
    default = "HybridVAE" if "rating" in words[0] else "SS4Rec"
    for model in (getattr(found, "models", None) or [getattr(found, "model", default)]) if more else []:
        build_config(model.removesuffix("+"), "ml-100k", [], given)


@pytest.mark.parametrize("words", OURS, ids=" ".join)
def test_the_product_reads_its_command(words: tuple[str, ...]) -> None:
    found: Any = parse(list(words[1:]))
    model, keys = getattr(found, "model", None), getattr(found, "keys", {})
    if model and ":" not in model and "data" not in keys:
        build_config(model, "ml-100k", [], {name: value for name, value in keys.items() if name != "data_path"})


@pytest.mark.parametrize("words", TOOLS, ids=" ".join)
def test_the_data_tools_read_their_command(words: tuple[str, ...]) -> None:
    build_tools_parser().parse_args(joined(words[1:]))


def test_quoted_options_are_those_of_a_program() -> None:
    known = {*host_keys(), *keys_of(properties_folder() / "overall.yaml")}
    for path in (properties_folder() / "model").glob("*.yaml"):
        known |= set(keys_of(path))
    own = re.findall(r'"--([\w-]+)"', "".join(path.read_text() for path in ROOT.glob("benchmarks/*.py")))
    text = (ROOT / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8")
    quoted = {word for part in re.findall(r"`(--[^`]+)`", text) for word in re.findall(r"--([\w-]+)", part)}
    assert len(quoted) > 30 and sorted(quoted - known - set(own)) == []
