"""`--help`: what exists, and every key of the chosen model with its meaning."""

import textwrap
from pathlib import Path

from recbole_ext.config.keys.known_keys import Key, host_keys, keys_of
from recbole_ext.config.keys.unread import hidden_keys
from recbole_ext.config.layers import default_layers, merge
from recbole_ext.places import found_datasets, properties_folder
from recbole_ext.registry import find_model, models

_USAGE = """\
usage: run_recbole_ext.py --model=MODEL --dataset=DATASET [--config_files="a.yaml b.yaml"] [--key=value ...]
       run_recbole_ext.py --model=MODEL --help            every key of a model
       run_recbole_ext.py --model=M --dataset=D --print_config   each value and where it came from
       run_recbole_ext.py --model=M --dataset=D --dry_run   time and memory of a run, from a short one
       run_recbole_ext.py --model=M --dataset=D --resume    continue the newest unfinished run, or --resume=RUN
       run_recbole_ext.py import-checkpoint FILE.pth --model=M --dataset=D --i-trust-this-file
       run_recbole_ext.py metric-audit FILE [--train=FILE] [--dataset=NAME] [--reported="{rmse: 0.9}"]
       run_recbole_ext.py rate --run=RUN[,RUN...] [--history=FILE] [--pairs=FILE] [--output=FILE]
       run_recbole_ext.py score --run=RUN --input=FILE [--output=FILE]   click probabilities
       run_recbole_ext.py diagnose RUN|metrics.csv [--columns="{valid: val_loss}"] [--settings="{...}"] [--json]
       run_recbole_ext.py --model=M --dataset=D --seeds=42,123,456   every seed once, continued, with intervals
       run_recbole_ext.py experiment create TEMPLATE NAME | run NAME | list | show NAME | import FILE.csv
       run_recbole_ext.py tune --model=M --dataset=D --space=FILE|NAME [--trials=N] [--key=value ...]
       run_recbole_ext.py tune --resume | --resume=NAME    go on after a kill; all options: docs/tuning.md
       run_recbole_ext.py doctor [--quick]                what works on this machine; --quick leaves torch out
       run_recbole_ext.py --version

Values are read as YAML: --topk=[5,10] --eval_args="{mode: uni100}". --debug shows tracebacks."""


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
    return hidden_keys(entry, merge(default_layers(entry, "", None))[0])


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
