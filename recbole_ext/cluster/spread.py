"""Pieces of work in several processes of Ray, with the results in the order of the pieces."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from recbole_ext.cluster.ray_session import ray_session
from recbole_ext.errors import ResourceError

Result = TypeVar("Result")
_AHEAD = 2
"""Pieces that each process has been given and whose results have not been taken yet, at most."""


class _Worker(Generic[Result]):
    """One process.

    Args:
        make: what makes the work, in this process.
    """

    def __init__(self, make: Callable[[], Callable[[int], Result]]) -> None:
        self.work = make()

    def do(self, number: int) -> Result:
        """The result of a piece."""
        return self.work(number)


@contextmanager
def spread(
    make: Callable[[], Callable[[int], Result]], count: int, processes: int | None = None, address: str | None = None
) -> Iterator[Iterator[Result]]:
    """The results of `make()(number)` for the numbers below `count`, in their order.

    Args:
        make: called once in each process; it must be importable there, and on a cluster find its files there.
        count: of the pieces.
        processes: how many; None for one per CPU.
        address: `host:port` of a cluster's head, or `auto`; None for a Ray of this machine alone.

    Raises:
        ResourceError: Ray is not installed, cannot be reached or started, or one of its processes was killed.
    """
    try:
        with ray_session(address) as resources:
            cpus = max(1.0, resources.get("CPU", 1.0))
            width = min(processes or int(cpus), max(count, 1))
            yield _results(make, count, width, min(1.0, cpus / width))
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise ResourceError("--engine=ray needs Ray: pip install --no-deps -r requirements-tune.txt") from None


def _results(make: Callable[[], Any], count: int, width: int, cpus: float) -> Iterator[Any]:
    import ray

    remote: Any = ray.remote(num_cpus=cpus, scheduling_strategy="SPREAD")(_Worker)
    workers: list[Any] = [remote.remote(make) for _ in range(width)]
    waiting: deque[Any] = deque()
    for number in range(count):
        waiting.append(workers[number % width].do.remote(number))
        if len(waiting) > _AHEAD * width:
            yield _result(ray, waiting.popleft())
    while waiting:
        yield _result(ray, waiting.popleft())


def _result(ray: Any, reference: Any) -> Any:
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
    except ray.exceptions.RayActorError as error:
        cause = getattr(error, "cause", None)
        if cause is not None:
            raise cause from None
        raise ResourceError("a process of Ray ended by itself: killed, or out of memory; try fewer --workers") from None
