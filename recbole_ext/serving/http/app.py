"""The application: its paths, by FastAPI; `from_environment` builds it for uvicorn's workers and for Ray Serve."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi.telemetry import TelemetryConfig
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException

from dataset_tools.visible import visible
from recbole_ext import __version__
from recbole_ext.errors import RecBoleExtError
from recbole_ext.redact import redact_text
from recbole_ext.serving.http import refusal
from recbole_ext.serving.http.bodies import (
    ClickAnswer,
    ClickBody,
    ErrorAnswer,
    EventBody,
    EventsAnswer,
    EventsBody,
    RateAnswer,
    RateBody,
    RecommendAnswer,
    RecommendBody,
)
from recbole_ext.serving.http.guard import Guard
from recbole_ext.serving.http.live import Live, keep_loaded
from recbole_ext.serving.http.metrics import Metrics
from recbole_ext.serving.http.page import api_page
from recbole_ext.serving.http.refusal import Refusal
from recbole_ext.serving.http.settings import Limits, ServeSettings
from recbole_ext.serving.http.tokens import Token, read_token
from recbole_ext.serving.live.messages import Event, Query

_NO_LOADING = "default-src 'none'; style-src 'unsafe-inline'"
_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorAnswer, "description": text}
    for status, text in (
        (400, "the body is not JSON"),
        (401, "a token is needed"),
        (409, "the model of this server does not answer this"),
        (413, "the body is too large"),
        (422, "a field is wrong"),
        (503, "the server is busy; see Retry-After"),
    )
}


def create_app(live: Live, token: str | None = None) -> FastAPI:
    """The application that answers from a run.

    Args:
        live: the run.
        token: that clients must send; None: clients on this machine are answered.
    """

    @contextlib.asynccontextmanager
    async def alive(_: FastAPI) -> AsyncIterator[None]:
        with contextlib.suppress(ValueError, RuntimeError, NotImplementedError):  # not in the main thread
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, live.ask_reload)
        await live.start()
        yield
        await live.stop()

    app = FastAPI(
        title="recbole_ext",
        version=__version__,
        description="Recommendations, ratings or click probabilities of a finished run.",
        lifespan=alive,
        docs_url=None,
        redoc_url=None,
        exception_handlers={
            Refusal: refusal.refused,
            RecBoleExtError: refusal.reported,
            HTTPException: refusal.not_there,
            RequestValidationError: refusal.malformed,
            Exception: refusal.bug,
        },
        telemetry=TelemetryConfig(tracing=False, metrics=False, logs=False, auto_configure=False),
    )
    metrics = Metrics(lambda: _state_users(live))
    _add_state(app, live, metrics)
    _add_answers(app, live, metrics)
    paths = frozenset(route.path for route in app.routes if hasattr(route, "path"))
    limits, log_requests = live.settings.limits, live.settings.log_requests
    app.add_middleware(
        Guard, limits=limits, token=Token(token), metrics=metrics, paths=paths, log_requests=log_requests
    )
    return app


def _state_users(live: Live) -> float:
    return 0.0 if live.served.engine is None else float(live.served.engine.n_users)


def _add_state(app: FastAPI, live: Live, metrics: Metrics) -> None:
    """Paths that say how the server is."""
    pages: list[str] = []

    @app.get("/healthz", summary="whether the process answers")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz", summary="whether requests should be sent here", responses={503: {"model": ErrorAnswer}})
    async def readyz() -> JSONResponse:
        if live.is_stopping:
            raise Refusal(503, "the server is stopping", refusal.BUSY)
        return JSONResponse({"status": "ready", "run": live.served.name})

    @app.get("/v1/model", summary="the run, its protocol, its model card, the hash of its weights", responses=_ERRORS)
    async def model() -> dict[str, Any]:
        return await asyncio.to_thread(live.served.facts)

    @app.get("/metrics", summary="counters in the text format of Prometheus", response_class=Response)
    async def counters() -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    @app.get("/docs", summary="this description as a page", response_class=HTMLResponse)
    async def docs() -> HTMLResponse:
        if not pages:
            pages.append(api_page(app.openapi()))
        return HTMLResponse(pages[0], headers={"Content-Security-Policy": _NO_LOADING})


def _add_answers(app: FastAPI, live: Live, metrics: Metrics) -> None:
    """Paths that answer from the run."""
    limits = live.settings.limits

    @app.post("/v1/recommend", summary="the k best items", response_model=RecommendAnswer, responses=_ERRORS)
    async def recommend(body: RecommendBody) -> JSONResponse:
        served = live.served
        served.require("recommend")
        answer = await live.recommend(served, _query(body, limits))
        found = {"items": answer.items, "scores": answer.scores, "seen_removed": answer.seen_removed}
        return JSONResponse({**found, "notes": answer.notes, "run": served.name})

    @app.post("/v1/events", summary="what users did", response_model=EventsAnswer, responses=_ERRORS)
    async def events(body: EventsBody) -> JSONResponse:
        sent = body if isinstance(body, list) else [body]
        _within("events", len(sent), limits.events)
        outcome = await live.take([_event(one) for one in sent])
        metrics.took(outcome.results)
        if not isinstance(body, list) and outcome.errors:
            raise Refusal(422, outcome.errors[0])
        errors = {str(place): why for place, why in outcome.errors.items()}
        return JSONResponse({"results": outcome.results, "errors": errors, "durable": live.state is not None})

    @app.post("/v1/rate", summary="ratings of pairs", response_model=RateAnswer, responses=_ERRORS)
    async def rate(body: RateBody) -> JSONResponse:
        served = live.served
        served.require("rate")
        _within("pairs", len(body.pairs), limits.events)
        table = await live.call(served.rate, [(pair.user, pair.item, pair.time) for pair in body.pairs])
        found = {"predictions": table["prediction"].tolist(), "stds": table["std"].tolist()}
        return JSONResponse({**found, "run": served.name})

    @app.post("/v1/click", summary="click probabilities", response_model=ClickAnswer, responses=_ERRORS)
    async def click(body: ClickBody) -> JSONResponse:
        served = live.served
        served.require("click_probability")
        _within("rows", len(body.rows), limits.events)
        rows = [(row.user, row.item, row.time) for row in body.rows]
        found = await live.call(served.click, rows, [row.context for row in body.rows])
        return JSONResponse({"probabilities": found, "run": served.name})


def _query(body: RecommendBody, limits: Limits) -> Query:
    if body.user is None and body.history is None:
        raise Refusal(422, "give a user, a history, or both")
    if body.k > limits.k:
        raise Refusal(422, f"k: at most {limits.k:,} items are answered by this server (got {body.k})")
    _within("history", len(body.history or ()), limits.history)
    _within("allow", len(body.allow or ()), limits.ids)
    _within("deny", len(body.deny or ()), limits.ids)
    history = None if body.history is None else [(one.item, one.time, one.values) for one in body.history]
    return Query(body.user, history, body.k, body.at, body.allow, body.deny, body.exclude_seen)


def _event(body: EventBody) -> Event:
    return Event(body.user, body.item, body.time, body.id, body.values)


def _within(name: str, count: int, most: int) -> None:
    if count > most:
        raise Refusal(422, f"{name}: at most {most:,} are taken with a request (got {count:,})")


def open_app(settings: ServeSettings) -> FastAPI:
    """Load a run, and the application that answers from it.

    Raises:
        RecBoleExtError: the run cannot be served.
    """
    token = read_token(settings.token_file)
    app = create_app(Live(settings), token)
    keep_loaded()
    return app


def from_environment() -> FastAPI:
    """The application by the settings in the variable RECBOLE_EXT_SERVE: in uvicorn's workers, and for Ray Serve.

    Ends the process with one sentence, and the exit code at which uvicorn does not try again, where the run cannot be
    served.
    """
    from recbole_ext.serving.http.logs import log_to_terminal

    log_to_terminal()
    try:
        return open_app(ServeSettings.from_environment())
    except RecBoleExtError as error:
        print(f"error: {redact_text(visible(str(error)))}", file=sys.stderr)
        sys.exit(3)
