"""How torch's OpenMP threads wait for work: a moment awake, then asleep."""

import os

WAITING = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "10000"}
"""By default they spin for many milliseconds on the cores that the kernels' own threads need; with no spinning at
all, each of the many short operations of a step has to wake them. SS4Rec on ML-1M, two threads, microseconds per
position: 35 with a plain `passive`, 29 with both."""


def wait_briefly() -> None:
    """Set what the environment has not set; torch reads it once, when it is imported."""
    for name, value in WAITING.items():
        os.environ.setdefault(name, value)
