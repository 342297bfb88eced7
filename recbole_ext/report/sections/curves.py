"""The curves of one run on a page."""

from recbole_ext.evaluation.criteria import OF_EPOCH
from recbole_ext.report.charts.lines import Point
from recbole_ext.report.page import Page
from recbole_ext.report.record import Record
from recbole_ext.report.sections.results import best_reference

_OF_TRAINING = ("train_", "kl_", "gate_")
_MOST_LINES = 8

Columns = dict[str, list[Point]]


def add_curves(page: Page, record: Record) -> None:
    """Loss and validation over the epochs, the best baseline dashed."""
    columns = record.columns
    if not columns:
        return
    page.heading("Learning curves")
    metric, best = record.metric, record.result.get("best_epoch")
    names = {metric: "validation", f"train_{metric}": "training rows, evaluation mode"}
    series = {shown: columns[name] for name, shown in names.items() if name in columns}
    mark = (float(best), f"best {best}") if isinstance(best, int) and series else None
    if series:
        dashed = best_reference(record, metric)
        page.chart(f"Validation {metric}", series, metric, mark=mark, references=dashed, main=True)
    _chart(page, "Training loss", columns, {"train_loss": "training"}, "mean over the epoch")


def add_further_curves(page: Page, record: Record) -> None:
    """The other columns: further metrics, gap, learning rate, gradients and time."""
    columns, metric = record.columns, record.metric
    rest = [name for name in columns if name != metric and _is_of_validation(name)]
    title = "Other validation metrics" if len(rest) > 1 else f"Validation {''.join(rest)}"
    title += f": the first {_MOST_LINES} of {len(rest)}, all in metrics.csv" if len(rest) > _MOST_LINES else ""
    _chart(page, title, columns, {name: name for name in rest[:_MOST_LINES]}, "")
    gap = {"train_valid_gap": "gap"}
    _chart(page, "Gap: training rows better than validation by", columns, gap, f"{metric}, evaluation mode")
    _chart(page, "Learning rate", columns, {"learning_rate": "learning rate"}, "at the end of the epoch")
    _chart(page, "Gradient norm", columns, {"grad_norm_mean": "mean", "grad_norm_max": "largest"}, "before clipping")
    _chart(page, "Time", columns, {"train_seconds": "training", "valid_seconds": "validation"}, "seconds")


def _is_of_validation(column: str) -> bool:
    return column not in (*OF_EPOCH, "first_loss") and not column.startswith(_OF_TRAINING)


def add_gate(page: Page, record: Record) -> None:
    """What the gate between two branches does, for models that have one."""
    columns, start = record.columns, "gate_static_"
    if f"{start}mean" not in columns:
        return
    page.heading("Gate").text(
        "The weight of the static branch on the validation split: 1 is the static branch only, 0 the sequential branch "
        "only. A constant gate weights the branches equally for all examples."
    )
    _chart(
        page,
        "Over the examples",
        columns,
        {f"{start}{name}": name for name in ("mean", "median", "min", "max")},
        "weight",
    )
    dispersion = {f"{start}std": "standard deviation", f"{start}entropy": "entropy, bits"}
    _chart(page, "Dispersion", columns, dispersion, "")
    activity = [name for name in columns if name.startswith(f"{start}events_")]
    shown = {name: f"{name.removeprefix(f'{start}events_')} events or more" for name in activity}
    _chart(page, "By activity of the user", columns, shown, "mean weight")


def add_latent(page: Page, record: Record) -> None:
    """KL and active units, for models with a latent vector."""
    columns = record.columns
    if "kl" not in columns:
        return
    page.heading("Latent vector")
    page.text("KL in nats, summed over dimensions: the information of z about a rating. A dimension near 0 has none.")
    _chart(page, "KL", columns, {"kl": "z", "kl_tables": "embedding tables, per rating"}, "nats")
    each = [name for name in columns if name.startswith("kl_d") and name[4:].isdigit()]
    ordered = sorted(each, key=lambda name: -columns[name][-1][1])
    title = (
        f"KL of {len(each)} dimensions" if len(each) <= _MOST_LINES else f"KL, the largest {_MOST_LINES} of {len(each)}"
    )
    _chart(page, title, columns, {name: f"dimension {name[4:]}" for name in ordered[:_MOST_LINES]}, "nats")
    _chart(page, "Active units", columns, {"active_units": "units"}, "variance of the mean above 0.01")


def _chart(
    page: Page,
    title: str,
    columns: Columns,
    names: dict[str, str],
    y_label: str,
    mark: tuple[float, str] | None = None,
) -> None:
    """A chart of those columns that there are; none without any."""
    series = {shown: columns[name] for name, shown in names.items() if name in columns}
    if series:
        page.chart(title, series, y_label, mark=mark)
