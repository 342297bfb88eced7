"""What is known to keep a model behind the baselines, whatever the number of epochs: one table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from recbole_ext.model_list import READ_LAST_PLACE
from recbole_ext.registry import models

_ONE_NEGATIVE_ALONE = ("FPMC",)
"""Sequence models without another loss."""
_FEATURES = ("context_aware", "exlib")


@dataclass(frozen=True)
class KnownCause:
    """One row of the table.

    Attributes:
        value_of: the setting's value that the sentence names, from a run's settings; "" where the cause is absent.
        sentence: what is so, with `{}` for that value.
        advice: what to do, with `{}` for that value.
    """

    value_of: Callable[[dict[str, Any]], str]
    sentence: str
    advice: str


def raw_clock(settings: dict[str, Any]) -> str:
    """The time column where a model of RecBole takes it as a feature among others; "" otherwise."""
    time, loaded = str(settings.get("TIME_FIELD") or ""), (settings.get("load_col") or {}).get("inter") or ()
    dropped = (settings.get("unused_col") or {}).get("inter") or ()
    return time if _family(settings) in _FEATURES and time in loaded and time not in dropped else ""


def _read_at_the_end(settings: dict[str, Any]) -> str:
    """The length of lists of a model that takes the output at their last position, where shorter ones are padded."""
    reads = settings.get("model") in READ_LAST_PLACE and settings.get("train_mode") == "prefix"
    return str(settings.get("MAX_ITEM_LIST_LENGTH") or "") if reads else ""


def _one_negative(settings: dict[str, Any]) -> str:
    """The loss of a sequence model that learns from one sampled item per target and has cross-entropy too."""
    model, loss = settings.get("model"), str(settings.get("loss_type") or "")
    entry = models().get(str(model))
    sequential = entry is not None and entry.family == "sequential" and model not in _ONE_NEGATIVE_ALONE
    args = settings.get("train_neg_sample_args")
    several = isinstance(args, dict) and args.get("sample_num", 1) != 1
    return loss if sequential and loss == "BPR" and not several else ""


def _family(settings: dict[str, Any]) -> str:
    """The family of a model of RecBole; "" for others."""
    entry = models().get(str(settings.get("model")))
    return "" if entry is None or entry.own else str(entry.family)


KNOWN_CAUSES = (
    KnownCause(
        raw_clock,
        "{} is a feature in raw seconds, whose size drowns the others",
        'leave the column out after the split, --unused_col="{{inter: [{}]}}"',
    ),
    KnownCause(
        _read_at_the_end,
        "the model of RecBole reads its output at position {} of a history, which is padding for all shorter ones",
        "take SASRec or SS4Rec, or a MAX_ITEM_LIST_LENGTH that most histories reach (now {})",
    ),
    KnownCause(
        _one_negative,
        "loss_type {} learns from one sampled item per target; on ML-1M such a loss had an HR@10 of about 0.25, and "
        "cross-entropy over all items 0.315",
        "train with --loss_type=CE in place of {}",
    ),
)


def known_cause(settings: dict[str, Any]) -> tuple[str, str] | None:
    """The sentence and the advice of the first cause that a run's settings show; None without one."""
    for cause in KNOWN_CAUSES:
        value = cause.value_of(settings)
        if value:
            return cause.sentence.format(value), cause.advice.format(value)
    return None


def scaled_ratings(settings: dict[str, Any]) -> str:
    """The rating column where its values were scaled to [0, 1], so that errors are not in stars; "" otherwise."""
    field = str(settings.get("RATING_FIELD") or "")
    return field if settings.get("normalize_all") or field in (settings.get("normalize_field") or ()) else ""
