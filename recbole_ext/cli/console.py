"""What the terminal does not show: RecBole's own log, whose warnings are reported in our words or not at all.

RecBole logs to the root logger. Before a run has its log.txt, Python prints such warnings to the terminal as they are.
"""

import logging

from recbole_ext.places import RECBOLE


def quiet_host() -> None:
    """Keep RecBole's warnings off the terminal; handlers that were set up, as a run's log.txt, still get them."""
    if logging.lastResort is not None:
        logging.lastResort.addFilter(_is_ours)  # once: a filter that is there is not added again


def _is_ours(record: logging.LogRecord) -> bool:
    return not record.pathname.startswith(str(RECBOLE))
