import logging

import pytest

from recbole_ext.cli.console import quiet_host
from recbole_ext.places import RECBOLE


@pytest.mark.parametrize(
    ("path", "shown"), [(RECBOLE / "data" / "dataset.py", False), ("recbole_ext/cli/main.py", True)]
)
def test_what_python_prints_without_a_log_is_ours_alone(
    path: object, shown: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    quiet_host()
    assert logging.lastResort
    record = logging.LogRecord("root", logging.WARNING, str(path), 1, "a \x1b[1;35mcoloured\x1b[0m warning", None, None)
    logging.lastResort.handle(record)
    assert ("warning" in capsys.readouterr().err) == shown
