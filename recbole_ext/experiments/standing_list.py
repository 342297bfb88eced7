"""`experiment list`: one line per experiment, ours and imported ones apart."""

from pathlib import Path

from recbole_ext.errors import DataError
from recbole_ext.evaluation.statistics import over_seeds
from recbole_ext.evaluation.tables import table_lines
from recbole_ext.experiments.experiment import experiment_names, read_experiment
from recbole_ext.experiments.standing import Standing, standing

HEAD = ["name", "model", "data set", "seeds", "finished", "hours", "validation", "mean", "std", "best"]


def standings(root: Path) -> tuple[list[Standing], list[str]]:
    """The experiments of a folder, the oldest first, and what is damaged of those that cannot be read."""
    found, damage = [], []
    for name in experiment_names(root):
        try:
            found.append(standing(read_experiment(root, name)))
        except DataError as error:
            damage.append(str(error))
    return sorted(found, key=lambda each: each.experiment.created), damage


def list_lines(known: list[Standing]) -> list[str]:
    """Two tables, of which one may be empty."""
    ours = [each for each in known if not each.experiment.imported]
    others = [each for each in known if each.experiment.imported]
    lines = table_lines(HEAD, [_row(each) for each in ours]) if ours else []
    if others:
        lines += ["", "imported, protocol unknown: their numbers are never compared with those above"] if ours else []
        lines += table_lines(["name", "model", "data set", "finished", "hours", "file"], [_other(e) for e in others])
    return lines


def _row(found: Standing) -> list[str]:
    experiment, metric = found.experiment, found.valid_metric
    values = list(found.values("valid", metric).values()) if found.one_protocol else []
    summary = over_seeds(values) if values else None
    bigger = next((result.get("valid_metric_bigger", True) for result in found.results.values()), True)
    return [
        *(experiment.name, experiment.model, experiment.dataset, f"{len(found.results)}/{len(experiment.seeds)}"),
        *(_share(found), f"{found.hours:.2f}", metric or "-"),
        f"{summary.mean:.4f}" if summary else "-",
        f"{summary.std:.4f}" if summary and summary.std is not None else "-",
        f"{(max if bigger else min)(values):.4f}" if values else "-",
    ]


def _other(found: Standing) -> list[str]:
    experiment = found.experiment
    return [
        *(experiment.name, experiment.model, experiment.dataset, _share(found), f"{found.hours:.2f}"),
        experiment.imported,
    ]


def _share(found: Standing) -> str:
    good, over = found.success
    return f"{good}/{over} ({good / over:.0%})" if over else "-"
