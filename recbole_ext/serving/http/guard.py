"""What stands before every answer: the token, limits and time-outs, counters, and the access log."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from recbole_ext.redact import redact_text
from recbole_ext.serving.http.metrics import Metrics
from recbole_ext.serving.http.refusal import BUSY, Refusal, error_answer
from recbole_ext.serving.http.settings import Limits
from recbole_ext.serving.http.tokens import Token

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

LOG = logging.getLogger("recbole_ext.serve.access")
OPEN = ("/healthz", "/readyz")
"""Answered without a token, and however busy the server is."""
_LINGER_SECONDS = 2.0
_LINGER_BYTES = 256 * 1024 * 1024
_LOGGED = 2000
_CLOSE = {"Connection": "close"}


class _Gone(Exception):
    """The client has closed the connection."""


class Guard:
    """An ASGI application around another one.

    Args:
        app: what answers.
        limits: of requests.
        token: of clients.
        metrics: of the server.
        paths: that are answered; counters and logs know no others by name.
        log_requests: whether bodies are logged.
    """

    def __init__(
        self, app: App, limits: Limits, token: Token, metrics: Metrics, paths: frozenset[str], log_requests: bool
    ) -> None:
        self._app, self._limits, self._token, self._metrics = app, limits, token, metrics
        self._paths, self._log_requests = paths, log_requests
        self._in_flight = 0

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status, is_begun = time.perf_counter(), 499, False  # 499: the client left before it was answered

        async def sent(message: Message) -> None:
            nonlocal status, is_begun
            if message["type"] == "http.response.start":
                status, is_begun = message["status"], True
            await send(message)

        body: bytes | None = None
        try:
            try:
                self._admit(scope)
                body = await self._body(receive)
                await self._answer(scope, body, receive, sent)
            except Refusal as refusal:
                if not is_begun:
                    await _refuse(refusal, sent, None if body is not None else receive)
        except _Gone:
            pass
        finally:
            self._record(scope, status, time.perf_counter() - start, body or b"")

    def _admit(self, scope: MutableMapping[str, Any]) -> None:
        """Refuse what may not be answered, by its headers alone."""
        headers = dict(scope["headers"])
        refusal = None if scope["path"] in OPEN else self._token.refusal(headers)
        if refusal is not None:
            raise Refusal(*refusal, {"WWW-Authenticate": "Bearer"} if refusal[0] == 401 else None)
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length[:20]) > self._limits.body:
            raise self._too_large()

    def _too_large(self) -> Refusal:
        return Refusal(413, f"the body is larger than {self._limits.body:,} bytes, the limit of this server")

    async def _body(self, receive: Receive) -> bytes:
        parts, size = [], 0
        try:
            async with asyncio.timeout(self._limits.seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise _Gone
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    if size > self._limits.body:
                        raise self._too_large()
                    if not message.get("more_body"):
                        return b"".join(parts)
        except TimeoutError:
            raise Refusal(408, f"the body did not arrive within {self._limits.seconds:g} s") from None

    async def _answer(self, scope: MutableMapping[str, Any], body: bytes, receive: Receive, send: Send) -> None:
        """Hand a whole request on, if not too many are being answered."""
        if scope["path"] in OPEN:
            await self._app(scope, _received(body, receive), send)
            return
        if self._in_flight >= self._limits.in_flight:
            raise Refusal(503, f"{self._in_flight} requests are being answered, the limit of this server", BUSY)
        self._in_flight += 1
        self._metrics.begun()
        try:
            async with asyncio.timeout(self._limits.seconds):
                await self._app(scope, _received(body, receive), send)
        except TimeoutError:
            raise Refusal(503, f"the answer took longer than {self._limits.seconds:g} s", BUSY) from None
        finally:
            self._in_flight -= 1
            self._metrics.done()

    def _record(self, scope: MutableMapping[str, Any], status: int, seconds: float, body: bytes) -> None:
        path = scope["path"] if scope["path"] in self._paths else "other"
        self._metrics.answered(path, status, seconds)
        client = (scope.get("client") or ("-",))[0]
        method = scope["method"] if scope["method"].isalpha() else "-"
        LOG.info("%s %s %s %d %.1f ms", client, method[:10], path, status, 1000 * seconds)
        if self._log_requests and body:
            text = ascii(body[:_LOGGED].decode("utf-8", "replace"))
            LOG.info("body %s%s", redact_text(text), " ..." if len(body) > _LOGGED else "")


def _received(body: bytes, receive: Receive) -> Receive:
    """Gives an application the body that was read, and then waits for the client to leave."""
    is_given = False

    async def given() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return given


async def _refuse(refusal: Refusal, send: Send, receive: Receive | None) -> None:
    """Answer, and read on for a while where the body was not read, so that the client gets to see the answer.

    A connection that is closed while the client still sends is reset, and the answer may be lost with it.
    """
    headers = {**(refusal.headers or {}), **(_CLOSE if receive else {})}
    answer = error_answer(refusal.status, refusal.sentence, headers)
    await send({"type": "http.response.start", "status": answer.status_code, "headers": answer.raw_headers})
    await send({"type": "http.response.body", "body": answer.body, "more_body": receive is not None})
    if receive is not None:
        await _discard(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _discard(receive: Receive) -> None:
    size = 0
    try:
        async with asyncio.timeout(_LINGER_SECONDS):
            while size < _LINGER_BYTES:
                message = await receive()
                if message["type"] == "http.disconnect" or not message.get("more_body"):
                    return
                size += len(message.get("body", b""))
    except TimeoutError:
        return
