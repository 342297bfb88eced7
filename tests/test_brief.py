"""docs/brief.md names what exists: commands, keys, files, benchmarks and sections of other pages."""

import re
from pathlib import Path

import pytest

from dataset_tools.cli import COMMANDS
from recbole_ext.cli.all_commands import build_parser
from recbole_ext.cli.parser import Parser
from recbole_ext.config.keys.known_keys import host_keys, keys_of
from recbole_ext.places import properties_folder

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "brief.md").read_text(encoding="utf-8")
QUOTED = re.findall(r"`([^`]+)`", TEXT)
ROWS = [line for line in TEXT.splitlines() if line.startswith("| ") and not line.startswith("| asked")]
OPTIONS = {"--resume", "--after", "--download", "--output", "--model", "--dataset", "--engine"}
"""Options of commands, which are no keys of a run."""


def words_of(kind: str) -> list[str]:
    return sorted({quoted for quoted in QUOTED if quoted.startswith(kind)})


@pytest.mark.parametrize("command", words_of("recbole-ext "))
def test_a_command_exists(command: str) -> None:
    parser: Parser = build_parser()
    for word in command.split()[1:]:
        if word.startswith("--"):
            break
        assert word in parser.commands, command
        parser = parser.commands[word]


@pytest.mark.parametrize("command", words_of("recbole-data "))
def test_a_command_of_the_data_tools_exists(command: str) -> None:
    assert command.split()[1] in COMMANDS


def test_every_key_exists() -> None:
    known = {*host_keys(), *keys_of(properties_folder() / "overall.yaml")}
    for path in (properties_folder() / "model").glob("*.yaml"):
        known |= set(keys_of(path))
    options = {word.partition("=")[0] for quoted in QUOTED for word in quoted.split() if word.startswith("--")}
    assert options - OPTIONS and {name for name in options - OPTIONS if name[2:] not in known} == set()


def test_every_file_and_benchmark_exists() -> None:
    files = [quoted for quoted in QUOTED if "/" in quoted and " " not in quoted and not quoted.startswith("--")]
    assert len(files) > 20 and [name for name in files if not (ROOT / name).exists()] == []
    modules = [quoted.split()[2] for quoted in words_of("python -m ")]
    assert modules and [name for name in modules if not (ROOT / f"{name.replace('.', '/')}.py").is_file()] == []


def test_every_link_leads_somewhere() -> None:
    lost = []
    for target, _, section in (link.partition("#") for link in re.findall(r"\]\(([^)]+)\)", TEXT)):
        path = ROOT / "docs" / target
        heads = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE) if path.is_file() else []
        names = {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}
        lost += [f"{target}#{section}"] if not path.is_file() or (section and section not in names) else []
    assert lost == []


def test_every_row_has_a_place_or_a_reason() -> None:
    rows = [[cell.strip() for cell in row.strip("|").split(" | ")] for row in ROWS]
    assert len(rows) > 40 and all(len(row) in (2, 3) and all(row) for row in rows)
    assert all("`" in row[-1] or "](" in row[-1] for row in rows if len(row) == 2)
