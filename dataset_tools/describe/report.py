"""One self-contained HTML page: alerts, a table of all data sets, charts as inline SVG; no network, no script."""

import re
from pathlib import Path

from markupsafe import Markup, escape

from dataset_tools.describe.charts import picture
from dataset_tools.describe.described import Described, shown
from dataset_tools.page_templates import rendered


def write_page(path: Path, described: list[Described]) -> None:
    """Write the page; it replaces an older one only when it is complete."""
    part = path.with_name(path.name + ".part")
    part.write_text(page(described), encoding="utf-8")
    part.replace(path)


def page(described: list[Described]) -> str:
    """The page as text: of each data set its alerts; one column per data set, one line per number; then charts."""
    return rendered(
        Path(__file__).parent / "templates" / "report.html",
        names=", ".join(one.name for one in described),
        keys=list(dict.fromkeys(key for one in described for key in one.numbers if key != "name")),
        described=described,
        shown=shown,
        picture=picture,
        sentence=sentence,
    )


def sentence(text: str) -> Markup:
    """With a capital letter; an option of the command line, `--future warm`, is not broken over two lines."""
    words = str(escape(text[:1].upper() + text[1:]))
    return Markup(re.sub(r"--[a-z_-]+(?: warm|=\w+)?", r"<code>\g<0></code>", words))
