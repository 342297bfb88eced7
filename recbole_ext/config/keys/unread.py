"""Settings that a run does not read: which of the user's they are, and what to use instead."""

from typing import Any

from recbole_ext.config.keys.known_keys import host_keys, keys_of
from recbole_ext.config.keys.unread_rules import DERIVED, RULES, Facts, Rule, always
from recbole_ext.config.layers import Layer, merge
from recbole_ext.model_entry import ModelEntry
from recbole_ext.places import RECBOLE, properties_folder


def unread_settings(
    entry: ModelEntry, layers: list[Layer], values: dict[str, Any], of_task: tuple[Rule, ...]
) -> list[str]:
    """Settings of the user that this run does not read, each in a sentence with what to use instead.

    A setting that repeats the default is not reported, because leaving it unread changes nothing.

    Args:
        entry: the model.
        layers: lowest first.
        values: those of all layers.
        of_task: what its task leaves unread; these rules go first.
    """
    facts = Facts(entry, values)
    return [
        f"{layer.origin(key)}: {key} is not read by this run: {advice}"
        for key, layer in changed_settings(layers, values).items()
        if (advice := _advice(key, facts, of_task)) is not None
    ]


def changed_settings(layers: list[Layer], values: dict[str, Any]) -> dict[str, Layer]:
    """The user's settings that differ from the defaults, each with its layer; those of a recorded run are left out.

    Args:
        layers: lowest first.
        values: those of all layers.
    """
    defaults = merge([layer for layer in layers if not layer.user])[0]
    typed = [layer for layer in layers if layer.user and not set(DERIVED) <= set(layer.values)]
    given = {key: layer for layer in typed for key in layer.values}
    return {key: layer for key, layer in given.items() if values.get(key) != defaults.get(key)}


def _advice(key: str, facts: Facts, of_task: tuple[Rule, ...]) -> str | None:
    """Why a key is unread and what to use instead; None for a key that is read."""
    for rule in (*of_task, *RULES):
        if key in rule.keys and rule.unread(facts):
            return rule.advice.format(model=facts.entry.name, example=_as_interval(facts.values.get(key)))
    owners = _owners(key) if _belongs_to_models(key, facts) else []
    if owners:
        shown = ", ".join(owners[:4]) + (f" and {len(owners) - 4} more" if len(owners) > 4 else "")
        return f"it is a setting of {shown}"
    return None


def _as_interval(value: Any) -> str:
    """`{rating: '[4,inf)'}` for the threshold `{rating: 4}`."""
    ((column, least),) = value.items() if isinstance(value, dict) and len(value) == 1 else [("rating", 4)]
    return f"{{{column}: '[{least:g},inf)'}}" if isinstance(least, int | float) else "{rating: '[4,inf)'}"


def _belongs_to_models(key: str, facts: Facts) -> bool:
    """Whether only some models have the key, and this one does not."""
    described = {name for name, known in host_keys().items() if known.text}
    of_all = described | set(keys_of(properties_folder() / "overall.yaml"))
    transformed = facts.values.get("transform") is not None  # RecBole's transforms read settings of their own
    mine = key in keys_of(facts.entry.properties) or f'"{key}"' in facts.source
    return not (key in of_all or mine or transformed or facts.entry.own)


def _owners(key: str) -> list[str]:
    """Models of RecBole whose property files have the key."""
    folder = RECBOLE / "properties" / "model"
    return [path.stem for path in sorted(folder.glob("*.yaml"), key=lambda p: p.stem.lower()) if key in keys_of(path)]


def hidden_keys(entry: ModelEntry | None, values: dict[str, Any], of_task: tuple[Rule, ...] = ()) -> set[str]:
    """Keys that `--help` does not list, because no run, or no run of this model, reads them.

    Args:
        entry: the model; None for the help of all models.
        values: defaults of the model.
        of_task: what its task leaves unread.
    """
    if entry is None:
        return {key for rule in RULES if rule.unread is always for key in rule.keys}
    facts = Facts(entry, values)
    return {key for rule in (*of_task, *RULES) if rule.by_model and rule.unread(facts) for key in rule.keys}
