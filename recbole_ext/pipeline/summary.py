"""The last lines of a run: what is wrong with it, the model and its baselines, the protocol, and what to do next."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recbole_ext.config.keys.train_on import ALL_ROWS
from recbole_ext.evaluation.best_baseline import against_baselines
from recbole_ext.evaluation.criteria import verdict_lines
from recbole_ext.evaluation.metric_order import in_order
from recbole_ext.evaluation.protocol import Protocol
from recbole_ext.evaluation.tables import Strong, labelled, table_lines
from recbole_ext.runs.recorded import is_ended_by_budget, resume_words
from recbole_ext.tasks.registered import all_tasks


def summary_lines(result: dict[str, Any], protocol: Protocol) -> list[str]:
    """A table of test metrics, or that there is none, with the protocol under it.

    Args:
        result: as `quick_start.run` returns it.
        protocol: of the run.
    """
    warnings = [f"WARNING     {text}" for text in result.get("warnings") or []]
    lines = ["", *warnings, *_tested_lines(result), *_known_lines(result)]
    lines += labelled("protocol", protocol.line())
    spent = f"{result['fit_seconds']:.0f} s of training, peak memory {result['peak_memory_mb']:,} MB"
    lines += labelled("weights", f"{_weights(result)}; {spent}")
    lines += _cost_lines(result)
    lines += all_tasks()[protocol.task].summary_lines(result)
    lines += verdict_lines(result.get("criteria", []))
    return [*lines, *_next_steps(result)]


def _tested_lines(result: dict[str, Any]) -> list[str]:
    """The table of the test, or that there is none."""
    if result["test"] is None:
        return [f"test        none: {ALL_ROWS}, so no number says how good it is{_earlier(result)}"]
    rows, names = {result["model"]: result["test"], **result["baselines"]}, in_order(result["test"])
    metric, sign = str(result["valid_metric"]).lower(), -1 if result.get("valid_metric_bigger", True) else 1
    order = sorted(rows, key=lambda name: sign * rows[name].get(metric, 0.0))
    spans = result.get("test_intervals") or {}
    span = {name: (spans.get(name) or {}).get(metric) for name in order}
    table = [
        [f"{name} *" if name == order[0] else name]
        + [_cell(rows[name][n], span[name] if n == metric else None) for n in names]
        for name in order
    ]
    head, best, *others = table_lines(["test", *names], table)
    verdict = against_baselines(result) if result["baselines"] else ""
    return [head, Strong(best), *others, *_interval_note(spans), *labelled("verdict", verdict)]


def _cell(value: float, span: Sequence[float] | None) -> str:
    """A value, with half of its interval where there is one."""
    return f"{value:.4f}" + (f" ±{(span[1] - span[0]) / 2:.3f}" if span else "")


def _interval_note(spans: Mapping[str, Any]) -> list[str]:
    return labelled("±", "half of the 95 % interval over users; *: the best by this metric") if spans else []


def _earlier(result: dict[str, Any]) -> str:
    """The run whose settings were taken, whose test is the nearest to one."""
    earlier = result.get("final_of")
    return f"; its settings and epochs were chosen and tested in {earlier['run']}" if earlier else ""


def _cost_lines(result: dict[str, Any]) -> list[str]:
    """What the run has cost, and the budget that ended it."""
    lines, seconds = [], result.get("total_seconds", 0.0)
    if result.get("cost") is not None:
        price = f"{result['price_per_hour']:g} an hour by {result['price_source']}"
        lines.append(f"cost        {result['cost']:.4g}, at {price}, {seconds:.0f} s in all")
    if is_ended_by_budget(result):
        key, folder = result["ended_by"], Path(str(result["run_directory"]))
        lines.append(
            f"{key} is spent after {result['epochs_trained']} epochs, {seconds:.0f} s in all, so training ended; "
            f"a larger one goes on: {shlex.join([*resume_words(folder), f'--{key}=MORE'])}"
        )
    return lines


def _known_lines(result: dict[str, Any]) -> list[str]:
    """The same metrics on the tested rows whose user and item were trained on, where a test file holds others."""
    rows, known = result.get("rows") or {}, (result.get("rows") or {}).get("known_test")
    if not known:
        return []
    values = ", ".join(f"{name} {value:.4f}" for name, value in known.items())
    users, items = (rows["test"][f"rows_of_new_{kind}"] for kind in ("users", "items"))
    return labelled(
        "known rows",
        f"{values}: {result['model']} without the rows of new users ({users:,}) and new items ({items:,})",
    )


def _weights(result: dict[str, Any]) -> str:
    """Which weights were tested."""
    if result["best_epoch"] < 1:
        return "as the model was made, without an epoch of training"
    return f"those of epoch {result['best_epoch']}, {chosen_by(result)}"


def chosen_by(result: Mapping[str, Any]) -> str:
    """What chose the weights that a `result.json` is of, of a run that trained."""
    if "imported_from" in result:
        return "as the imported file has them"
    if result.get("valid") is None:
        if is_ended_by_budget(result):
            return "the last one, because the budget ended before a validation"
        return "the last one, because there is no validation split to choose by"
    return f"chosen by validation {result['valid_metric']}"


def _next_steps(result: dict[str, Any]) -> list[str]:
    return [f"Run it again: {result['run_directory']}/command.txt"] if result["best_epoch"] < 1 else []
