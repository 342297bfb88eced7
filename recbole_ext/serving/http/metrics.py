"""What `/metrics` shows, in the text format of Prometheus."""

import os
from collections import Counter as Counts
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""The client library's variable: a folder in which several processes count together."""
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The counters of a server.

    Args:
        state_users: gives the number of users that the engine follows.
    """

    def __init__(self, state_users: Callable[[], float]) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "recbole_ext_requests", "requests answered", ["path", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "recbole_ext_request_seconds",
            "from the first byte to the end of the answer",
            ["path"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._events = Counter("recbole_ext_events", "events taken", ["result"], registry=self._registry)
        self._in_flight = Gauge(
            "recbole_ext_in_flight",
            "requests that are being answered",
            multiprocess_mode="livesum",
            registry=self._registry,
        )
        users = Gauge(
            "recbole_ext_state_users",
            "users whose events are followed",
            multiprocess_mode="livesum",
            registry=self._registry,
        )
        if SHARED in os.environ:
            return
        users.set_function(state_users)
        ProcessCollector(registry=self._registry)

    def begun(self) -> None:
        """A request is being answered."""
        self._in_flight.inc()

    def done(self) -> None:
        """A request that had begun has ended."""
        self._in_flight.dec()

    def answered(self, path: str, status: int, seconds: float) -> None:
        """A request has ended.

        Args:
            path: one of the server's paths, or `other`.
            status: of the answer.
            seconds: that it took.
        """
        self._requests.labels(path, str(status)).inc()
        self._seconds.labels(path).observe(seconds)

    def took(self, results: list[str]) -> None:
        """Events were taken."""
        for result, count in Counts(results).items():
            self._events.labels(result).inc(count)

    def text(self) -> bytes:
        """All of it; of all processes of the server, where there are several."""
        if SHARED not in os.environ:
            return generate_latest(self._registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)
        return generate_latest(together)
