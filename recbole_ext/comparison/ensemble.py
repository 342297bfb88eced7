"""`ensemble`: several finished runs answer together, weighed on validation and measured once on test.

The gain is over the member that is best on validation, with an interval over users. It is that of these trained models.
"""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from recbole_ext.comparison.comparison import Table, compare_entries, correct
from recbole_ext.comparison.entries import Entry
from recbole_ext.comparison.fusion import Measured, Weighing, best_member, chosen_method, measure_test, weigh
from recbole_ext.comparison.members import Member, load_members, read_members
from recbole_ext.errors import DataError, ResourceError, UsageError
from recbole_ext.evaluation.tables import table_lines
from recbole_ext.files import new_folder, write_atomically
from recbole_ext.report.page import Page

RESULT = "ensemble.json"
_AGREE = 0.01
"""How far a member's validation may be from what its run wrote: another device or kernel rounds otherwise."""


@dataclass(frozen=True)
class Ensemble:
    """What came out.

    Attributes:
        members: in the order in which they were given.
        method: how predictions became one.
        searched: the weights were chosen here, not given.
        weighing: on validation.
        tested: test metrics of each member.
        whole: those of the ensemble.
        best: the place of the member that is best on validation.
        gains: the ensemble compared with that member, a table per metric.
    """

    members: list[Member]
    method: str
    searched: bool
    weighing: Weighing
    tested: list[Measured]
    whole: Measured
    best: int
    gains: list[Table]

    @property
    def metric(self) -> str:
        """The metric that chose the members' weights, and theirs here."""
        return self.members[0].metric


def ensemble(
    paths: list[Path],
    method: str | None = None,
    weights: list[float] | None = None,
    data_path: str | None = None,
    device: str | None = None,
) -> Ensemble:
    """Blend finished runs.

    Args:
        paths: their directories, or those of experiments, whose seeds they are.
        method: `mean` for ratings and clicks, `score` or `rank` for rankings; None for the first that fits.
        weights: one for each run, in order; None to choose them on validation.
        data_path: where the runs' data is now; None: where each run's was.
        device: where to compute; None: where the run did, or on the best device here if that one is not.

    Raises:
        UsageError: the runs cannot be blended, or a method or weights do not fit them.
        DataError: a result is damaged, a checkpoint is not that of its result, or the data has changed.
    """
    members, method, given = open_members(paths, method, weights, data_path, device)
    weighing = weighed(members, method, given)
    tested, whole = measure_test(members, method, weighing.weights)
    best = best_member(members, weighing)
    gains = _gains(members[best], tested[best], whole)
    return Ensemble(members, method, given is None, weighing, tested, whole, best, gains)


def open_members(
    paths: list[Path], method: str | None, weights: list[float] | None, data_path: str | None, device: str | None
) -> tuple[list[Member], str, np.ndarray | None]:
    """The runs, opened, with the method that fits them and the weights that are given; arguments as for `ensemble`.

    Raises:
        UsageError: the runs cannot be blended, or a method or weights do not fit them.
        DataError: a result is damaged, or the data has changed.
    """
    runs = read_members(paths)
    given = None if weights is None else _checked(weights, len(runs))
    members = load_members(runs, data_path, device)
    return members, chosen_method(members, method), given


def weighed(members: list[Member], method: str, given: np.ndarray | None) -> Weighing:
    """The members' weights from validation, where none are given, and what they reach there.

    Raises:
        DataError: a checkpoint is not that of its result.
    """
    weighing = weigh(members, method, given)
    _require_same_validation(members, weighing)
    return weighing


def _checked(weights: Any, count: int) -> np.ndarray:
    numbers = isinstance(weights, list) and all(isinstance(w, int | float) and w >= 0 for w in weights)
    if not numbers or len(weights) != count or not abs(sum(weights) - 1) <= 1e-6:
        raise UsageError(
            f"--weights must be {count} numbers, one for each run, none below 0, of sum 1, for instance "
            f"[{', '.join([f'{1 / count:.3g}'] * count)}] (got {weights!r})"
        )
    return np.array(weights, dtype=np.float64) / sum(weights)


def _require_same_validation(members: list[Member], weighing: Weighing) -> None:
    """Refuse a member that is not what its run was."""
    if weighing.rows < weighing.of_rows:
        return
    for member, metrics in zip(members, weighing.members, strict=True):
        metric = member.metric
        then, now = member.run.valid.get(metric), metrics.get(metric)
        if then is not None and now is not None and abs(now - then) > _AGREE:
            raise DataError(
                f"{member.run.path}: its checkpoint has {metric} {now:.4f} on validation, result.json has {then:.4f}; "
                "the data or the checkpoint has changed since. Run it again"
            )


def _gains(member: Member, alone: Measured, whole: Measured) -> list[Table]:
    """The ensemble compared with a member, corrected over all metrics."""
    first, second = (
        Entry(name, [replace(member.run, model=name, test=of.metrics, units={name: of.units} if of.units else {})])
        for name, of in ((member.run.path.name, alone), ("ensemble", whole))
    )
    tables = [compare_entries([first, second], first, metric) for metric in whole.metrics if metric in alone.metrics]
    correct(tables)
    return tables


def lines(found: Ensemble) -> list[str]:
    """The ensemble as text."""
    head, rows = table(found)
    return [
        title(found),
        *table_lines(head, rows),
        "",
        *gain_lines(found),
        *found.members[0].run.protocol.lines(_seeds(found)),
    ]


def _seeds(found: Ensemble) -> str:
    return f"seeds {', '.join(str(member.run.seed) for member in found.members)}"


def title(found: Ensemble) -> str:
    """What was done."""
    chosen = "given weights"
    if found.searched:
        rows = f"{found.weighing.rows:,} of {found.weighing.of_rows:,}"
        chosen = f"weights chosen by {found.metric} on {rows} validation rows"
    return f"ensemble of {len(found.members)} {found.members[0].predicts} runs, method {found.method}, {chosen}"


def table(found: Ensemble) -> tuple[list[str], list[list[str]]]:
    """A line for each member and one for the ensemble."""
    names = list(found.whole.metrics)
    head = ["", "seed", "weight", f"valid {found.metric}", *(f"test {name}" for name in names)]
    rows = []
    for i, member in enumerate(found.members):
        mark = " *" if i == found.best else ""
        weight = f"{found.weighing.weights[i]:.3f}"
        cells = [found.weighing.members[i][found.metric], *(found.tested[i].metrics[name] for name in names)]
        rows.append([member.run.path.name + mark, str(member.run.seed), weight, *(f"{value:.4f}" for value in cells)])
    cells = [found.weighing.ensemble[found.metric], *found.whole.metrics.values()]
    return head, [*rows, ["ensemble", "", "", *(f"{value:.4f}" for value in cells)]]


def gain_lines(found: Ensemble) -> list[str]:
    """The gain over the best member, one line per metric."""
    text = [f"gain over * {found.members[found.best].run.path.name}, the best member on validation"]
    for one in found.gains:
        row = one.rows[1]
        spread = ""
        if row.users is not None and row.users_p is not None:
            spread = f", 95 % over users {row.users[0]:+.4f} to {row.users[1]:+.4f}, p {row.users_p:.4f} (Holm)"
        text.append(f"  {one.metric:10} {row.difference or 0:+.4f}{spread}: {row.verdict()}")
    smaller = [one.metric for one in found.gains if one.smaller]
    return [*text, *([f"  of {', '.join(smaller)} smaller is better"] if smaller else []), ""]


def as_facts(found: Ensemble) -> dict[str, Any]:
    """What `ensemble.json` holds."""
    weights = found.weighing.weights.tolist()
    return {
        "method": found.method,
        "metric": found.metric,
        "weights": {"searched": found.searched, "rows": found.weighing.rows, "of_rows": found.weighing.of_rows},
        "members": [
            {
                "run": str(member.run.path),
                "model": member.run.model,
                "seed": member.run.seed,
                "weight": weights[i],
                "valid": found.weighing.members[i],
                "test": found.tested[i].metrics,
            }
            for i, member in enumerate(found.members)
        ],
        "valid": found.weighing.ensemble,
        "test": found.whole.metrics,
        "best_member": str(found.members[found.best].run.path),
        "gain": {
            one.metric: {
                "difference": one.rows[1].difference,
                "interval_over_users": one.rows[1].users,
                "p_over_users": one.rows[1].users_p,
                "shown": one.rows[1].verdict(),
            }
            for one in found.gains
        },
        "protocol": asdict(found.members[0].run.protocol),
    }


def page(found: Ensemble, command: str) -> Page:
    """The ensemble as a page."""
    head, rows = table(found)
    built = Page("Ensemble", title(found)).heading("Members").table(head, rows)
    built.heading("Gain").code("\n".join(gain_lines(found)).rstrip())
    built.heading("Protocol").facts(asdict(found.members[0].run.protocol))
    return built.heading("Again").code(command)


def write_ensemble(found: Ensemble, first: Path, output: Path | None, command: str) -> Path:
    """Write `ensemble.json` and `ensemble.html`.

    Args:
        found: the ensemble.
        first: directory of the first run, beside which the folder is made by default.
        output: the folder to write to; None for a new one.
        command: repeats the ensemble; for the page.

    Returns:
        The folder.

    Raises:
        ResourceError: the folder cannot be written.
    """
    folder = _folder(output, first, found)
    write_atomically(folder / RESULT, json.dumps(as_facts(found), indent=2).encode())
    page(found, command).write(folder / "ensemble.html")
    return folder


def _folder(output: Path | None, first: Path, found: Ensemble) -> Path:
    if not output:
        return new_folder(first.resolve().parent, f"ensemble-{found.members[0].config.dataset}")
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ResourceError(f"cannot make {output}: {error.strerror}; choose another --output") from None
    return output
