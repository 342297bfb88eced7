"""What cannot be answered, as a status and one sentence in JSON: `{"error": "..."}`."""

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from recbole_ext.errors import RecBoleExtError, ResourceError

BUSY = {"Retry-After": "1"}
_SHOWN = 60
_NO_OBJECT = ("model_type", "model_attributes_type", "dict_type", "dataclass_type")


class Refusal(Exception):
    """A request that is not answered.

    Args:
        status: of HTTP, 4xx or 5xx.
        sentence: why, and what to do.
        headers: of the answer.
    """

    def __init__(self, status: int, sentence: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status, self.sentence, self.headers = status, sentence, headers


def error_answer(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The answer that says why there is none."""
    return JSONResponse({"error": sentence}, status, dict(headers or {}))


async def refused(_: Request, error: Refusal) -> JSONResponse:
    """The answer to a `Refusal`."""
    return error_answer(error.status, error.sentence, error.headers)


async def reported(_: Request, error: RecBoleExtError) -> JSONResponse:
    """The answer to an error of this package: what was asked cannot be used, or the machine lacks something."""
    lines = [line.strip() for line in str(error).splitlines()]
    return error_answer(503 if isinstance(error, ResourceError) else 422, "; ".join(lines))


async def not_there(request: Request, error: HTTPException) -> JSONResponse:
    """The answer to a path, a method or a body that does not exist here."""
    sentences = {
        404: "there is nothing at this path; GET /openapi.json describes what there is",
        405: f"{request.method} is not answered here; allowed: {(error.headers or {}).get('Allow', 'other methods')}",
        400: "the body is not JSON in UTF-8",
    }
    return error_answer(error.status_code, sentences.get(error.status_code, str(error.detail)), error.headers)


async def malformed(_: Request, error: RequestValidationError) -> JSONResponse:
    """The answer to a body that is no JSON (400), or not what is asked for (422)."""
    first, *more = error.errors()
    if first["type"] == "json_invalid":
        return error_answer(400, f"the body is not JSON: {first['ctx']['error']} at character {first['loc'][-1]}")
    further = f" (and {len(more)} more)" if more else ""
    return error_answer(422, _sentence(first) + further)


async def bug(_: Request, __: Exception) -> JSONResponse:
    """The answer to an error that is none of a request."""
    return error_answer(500, "internal error (a bug in recbole_ext); the server's log has the details")


def _sentence(fault: Mapping[str, Any]) -> str:
    path = [str(part) for part in fault["loc"][1:] if part not in ("one", "list")]
    if fault["type"] == "missing" and not path:
        return "the body is missing; send JSON with Content-Type: application/json"
    if fault["type"] in _NO_OBJECT:
        if not path:
            return "the body must be a JSON object, sent with Content-Type: application/json"
        return f"{'.'.join(path)} must be an object{_got(fault['input'])}"
    if fault["type"] == "extra_forbidden":
        return f"{'.'.join(path)} is no field of this request"
    if fault["type"] == "missing":
        return f"{'.'.join(path)} is missing"
    message = str(fault["msg"]).removeprefix("Value error, ")
    return f"{'.'.join(path)}: {message[:1].lower()}{message[1:]}{_got(fault['input'])}"


def _got(value: Any) -> str:
    text = ascii(value) if isinstance(value, str | int | float | bool) or value is None else type(value).__name__
    return f" (got {text if len(text) <= _SHOWN else text[:_SHOWN] + '...'})"
