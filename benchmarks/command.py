"""What the commands of all benchmarks share: lists, further keys, and errors as one message and an exit code."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from recbole_ext.config.yaml_reader import parse_scalar
from recbole_ext.errors import DataError, UsageError, reported, unwrapped


def numbers(text: str) -> list[int]:
    """`1,2,3` as numbers."""
    return [int(word) for word in text.split(",") if word.strip()]


def decimals(text: str) -> list[float]:
    """`0.001,0.003` as numbers."""
    return [float(word) for word in text.split(",")]


def names(text: str) -> list[str]:
    """`SS4Rec,SASRec` as names."""
    return [word.strip() for word in text.split(",") if word.strip()]


def further_keys(words: list[str]) -> dict[str, Any]:
    """Keys of the configuration among the words that a benchmark's own parser does not know.

    The number of threads is set here, so that the header of a table names it.

    Raises:
        UsageError: a word is not --key=value.
    """
    for word in words:
        if not word.startswith("--") or "=" not in word:
            raise UsageError(f"unexpected word {word!r}; further options are --key=value, keys of the configuration")
    pairs = [word.removeprefix("--").split("=", 1) for word in words]
    given = {key: parse_scalar(value, f"--{key}", key) for key, value in pairs}
    threads = given.get("torch_threads")
    if isinstance(threads, int) and threads > 0:
        torch.set_num_threads(threads)
    return given


def require_known(option: str, chosen: list[str], known: list[str]) -> None:
    """Refuse a name before anything is measured.

    Raises:
        UsageError: it is none of the known ones.
    """
    for name in chosen:
        if name not in known:
            raise UsageError(f"{option}: there is no {name!r}; known: {', '.join(known)}")


def require_file(path: Path) -> Path:
    """The path.

    Raises:
        DataError: there is no such file.
    """
    if not path.is_file():
        raise DataError(f"there is no file {path}")
    return path


def execute(main: Callable[[], int | None]) -> None:
    """End the process with the code of a benchmark: 0, 2 usage, 3 data, 4 resources, 5 non-finite, 130 interrupted."""
    try:
        code = main()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        code = 130
    except subprocess.CalledProcessError as error:  # which has printed why
        print(f"error: {' '.join(map(str, error.cmd))} ended with {error.returncode}", file=sys.stderr)
        code = error.returncode if error.returncode > 0 else 128 - error.returncode
    except Exception as error:
        known = reported(unwrapped(error))
        if known is None:
            raise
        print(f"error: {known}", file=sys.stderr)
        code = known.exit_code
    sys.exit(code)
