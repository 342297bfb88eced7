"""The commit of the checkout that this package runs from."""

import os
import subprocess
from functools import cache
from pathlib import Path

import recbole_ext

SECONDS = 10.0
"""A checkout on a slow disk is not waited for longer."""


@cache
def source_commit(checkout: Path = Path(recbole_ext.__file__).parents[1]) -> str | None:
    """The commit, with `, changed` where a tracked file differs from it; None for an installed package and without git.

    Args:
        checkout: the folder that holds the package.
    """
    if not (checkout / ".git").exists():
        return None  # a folder above may be a checkout of something else
    commit, changes = _git(checkout, "rev-parse", "HEAD"), _git(checkout, "status", "--porcelain", "-uno")
    return None if commit is None or changes is None else f"{commit}, changed" if changes else commit


def _git(checkout: Path, *words: str) -> str | None:
    command = ["git", "-C", str(checkout), *words]
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, env=environment, check=True)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return done.stdout.strip()
