"""Names of devices; free of torch, so that they are checked before it is imported."""

import re

_NAMES = re.compile(r"cpu|mps|cuda(:\d{1,3})?")


def device_fault(name: str) -> str:
    """What is wrong with the name of a device; "" where it is one."""
    return "" if _NAMES.fullmatch(name) else f"device must be auto, cpu, cuda, cuda:N or mps (got {name!r})"
