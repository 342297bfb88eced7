"""`doctor`: checks of the installation on this machine."""

import argparse

from recbole_ext.cli.parser import Parser

SUMMARY = "check the installation on this machine, with a command that fixes each problem"


def declare(parser: Parser) -> None:
    """Declare the options."""
    parser.add_argument("--quick", action="store_true", help="skip the checks that need torch imported")
    parser.execute = doctor_command


def doctor_command(words: argparse.Namespace) -> int:
    """Execute `doctor`; 4 where a required package is missing, or in a version that does not work."""
    from recbole_ext.errors import ResourceError
    from recbole_ext.preflight import doctor

    print(doctor.report(words.quick))
    return ResourceError.exit_code if doctor.broken() else 0
