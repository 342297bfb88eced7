"""What an experiment is made from: a yaml of properties/experiment or of the user's, and changes to it."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recbole_ext.config.layers import MERGED_KEYS, Layer, merge, user_file
from recbole_ext.config.seeds import read_seeds
from recbole_ext.config.yaml_reader import typed_value
from recbole_ext.errors import UsageError
from recbole_ext.names import checked_name
from recbole_ext.pipeline.configure import resolve
from recbole_ext.places import properties_folder

ROOT = "experiments"
"""Where experiments are, unless --experiments-dir says otherwise."""
OF_EXPERIMENT = ("model", "dataset", "seeds", "seed", "runs_dir", "experiments_dir")
"""Keys of what is run, how often and where, and not of how."""


@dataclass(frozen=True)
class Plan:
    """What is to be run.

    Attributes:
        model, dataset: names.
        seeds: in their order.
        settings: key -> value, for --config_files.
        origins: key -> where the value came from.
        template: what it was made from.
        template_sha256: of that file; "" without one.
    """

    model: str
    dataset: str
    seeds: list[int]
    settings: dict[str, Any]
    origins: dict[str, str]
    template: str
    template_sha256: str


def change_of(text: str) -> Layer:
    """One `--set`: `training.seed=42`, `seed=42` or `eval_args.mode=uni100`.

    What stands before the last dot only groups, but before a part of `eval_args` and `train_neg_sample_args`.

    Raises:
        UsageError: it is no `key=value`.
    """
    path, equals, value = text.partition("=")
    *sections, key = path.strip().split(".")
    if not equals or not key.isidentifier() or not all(section.isidentifier() for section in sections):
        raise UsageError(f"--set needs NAME=VALUE, for instance --set training.seed=42 (got {text[:80]!r})")
    read = value if key in ("model", "dataset") else typed_value(key, value, f"--set {path}")
    inside = bool(sections) and sections[-1] in MERGED_KEYS
    return Layer(f"--set {path}", {sections[-1]: {key: read}} if inside else {key: read}, user=True)


def modifications_of(text: str) -> Layer:
    """`--modifications`: a JSON object, in which an object under a word that is no key groups.

    Raises:
        UsageError: it is no JSON object.
    """
    try:
        given = json.loads(text)
    except ValueError as error:
        raise UsageError(f"--modifications: {text[:80]!r} is no JSON: {error}") from None
    if not isinstance(given, dict):
        raise UsageError(
            f"""--modifications must be a JSON object, for instance '{{"seed": 42}}' (got {text[:80]!r})"""
        )
    return Layer("--modifications", _flat(given), user=True)


def _flat(given: dict[str, Any]) -> dict[str, Any]:
    from recbole_ext.config.keys.known_keys import host_keys, keys_of

    known = {*host_keys(), *keys_of(properties_folder() / "overall.yaml"), *OF_EXPERIMENT}
    values: dict[str, Any] = {}
    for key, value in given.items():
        inner = _flat(value) if isinstance(value, dict) and key not in known else {key: value}
        twice = [name for name in inner if name in values]
        if twice:
            raise UsageError(f"--modifications: {twice[0]} is given twice; leave one of them out")
        values |= inner
    return values


def plan(template: str, changes: Sequence[Layer], with_data: bool = False) -> Plan:
    """A template with changes, checked as a run's configuration is.

    Args:
        template: a file, or a name in properties/experiment; "" for changes alone.
        changes: later ones win.
        with_data: the files of the data set must be there already.

    Raises:
        DataError: with `with_data`, a file is missing, or a column that the run needs.
        UsageError: there is no such template, a key is unknown, or model, data set or seeds are missing or wrong.
    """
    base = user_file(template) if template else Layer("", {})
    own = {key: value for layer in (base, *changes) for key, value in layer.values.items() if key in OF_EXPERIMENT}
    _refuse_places(changes)
    seeds = _seeds([base, *changes])
    for name in ("model", "dataset"):
        if not own.get(name):
            raise UsageError(f"{template or 'the experiment'} names no {name}; add --{name}=NAME")
    for layer in (base, *changes):
        layer.values = {key: value for key, value in layer.values.items() if key not in OF_EXPERIMENT}
    settings, origins = merge([base, *changes])
    model, dataset = str(own["model"]), checked_name("--dataset", own["dataset"])
    files = [template] if template else []
    resolved = resolve(model, dataset, files, {**merge(list(changes))[0], "seed": seeds[0] if seeds else 0})
    if with_data:
        from recbole_ext.pipeline.configure import check_data

        check_data(resolved)
    from recbole_ext.config.config import Config  # imports RecBole, which has conditions of its own

    Config(resolved)
    path = _path(base.source)
    digest = hashlib.sha256(path.read_bytes()).hexdigest() if path else ""
    return Plan(model, dataset, seeds, settings, origins, base.source, digest)


def _refuse_places(changes: Sequence[Layer]) -> None:
    for layer in (layer for layer in changes if not layer.lines):  # a run's config.yaml names that run's directory
        if "runs_dir" in layer.values:
            raise UsageError(
                f"{layer.source}: the runs of an experiment lie in its folder; leave runs_dir out, or choose "
                "--experiments-dir=FOLDER"
            )


def _seeds(layers: Sequence[Layer]) -> list[int]:
    """Of the highest layer that names any; one seed is a list of one."""
    typed = [layer for layer in layers[1:] if not layer.lines]
    changed = {key for layer in typed for key in ("seed", "seeds") if layer.values.get(key) is not None}
    if len(changed) == 2:
        raise UsageError("give seed or seeds, not both: seeds=[42] is one seed too")
    for layer in reversed(layers):
        for key in ("seeds", "seed"):
            if layer.values.get(key) is not None:
                return read_seeds(layer.values[key], key)
    return []


def _path(source: str) -> Path | None:
    """The file of a layer's source; one of the user comes before a shipped one, as `user_file` takes it."""
    inside = properties_folder() / source.removeprefix("properties/")
    return next((path for path in (Path(source), inside) if source and path.is_file()), None)


def templates() -> dict[str, str]:
    """Name -> reason of each shipped template."""
    return {path.stem: described(path).get("reason", "") for path in sorted(shipped().glob("*.yaml"))}


def shipped() -> Path:
    """The folder of the shipped templates."""
    return properties_folder() / "experiment"


def described(path: Path) -> dict[str, str]:
    """The comments at a template's head, by their first word: `# reason: ...`, `# source: ...`."""
    found: dict[str, str] = {}
    last = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        match = re.match(r"#\s*(reason|source):\s*(.*)", line)
        if match:
            last = match[1]
            found[last] = match[2]
        elif last:
            found[last] += " " + line.lstrip("# ").strip()
    return found
