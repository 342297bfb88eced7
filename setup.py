"""The long description of the package index; everything else of the package is in setup.cfg.

The index resolves no relative links. With an address named `Source` in `project_urls` they point there; without one the
text of a link stays, and the source distribution has the file of that name.
"""

import configparser
import re
from pathlib import Path

ROOT = Path(__file__).parent
_RELATIVE = re.compile(r"\[(?P<text>[^\]]+)\]\((?!https?:|mailto:|#)(?P<target>[^)\s]+)\)")


def long_description(readme: str, source: str = "") -> str:
    """The README without relative links.

    Args:
        readme: in Markdown.
        source: address of the repository; "" where it has none.
    """
    if not source:
        return _RELATIVE.sub(lambda link: link["text"], readme)
    return _RELATIVE.sub(lambda link: f"[{link['text']}]({source.rstrip('/')}/blob/main/{link['target']})", readme)


def source_address() -> str:
    """`Source` of `project_urls` in setup.cfg; "" where there is none."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    lines = parser.get("metadata", "project_urls", fallback="").splitlines()
    named = dict([part.strip() for part in line.split("=", 1)] for line in lines if "=" in line)
    return named.get("Source", "")


if __name__ == "__main__":
    from setuptools import setup

    setup(
        long_description=long_description((ROOT / "README.md").read_text(encoding="utf-8"), source_address()),
        long_description_content_type="text/markdown",
    )
