"""On which systems and versions of Python this runs, refused at once on any other.

The packages check this when they are imported and `make` before it installs, so this file must parse on an old
Python.
"""

import sys

VERSIONS = ((3, 11), (3, 12), (3, 13))
SYSTEMS = ("linux", "darwin")


def refusal(version: "tuple[int, ...]", system: str) -> str:
    """One sentence about an unsupported interpreter, or "".

    Args:
        version: major and minor number, and any after them.
        system: as in `sys.platform`.
    """
    if tuple(version[:2]) in VERSIONS and system in SYSTEMS:
        return ""
    name = {"win32": "Windows", "linux": "Linux", "darwin": "macOS"}.get(system, system)
    return (
        "recbole_ext and dataset_tools run on Linux and macOS with Python 3.11, 3.12 or 3.13, "
        f"and this is Python {version[0]}.{version[1]} on {name}."
    )


def require_platform() -> None:
    """Exit with that sentence on an unsupported interpreter.

    Raises:
        SystemExit: with exit code 4, a missing resource.
    """
    found = refusal(sys.version_info[:2], sys.platform)
    if found:
        sys.stderr.write(found + "\n")
        sys.exit(4)


if __name__ == "__main__":
    require_platform()
