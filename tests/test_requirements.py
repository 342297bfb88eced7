"""The files of pinned versions are whole: pip installs some of them with --no-deps."""

import re
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
OF_TORCH = "nvidia|cuda|triton"


def pinned(file: str) -> set[str]:
    """Names that a file pins, in their canonical form."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / file).read_text().splitlines())
    return {canonicalize_name(re.split("[=<>;\\[ ]", line)[0]) for line in lines if line and not line.startswith("-")}


def needed(name: str) -> set[str]:
    """What a package requires here, without its extras."""
    found = (Requirement(text) for text in requires(name) or ())
    return {canonicalize_name(one.name) for one in found if one.marker is None or one.marker.evaluate({"extra": ""})}


@pytest.mark.parametrize("file", ["requirements-serve.txt", "requirements-tune.txt"])
def test_what_is_installed_without_dependencies_pins_all_of_them(file: str) -> None:
    try:
        wanted = {(name, other) for name in pinned(file) for other in needed(name)}
    except PackageNotFoundError as error:
        pytest.skip(f"{error.name} is not installed")
    installed = pinned("requirements.txt") | pinned("requirements-test.txt") | pinned(file) | {"typing-extensions"}
    from_plain_install = {
        other for name in pinned("requirements.txt") for other in needed(name) if not re.match(OF_TORCH, other)
    }
    missing = {(name, other) for name, other in wanted if other not in installed | from_plain_install}
    assert not missing, f"{file} does not pin {sorted(missing)}"
