"""The trainer of a tiny model, as the loop's tests have it."""

from tests.training.conftest import build

__all__ = ["build"]
