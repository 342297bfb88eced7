"""The same steps as ordinary Ray tasks.

Ray Data does not split one large csv; byte ranges do. Every node must see the input and the output folder
under the same path (a shared file system), because ranges are read there and runs are written there.
Results come back through Ray's object store, in order, and are written by the driver: the output is
identical to the local run's.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from dataset_tools.engines.local import Job, Result, windowed
from dataset_tools.errors import ResourceError


class RayEngine:
    """Tasks on the Ray cluster at `address`, or on a local Ray started for this run."""

    def __init__(self, address: str | None = None) -> None:
        self.ray = _import_ray()
        self.started = not self.ray.is_initialized()
        if self.started:
            self.ray.init(address=address, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
        self.width = max(2, 2 * int(self.ray.cluster_resources().get("CPU", 1)))

    def map(self, function: Callable[[Job], Result], jobs: Iterable[Job]) -> Iterator[Result]:
        """Results in the order of the jobs; two tasks per CPU are in progress."""
        task = self.ray.remote(function)
        return windowed(task.remote, self.ray.get, jobs, self.width)

    def close(self) -> None:
        """Stop a Ray that this engine started."""
        if self.started:
            self.ray.shutdown()


def _import_ray() -> Any:
    try:
        import ray
    except ImportError:
        raise ResourceError(
            "--engine ray: Ray is not installed in this environment.\n"
            "Install it (pip install 'ray>=2.54') or use --engine local; the output is the same."
        ) from None
    return ray
