"""Names of devices, checked with the configuration; whether a device is there is seen when torch is imported."""

import re
from typing import Any

from recbole_ext.config.layers import Layer
from recbole_ext.registry import ModelEntry

_NAMES = re.compile(r"cpu|mps|cuda(:\d{1,3})?")


def device_fault(name: str) -> str:
    """What is wrong with the name of a device; "" where it is one."""
    return "" if _NAMES.fullmatch(name) else f"device must be auto, cpu, cuda, cuda:N or mps (got {name!r})"


def device_faults(entry: ModelEntry, layers: list[Layer], values: dict[str, Any]) -> list[str]:
    """The fault of the key `device`, if there is one."""
    wanted = str(values.get("device") or "auto")
    return [fault for fault in ([] if wanted == "auto" else [device_fault(wanted)]) if fault]
