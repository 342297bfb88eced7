"""All forms of `drift` that are commands of their own."""

from recbole_ext.cli.drift_forms import compare, watch
from recbole_ext.cli.parser import Parser


def declare_forms(parser: Parser) -> None:
    """Declare `drift compare` and `drift watch`."""
    for name, form in (("compare", compare), ("watch", watch)):
        form.declare(parser.command(name, form.SUMMARY))
