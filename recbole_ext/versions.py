"""Installed versions of the packages that can change a result; none of them is imported."""

import functools
import platform
from importlib.metadata import PackageNotFoundError, version

import recbole_ext

PACKAGES = ("recbole", "torch", "numpy", "pandas", "scipy", "polars", "safetensors", "mamba-ssm")


def package_versions() -> dict[str, str]:
    """Installed versions of the packages that can change a result."""
    return dict(_package_versions())


@functools.cache
def _package_versions() -> dict[str, str]:
    found = {"recbole_ext": recbole_ext.__version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
