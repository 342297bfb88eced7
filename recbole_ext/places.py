"""Locations outside the code of this package: RecBole's folder, and the property files."""

from functools import cache
from glob import escape
from importlib.util import find_spec
from pathlib import Path


def _host() -> Path:
    """RecBole's folder, found without importing it: the import takes seconds, and a message about a setting none."""
    spec = find_spec("recbole")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("RecBole is not installed; run: pip install 'recbole>=1.2.1,<1.3'", name="recbole")
    return Path(spec.origin).parent


RECBOLE = _host()
"""The installed host."""


@cache
def properties_folder() -> Path:
    """The folder with the property files: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parent
    inside = package / "properties"
    return inside if inside.is_dir() else package.parent / "properties"


def found_datasets(root: Path) -> list[str]:
    """Names of the data sets that the main command finds: under `root`, and those that RecBole carries."""
    folders = [*root.glob("*"), *(RECBOLE / "dataset_example").glob("*")]
    return sorted({f.name for f in folders if f.is_dir() and any(f.glob(f"{escape(f.name)}*.inter"))})


def from_here(path: Path) -> Path:
    """A path as it is typed from the working directory: relative for what lies below it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_absolute() and path.is_relative_to(here) else path
