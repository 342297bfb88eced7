"""What a run leaves names no folders of the machine that it was made on, so that it can be sent to others.

A path below the working directory is written as it is typed from there; of any other absolute path only the name is
left: `.../ml-1m`. The values of `config.yaml` alone keep paths outside of the working directory, because a run that is
continued needs them.
"""

import os
import re
from functools import cache
from pathlib import Path
from typing import Any

from recbole_ext.places import RECBOLE, from_here

ELSEWHERE = "..."
"""In the place of a folder that is not named."""
_FOLDERS = """Applications Library System Users Volumes bin boot data dev etc home lib media mnt opt private proc root 
    run scratch srv sys tmp usr var work""".split()
_PATH = re.compile(r"(?<![\w./~:%-])/(?P<folder>[\w.@+~%-]+)(?:/[\w.@+~%-]+)*/?")
_PYTHON = re.compile(r"python[\d.]*")


def without_machine_paths(value: Any) -> Any:
    """A nested value or a text, in which absolute paths are relative, or names alone.

    What begins with a slash and no folder of a machine, as `/m/0abc`, is no path but an id, and stays.
    """
    if isinstance(value, dict):
        return {without_machine_paths(key): without_machine_paths(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(without_machine_paths(part) for part in value)
    if not isinstance(value, str) or "/" not in value:
        return value
    return _shown(value) if _is_path(value) else _PATH.sub(_in_text, value)


def below_here(value: Any) -> Any:
    """A nested value, in which absolute paths below the working directory are relative."""
    if isinstance(value, dict):
        return {key: below_here(part) for key, part in value.items()}
    if isinstance(value, list):
        return [below_here(part) for part in value]
    return str(from_here(Path(value))) if isinstance(value, str) and value.startswith("/") else value


def recorded_data_path(path: str, dataset: str) -> str:
    """The folder of a data set as a run records it: one that RecBole carries is found by its name from anywhere."""
    carried = Path(path) == RECBOLE / "dataset_example" / dataset
    return f"dataset/{dataset}" if carried else str(below_here(path))


def portable_command(words: list[str]) -> list[str]:
    """A command line without paths of the machine: `python run_recbole_ext.py --data_path=data`."""
    start = 1 if words and _PYTHON.fullmatch(Path(words[0]).name) else 0
    program = ["python"] if start else []
    if words[start:] and words[start].startswith("/"):  # the program, wherever it is
        program.append(_name_of_program(words[start]))
    return [*program, *map(_word, words[len(program) :])]


def _name_of_program(path: str) -> str:
    short = from_here(Path(path))
    return short.name if short.is_absolute() else str(short)


def _word(word: str) -> str:
    """An option keeps its name, and a value that is a path is one whatever is in it."""
    name, equals, value = word.partition("=")
    if equals and name.startswith("--"):
        return f"{name}={_word(value)}"
    return _shown(word) if re.match(r"/[^/\s]", word) else str(without_machine_paths(word))


def _is_path(text: str) -> bool:
    """Whether a whole text is one path."""
    found = re.match(r"/([\w.@+~%-]+)(/[^\n:'\"]*)?$", text)
    return bool(found) and _is_folder(found[1]) if found else False


def _in_text(found: re.Match[str]) -> str:
    """A path within a sentence, of which a point or a slash at the end is no part."""
    if not _is_folder(found["folder"].rstrip(".")):
        return found[0]
    path = found[0].rstrip("./")
    return _shown(path) + found[0][len(path) :].replace("/", "")


@cache
def _is_folder(name: str) -> bool:
    """Whether a name is that of a folder at the root of this machine, or commonly of others."""
    return name in _FOLDERS or os.path.isdir(f"/{name}")


def _shown(path: str) -> str:
    short = from_here(Path(path))
    return f"{ELSEWHERE}/{short.name}" if short.is_absolute() else str(short)
