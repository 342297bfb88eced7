"""What `keys` prints: every setting with its type, its default and its meaning, in a fixed order."""

import textwrap
from typing import Any

from recbole_ext.config.keys.known_keys import Key, host_keys, keys_of
from recbole_ext.config.keys.unread import hidden_keys
from recbole_ext.config.layers import default_layers, file_layer, merge
from recbole_ext.errors import UsageError, nearest
from recbole_ext.model_entry import ModelEntry
from recbole_ext.places import RECBOLE, properties_folder
from recbole_ext.registry import find_model
from recbole_ext.tasks.registered import task_of

_WIDTH = 110
_LONGEST_DEFAULT = 60


def keys_text(model: str | None, part: str = "") -> str:
    """The settings of a model, its own first; without a model those that hold for all.

    Args:
        model: its name, or None.
        part: text that the name, its initials or the meaning must contain; "" for all.

    Raises:
        UsageError: there is no such model, or no key contains the text.
    """
    entry = find_model(model) if model else None
    defaults, known = _defaults(entry), _sections(entry)
    hidden = hidden_keys(entry, defaults, task_of(entry).unread) if entry else hidden_keys(None, {})
    sections = [(title, _shown(keys, hidden, part)) for title, keys in known]
    if not any(keys for _, keys in sections):
        names = [name for _, keys in known for name in keys]
        raise UsageError(f"--filter={part}: no key contains it{nearest(part, names)}")
    return "\n\n".join(_section(title, keys, defaults) for title, keys in sections if keys)


def _sections(entry: ModelEntry | None) -> list[tuple[str, dict[str, Key]]]:
    described = {name: key for name, key in host_keys().items() if key.text}
    ours = keys_of(properties_folder() / "overall.yaml")
    sections = [("Keys of this package", ours), ("Keys of RecBole", described)]
    if entry:
        own = {name: _explained(key, ours) for name, key in keys_of(entry.properties).items()}
        sections.insert(0, (f"Keys of {entry.name}", own))
    return _each_once(sections)


def _explained(key: Key, ours: dict[str, Key]) -> Key:
    """The key of a model; where its meaning refers to the key for all models, that one's meaning."""
    return ours[key.name] if f"see {key.name} in properties/overall.yaml" in key.text else key


def _each_once(sections: list[tuple[str, dict[str, Key]]]) -> list[tuple[str, dict[str, Key]]]:
    """Each key in the first section that has it."""
    found: list[tuple[str, dict[str, Key]]] = []
    for title, keys in sections:
        before = {name for _, others in found for name in others}
        found.append((title, {name: key for name, key in keys.items() if name not in before}))
    return found


def _shown(keys: dict[str, Key], hidden: set[str], part: str) -> list[Key]:
    return [key for name, key in keys.items() if name not in hidden and contains(key, part)]


def contains(key: Key, part: str) -> bool:
    """Whether the name of a key, the initials of its words or its meaning contain a text."""
    initials = "".join(word[:1] for word in key.name.split("_"))
    text = part.lower().replace("-", "_")
    return text in key.name.lower() or text == initials.lower() or part.lower() in key.text.lower()


def _defaults(entry: ModelEntry | None) -> dict[str, Any]:
    if entry:
        return merge(default_layers(entry, "", None))[0]
    ours = properties_folder()
    files = (RECBOLE / "properties" / "overall.yaml", ours / "ranking.yaml", ours / "overall.yaml")
    return merge([file_layer(file, file.name) for file in files])[0]


def _section(title: str, keys: list[Key], defaults: dict[str, Any]) -> str:
    return "\n".join([f"{title}:", *(_key(key, defaults) for key in keys)])


def _key(key: Key, defaults: dict[str, Any]) -> str:
    """`name (type) = default  meaning`, wrapped."""
    kind = f" ({key.type})" if key.type else ""
    default = f" = {_default(defaults[key.name])}" if key.name in defaults else ""
    text = f"{key.name}{kind}{default}  {key.text}".rstrip()
    return textwrap.fill(text, _WIDTH, initial_indent="  ", subsequent_indent="      ", break_on_hyphens=False)


def _default(value: Any) -> str:
    return "none" if value is None else textwrap.shorten(str(value), _LONGEST_DEFAULT, placeholder=" ...")
