"""HTML templates: every value is escaped by Jinja, and a name that has no value is an error."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

SHARED = Path(__file__).parent / "templates"
"""What all pages include: how they look."""


def rendered(template: Path, *folders: Path, **values: Any) -> str:
    """The text of a template with its values.

    Args:
        template: the file.
        folders: where else the parts lie that it includes.
        values: by the names that the template uses.
    """
    environment = Environment(
        loader=FileSystemLoader([template.parent, *folders, SHARED]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template.name).render(values)
