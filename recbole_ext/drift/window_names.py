"""The name of a window is the moment it begins."""

from collections.abc import Mapping
from typing import Any

from dataset_tools.drift.moments import shown_moment


def began(window: Mapping[str, Any]) -> str:
    """When a window began."""
    return shown_moment(window["start"], window["start"], window["end"])


def ended(window: Mapping[str, Any]) -> str:
    """When a window ended."""
    return shown_moment(window["end"], window["start"], window["end"])
