"""Installed versions of the packages that can change a result; none of them is imported."""

import functools
import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

import recbole_ext

PACKAGES = ("recbole", "torch", "numpy", "pandas", "scipy", "polars", "safetensors", "mamba-ssm")


FURTHER = """scikit-learn numba pyyaml psutil filelock Jinja2 tqdm tensorboard kmeans-pytorch triton wandb ray optuna
    faiss-cpu lightgbm xgboost""".split()
"""Other packages of this one, whose versions help to find why something does not work."""


def package_versions() -> dict[str, str]:
    """Installed versions of the packages that can change a result."""
    return dict(_package_versions())


def all_versions() -> dict[str, str]:
    """These, and those of the other packages that are there."""
    return {**_package_versions(), **_further_versions()}


@functools.cache
def _package_versions() -> dict[str, str]:
    return {"recbole_ext": recbole_ext.__version__, "python": platform.python_version(), **_installed(PACKAGES)}


@functools.cache
def _further_versions() -> dict[str, str]:
    return _installed(FURTHER)


def _installed(names: Iterable[str]) -> dict[str, str]:
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
