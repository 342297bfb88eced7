"""`python -m recbole_ext`."""

import sys

from recbole_ext.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
