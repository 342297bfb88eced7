"""Which engine runs the steps; Ray is imported only when it is chosen."""

import os

from dataset_tools.engines.local import Engine, LocalEngine
from dataset_tools.errors import UsageError

ENGINES = ("local", "ray")


def make_engine(name: str, threads: int = 0, address: str | None = None) -> Engine:
    """The engine called `name`.

    Args:
        name: one of ENGINES.
        threads: of the local engine; 0 for one per processor, at most 4.
        address: of a Ray cluster; None starts a local one.

    Raises:
        UsageError: there is no such engine.
        ResourceError: Ray is not installed.
    """
    if name == "local":
        return LocalEngine(threads or min(os.cpu_count() or 1, 4))
    if name == "ray":
        from dataset_tools.engines.on_ray import RayEngine

        return RayEngine(address)
    raise UsageError(f"--engine: unknown engine {name!r}; allowed: {', '.join(ENGINES)}")
