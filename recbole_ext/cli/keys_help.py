"""`run --help`: the models, the data sets, and every key with its meaning."""

import textwrap
from pathlib import Path

from recbole_ext.config.keys.known_keys import Key, host_keys, keys_of
from recbole_ext.config.keys.unread import hidden_keys
from recbole_ext.config.layers import default_layers, merge
from recbole_ext.places import found_datasets, properties_folder
from recbole_ext.registry import find_model, models
from recbole_ext.tasks.registered import task_of

_USAGE = """\
usage: recbole-ext --model=MODEL --dataset=DATASET [--config_files="a.yaml b.yaml"] [--key=value ...]
  --resume[=RUN]   continue the newest unfinished run of the same configuration, or the named one
  --print-config   print each value with its origin, and stop
  --dry-run        estimate time and memory from a short run, and stop
  --seeds=1,2,3    one run per seed, resumable, with confidence intervals
  --debug          print tracebacks
Values are read as YAML: --topk=[5,10] --eval_args="{mode: uni100}". From a checkout: python run_recbole_ext.py"""


def help_text(model: str | None) -> str:
    """The help, for one model or in general.

    Raises:
        UsageError: there is no such model.
    """
    parts = [_USAGE]
    if model:
        entry = find_model(model)
        parts.append(_keys(f"Keys of {model}", keys_of(entry.properties)))
    else:
        parts.append(_list("Models of this package", [e.name for e in models().values() if e.own]))
        parts.append(_list("Models of RecBole", [e.name for e in models().values() if not e.own]))
        parts.append(_list("Data sets found here", found_datasets(Path("dataset"))))
    hidden = _hidden(model)
    ours = keys_of(properties_folder() / "overall.yaml")
    described = {name: key for name, key in host_keys().items() if key.text}
    for title, keys in (("Keys of this package", ours), ("Keys of RecBole", described)):
        parts.append(_keys(title, {name: key for name, key in keys.items() if name not in hidden}))
    return "\n\n".join(parts)


def _hidden(model: str | None) -> set[str]:
    """Keys that the runs of a model, or of any model, do not read."""
    if model is None:
        return hidden_keys(None, {})
    entry = find_model(model)
    return hidden_keys(entry, merge(default_layers(entry, "", None))[0], task_of(entry).unread)


def _list(title: str, names: list[str]) -> str:
    return f"{title} ({len(names)}):\n" + textwrap.fill(
        ", ".join(names), 110, initial_indent="  ", subsequent_indent="  "
    )


def _keys(title: str, keys: dict[str, Key]) -> str:
    lines = []
    for key in keys.values():
        kind = f" ({key.type})" if key.type else ""
        lines.append(
            textwrap.fill(f"{key.name}{kind}  {key.text}", 110, initial_indent="  ", subsequent_indent="      ")
        )
    return "\n".join([f"{title}:", *lines])
