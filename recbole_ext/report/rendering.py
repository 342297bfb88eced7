"""The templates of pages and cards, in the folder `templates`.

In HTML every value is escaped by Jinja; what is markup already (a chart, a part of a page) is `Markup`. In Markdown
every value is kept one line of plain words, but for what is `Markdown` already.
"""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from dataset_tools.page_templates import SHARED
from dataset_tools.visible import visible
from recbole_ext.redact import redact_forms
from recbole_ext.report.markdown import escaped

_TEMPLATES = Path(__file__).parent / "templates"


def html(name: str, **values: Any) -> Markup:
    """A whole template of HTML."""
    return Markup(_environment(True).get_template(name).render(values))


def part(name: str, *values: Any) -> Markup:
    """A macro of `parts.html`."""
    return getattr(_environment(True).get_template("parts.html").module, name)(*values)


def markdown(name: str, **values: Any) -> str:
    """A whole template of Markdown, without forms of secrets."""
    return redact_forms(_environment(False).get_template(name).render(values))


@cache
def _environment(escapes: bool) -> Environment:
    return Environment(
        loader=FileSystemLoader([_TEMPLATES, SHARED]),
        autoescape=escapes,
        finalize=_seen if escapes else escaped,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _seen(value: Any) -> Any:
    """Text of a page whose hidden characters, such as a turn of the direction of writing, are escapes."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
