"""`doctor`: what works on this machine."""

import argparse

from recbole_ext.cli.parser import Parser

SUMMARY = "report what works on this machine, with the command that mends what does not"


def declare(parser: Parser) -> None:
    """Declare the options."""
    parser.add_argument("--quick", action="store_true", help="leave out what only an imported torch can answer")
    parser.carry_out = doctor_command


def doctor_command(words: argparse.Namespace) -> int:
    """Carry out `doctor`."""
    from recbole_ext.cli import doctor

    print(doctor.report(words.quick))
    return 0
