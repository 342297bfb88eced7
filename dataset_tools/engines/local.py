"""Where the steps of a conversion run: an engine maps a function over jobs, results arrive in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")


class Engine(Protocol):
    """Maps a function over jobs; few results are pending at a time, so memory does not grow with the jobs."""

    def map(self, function: Callable[[Job], Result], jobs: Iterable[Job]) -> Iterator[Result]:
        """Results in the order of the jobs."""
        ...

    def close(self) -> None:
        """Release what the engine holds."""
        ...


class LocalEngine:
    """Threads of this process; the kernels and numpy's sort release the interpreter lock."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.pool = ThreadPoolExecutor(threads)

    def map(self, function: Callable[[Job], Result], jobs: Iterable[Job]) -> Iterator[Result]:
        """Results in the order of the jobs, at most one more in progress than there are threads."""
        return windowed(lambda job: self.pool.submit(function, job), Future.result, jobs, self.threads + 1)

    def close(self) -> None:
        """Cancel pending jobs and wait for running ones."""
        self.pool.shutdown(cancel_futures=True)


def windowed(
    submit: Callable[[Any], Any], collect: Callable[[Any], Any], jobs: Iterable[Any], width: int
) -> Iterator[Any]:
    """Submit jobs so that at most `width` are in progress; yield their results in order."""
    waiting: deque[Any] = deque()
    for job in jobs:
        waiting.append(submit(job))
        if len(waiting) >= width:
            yield collect(waiting.popleft())
    while waiting:
        yield collect(waiting.popleft())
