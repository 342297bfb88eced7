"""`final_of`: a run on all rows takes its settings, and the number of its epochs, from an earlier run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recbole_ext.config.keys.ranges import AUTO
from recbole_ext.config.keys.train_on import ALL, trained_on_all
from recbole_ext.config.layers import Layer, file_layer, merge
from recbole_ext.errors import UsageError
from recbole_ext.names import named_folder
from recbole_ext.runs.recorded import FREE_KEYS, recorded, require_run
from recbole_ext.runs.run_files import read_result

KEY = "final_of"
_SIZE = "train_batch_size"
_OF_SESSION = frozenset("criteria seeds budget budget_hours train_sample".split())
"""Keys of the earlier run that its final model does not take: what was asked of its result, and when it was to end."""
_FREE = FREE_KEYS | {KEY, "seed", "data_path", "device", "gpu_id", "use_gpu"}
"""Keys that the user may set to other values."""


def source_of(layers: list[Layer]) -> Path | None:
    """The run that the highest layer names with `final_of`; None where none does, or a run has recorded it already.

    A name that is no directory is looked up in `runs_dir`.
    """
    values = merge(layers)[0]
    named = values.get(KEY)
    if not isinstance(named, str) or not named:
        return None
    return named_folder(named, str(values.get("runs_dir") or "runs"), "config.yaml")


def settled(model: str, dataset: str, layers: list[Layer]) -> list[Layer]:
    """The layers of the user, with those settings below them that `final_of` names.

    Args:
        model: as runs record it.
        dataset: of the run that begins.
        layers: of the user, lowest first.

    Raises:
        UsageError: the earlier run has not finished, is of another model or data set, has no epoch that could be
            taken, or has other settings than these.
        DataError: a file of it is damaged.
    """
    run = source_of(layers)
    if run is None:
        return layers
    require_run(run, f"--{KEY}")
    values = recorded(run)
    _require_same(run, values, model, dataset)
    result = read_result(run)
    epochs, batches = _epochs(run, result), _batches(values, result)
    base = file_layer(run / "config.yaml", str(run / "config.yaml"), user=True)
    base = base.without({*_OF_SESSION, "model", "dataset", "config_files", KEY})
    base.values |= {
        "epochs": epochs,
        "train_on": ALL,
        KEY: {"run": str(run), "epochs": epochs},
        **batches,
    }
    above = [layer.without(_given_here(layer, batches)) for layer in layers]
    _require_no_other(run, base, above)
    return [base, *(layer.without(["protocol"]) for layer in above)]  # the run's, with what it changed of the preset


def _batches(values: dict[str, Any], result: Mapping[str, Any] | None) -> dict[str, Any]:
    """The number that `auto` meant in the run: its epochs would be too few or too many steps with another one."""
    number = (result or {}).get(_SIZE)
    return {_SIZE: number} if values.get(_SIZE) == AUTO and number else {}


def _given_here(layer: Layer, batches: dict[str, Any]) -> set[str]:
    """Keys of a layer whose values the run gives: its name, and `auto` where the run has the number for it."""
    given = {KEY} if isinstance(layer.values.get(KEY), str) else set()
    return given | (batches.keys() if layer.values.get(_SIZE) == AUTO else set())


def _require_same(run: Path, values: dict[str, Any], model: str, dataset: str) -> None:
    for name, then, now in (("model", values.get("model"), model), ("dataset", values.get("dataset"), dataset)):
        if then != now:
            raise UsageError(f"{KEY}: {run} is of --{name}={then}, and this is --{name}={now}; leave that out")


def _epochs(run: Path, result: Mapping[str, Any] | None) -> int:
    """The number of the best epoch, which counts from 1.

    Raises:
        UsageError: there is none that validation of a finished run chose.
    """
    if not result:
        raise UsageError(f"{KEY}: {run} has not finished, so its best epoch is not known; finish it with --resume")
    best = result.get("best_epoch")
    reasons = {
        "was trained on all rows itself; repeat its command": trained_on_all(result),
        "was imported and not trained here; give --train_on=all --epochs=N": "imported_from" in result,
        "was trained in stages; give --train_on=all, and stages with epochs of their own": "stages" in result,
        "has no epoch of training; give --train_on=all --epochs=N": best is None or best < 1,
    }
    for reason, holds in reasons.items():
        if holds:
            raise UsageError(f"{KEY}: {run} {reason}")
    return int(best or 0)


def _require_no_other(run: Path, base: Layer, above: list[Layer]) -> None:
    """Refuse settings of the user that differ from those of the run."""
    asked, then = merge([base, *above])[0], base.values
    if asked["train_on"] != ALL:
        raise UsageError(f"{KEY}: it trains on all rows; leave train_on out (got {asked['train_on']!r})")
    keys = sorted({key for layer in above for key in layer.values} - _FREE)
    differing = [key for key in keys if asked[key] != then.get(key)]
    other = [f"{key} (the run: {then.get(key)!r}, now: {asked[key]!r})" for key in differing]
    if other:
        raise UsageError(
            f"{KEY}: its settings are those of {run}, and these differ: {'; '.join(other)}\n"
            f"leave them out, or leave {KEY} out and give --train_on=all --epochs=N with settings of your own"
        )
