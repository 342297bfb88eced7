"""What clients send and get, field by field; OpenAPI describes it from here."""

import re
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_FARTHEST = 2**53


def _plain(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("must be text without control characters and lone surrogates")
    return text


def _value(given: Any, read: ValidatorFunctionWrapHandler) -> Any:
    """One sentence in place of one for each type that a value may have."""
    try:
        return read(given)
    except ValidationError:
        raise ValueError(
            "must be a text of 1 to 256 characters without control characters, a finite number or null"
        ) from None


Id = Annotated[str, Field(min_length=1, max_length=256), AfterValidator(_plain)]
Seconds = Annotated[int, Field(ge=-_FARTHEST, le=_FARTHEST, description="Unix time in seconds")]


Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class _Body(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


Values = Annotated[
    dict[Id, Annotated[Id | Number | None, WrapValidator(_value)]],
    Field(max_length=100, description="of other columns that the model reads of an event, by name; null is unknown"),
]


class PastEvent(_Body):
    """An event of a history that is sent along."""

    item: Id
    time: Seconds | None = None
    values: Values = Field(default_factory=dict)


class RecommendBody(_Body):
    """Whom to recommend to, and what."""

    user: Id | None = Field(None, description="whose followed events are used, unless a history is given")
    history: list[PastEvent] | None = Field(None, description="events in place of the followed ones, oldest first")
    k: int = Field(10, ge=1, description="items of the list")
    at: Seconds | None = Field(None, description="time of the recommendation; null: the newest time known")
    allow: list[Id] | None = Field(None, description="the only candidates; null: all items")
    deny: list[Id] | None = Field(None, description="items that are no candidates")
    exclude_seen: bool | None = Field(None, description="leave out items of the history; null: as the run's protocol")


class RecommendAnswer(BaseModel):
    """A list, best first."""

    items: list[str]
    scores: list[float]
    seen_removed: bool
    notes: list[str] = Field(description="a sentence for each unknown item and the like")
    run: str = Field(description="name of the run that answers")


class EventBody(_Body):
    """What a user did."""

    user: Id
    item: Id
    time: Seconds | None = Field(None, description="needed by models that read times")
    id: Id | None = Field(None, description="an event whose id was seen before is ignored, also after a restart")
    values: Values = Field(default_factory=dict)


def _form(value: Any) -> str:
    return "list" if isinstance(value, list) else "one"


EventsBody = Annotated[
    Annotated[EventBody, Tag("one")] | Annotated[list[EventBody], Tag("list")],
    Discriminator(_form),
]


class EventsAnswer(BaseModel):
    """What became of each event, in the order in which they were sent."""

    results: list[str] = Field(description="applied, duplicate, late, unknown_item or refused")
    errors: dict[int, str] = Field(description="place in the list, from 0, of a refused event: why")
    durable: bool = Field(description="whether the events are on the disk")


class PairBody(_Body):
    """A user and an item to rate."""

    user: Id
    item: Id
    time: Seconds | None = None


class RateBody(_Body):
    """Pairs to rate."""

    pairs: list[PairBody] = Field(min_length=1)


class RateAnswer(BaseModel):
    """Ratings of the pairs."""

    predictions: list[float]
    stds: list[float]
    run: str


class RowBody(_Body):
    """An impression to score."""

    user: Id
    item: Id
    time: Seconds
    context: dict[Id, Id] = Field(default_factory=dict, description="the context fields of the run's data")


class ClickBody(_Body):
    """Impressions to score."""

    rows: list[RowBody] = Field(min_length=1)


class ClickAnswer(BaseModel):
    """Click probabilities of the rows."""

    probabilities: list[float]
    run: str


class ErrorAnswer(BaseModel):
    """Why there is no answer."""

    error: str
