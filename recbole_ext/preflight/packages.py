"""The packages that this one declares, and whether what is installed is in their ranges; none of them is imported."""

import configparser
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

DISTRIBUTION = "recbole-ext"
TUNE = ("ray[tune]>=2.54", "optuna>=4", "pyarrow<26")
"""What `tune` needs; no extra, because RecBole pins an old Ray, and pip would refuse both together."""
PURPOSES = {
    "tune": "the command tune",
    "serve": "the command serve",
    "export": "the command export",
    "wandb": "log_wandb: True",
    "trees": "LightGBM and XGBoost",
    "ncl": "RecBole's NCL",
    "cuda": "the back end mamba_ssm, on NVIDIA GPUs",
}
"""Group of optional packages -> what needs it."""
COMMANDS = {"cuda": "pip install --no-build-isolation"}
"""Group -> how its packages are installed, where it is not by plain pip."""


@dataclass(frozen=True)
class Package:
    """One declared package on this machine.

    Attributes:
        name: of the distribution.
        number: its installed version; "" where it is not installed.
        problem: what is wrong with that version; "" for nothing.
        command: what installs a version that works.
    """

    name: str
    number: str
    problem: str
    command: str

    def line(self) -> str:
        """Name, version, and what to do."""
        state = f"{self.problem}; run: {self.command}" if self.problem else "ok"
        return f"{' '.join(filter(None, (self.name, self.number)))}: {state}"


def declared(group: str = "", python: tuple[int, ...] = sys.version_info[:2]) -> list[Requirement]:
    """The required packages, or those of a group of optional ones, that a version of Python needs.

    Args:
        group: "" for what is required, `tune`, or an extra of setup.cfg.
        python: major and minor version.
    """
    texts = TUNE if group == "tune" else _texts(group)
    where = {"python_version": ".".join(map(str, python)), "extra": group}
    found = [Requirement(text) for text in texts]
    return [one for one in found if one.marker is None or one.marker.evaluate(where)]


def _texts(group: str) -> list[str]:
    """From setup.cfg in a checkout, where an installation may be older, else from the installed metadata."""
    path = Path(__file__).parents[2] / "setup.cfg"
    if not path.is_file():
        return [text for text in requires(DISTRIBUTION) or () if ("extra ==" in text) == bool(group)]
    parser = configparser.ConfigParser()
    parser.read(path, encoding="utf-8")
    if not group:
        return parser["options"]["install_requires"].split("\n")[1:]
    return parser["options.extras_require"][group].split("\n")[1:]


def examined(group: str = "") -> list[Package]:
    """The packages of a group, as they are installed."""
    return [judged(one, _installed(one.name), group) for one in declared(group)]


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def judged(wanted: Requirement, number: str, group: str = "") -> Package:
    """A package in a version, "" for none."""
    command = f"{COMMANDS.get(group, 'pip install')} '{wanted.name}"
    extras = f"[{','.join(sorted(wanted.extras))}]" if wanted.extras else ""
    if not number:
        return Package(wanted.name, "", "not installed", f"{command}{extras}{ordered(wanted.specifier)}'")
    found = Version(Version(number).base_version)
    for bound in sorted(wanted.specifier, key=lambda each: each.operator, reverse=True):  # `>=` before `<`
        if found not in SpecifierSet(str(bound)):
            problem = "too old" if bound.operator == ">=" else "too new, it does not work"
            return Package(wanted.name, number, problem, f"{command}{bound}'")
    return Package(wanted.name, number, "", "")


def ordered(bounds: SpecifierSet) -> str:
    """`>=2.2,<3`: the lowest version first."""
    return ",".join(sorted(map(str, bounds), reverse=True))
