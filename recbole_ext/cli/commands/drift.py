"""`drift`: what has changed since a model was trained."""

from recbole_ext.cli.drift_forms.forms import declare_forms
from recbole_ext.cli.parser import Parser

SUMMARY = "compare two models before a switch, and watch a stream for drift"


def declare(parser: Parser) -> None:
    """Declare the forms."""
    declare_forms(parser)
