"""The main command: python run_recbole_ext.py --model=SS4Rec --dataset=ml-100k."""

import sys

from recbole_ext.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
