"""Names of devices; free of torch, so that they are checked before it is imported."""

import re
from typing import Any

_NAMES = re.compile(r"cpu|mps|cuda(:\d{1,3})?")


def device_fault(name: Any) -> str:
    """What is wrong with the name of a device; "" where it is one."""
    is_one = isinstance(name, str) and _NAMES.fullmatch(name)
    return "" if is_one else f"device must be auto, cpu, cuda, cuda:N or mps (got {name!r})"
