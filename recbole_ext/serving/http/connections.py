"""A client's connection: uvicorn's, with a limit on how many there are and how long one may take.

uvicorn closes idle connections after an answer, but waits without end for the first request, for headers that come
byte by byte, and for a client that does not read its answer.
"""

import asyncio
import json
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

_BUSY = json.dumps({"error": "this server has as many connections as it takes; try again later"}).encode()
_REFUSED = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\nconnection: close\r\n"
    b"content-length: %d\r\n\r\n%s" % (len(_BUSY), _BUSY)
)
_PHASES = 4
"""A request reads its body, waits for its answer, sends it, and may read on after a refusal: a time-out for each."""


class Connection(H11Protocol):
    """A connection that is closed when nothing comes of it.

    Of uvicorn's configuration it reads `limit_concurrency`, here the number of connections, and
    `timeout_keep_alive`, seconds for a request to begin.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._most, self.limit_concurrency = self.limit_concurrency, None
        self._watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or refuse it."""
        super().connection_made(transport)
        if self._most is not None and len(self.connections) > self._most:
            transport.write(_REFUSED)
            transport.close()
        self._expect(self.timeout_keep_alive)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        self._forget()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what a client sends, but of one that is refused."""
        if not self.transport.is_closing():
            super().data_received(data)

    def handle_events(self) -> None:
        """Begin the requests that have arrived."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before and not self.cycle.response_complete:
            self._expect(_PHASES * self.timeout_keep_alive)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        answered = self.cycle
        super().on_response_complete()
        if self.cycle is answered:
            self._expect(self.timeout_keep_alive)

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()
            return
        body = json.dumps({"error": "this is not a valid HTTP/1.1 request"}).encode()
        headers = [("content-type", "application/json"), ("connection", "close"), ("content-length", str(len(body)))]
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _expect(self, seconds: float) -> None:
        """Close the connection unless something else is expected of it within so many seconds."""
        self._forget()
        self._watch = self.loop.call_later(seconds, self.transport.abort)

    def _forget(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
