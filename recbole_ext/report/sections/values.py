"""Predicted ratings against true ones, errors by group, and the calibration of probabilities."""

import math
from collections.abc import Mapping
from typing import Any

from recbole_ext.report.charts.bars import histogram
from recbole_ext.report.charts.square import Bin, square
from recbole_ext.report.page import Page
from recbole_ext.report.record import Record

_Z = 1.96


def add_values(page: Page, record: Record) -> None:
    """Whatever of these the run has."""
    _add_ratings(page, record)
    _add_calibration(page, record)


def _add_ratings(page: Page, record: Record) -> None:
    stars, errors = record.analysis.get("stars") or [], record.analysis.get("errors") or {}
    ratings = record.result.get("ratings")
    if not (stars or errors or ratings):
        return
    page.heading("Predicted ratings")
    if stars:
        page.text("Each dot is the mean prediction for a true rating; lines hold 50 % and 80 % of the predictions.")
        bins = [Bin(s["true"], s["mean"], int(s["rows"]), (s["q10"], s["q90"]), (s["q25"], s["q75"])) for s in stars]
        drawing = square("Predicted against true", bins, "true", "predicted", "Lines hold 50 % and 80 % of the rows.")
        page.figure("Predicted against true", drawing, main=True)
    if errors:
        mark = float(errors.get("mean") or 0.0), "mean"
        names = ("predicted minus true", "rows")
        drawing = histogram("Errors", errors.get("edges") or [], errors.get("rows") or [], *names, mark)
        page.figure("Errors", drawing, main=True)
    if ratings:
        _add_tables(page, ratings)


def _add_tables(page: Page, ratings: Mapping[str, Any]) -> None:
    groups = {"all rows": ratings["all"], **ratings["groups"]}
    names = ("n", "rmse", "mae", "r2", "correlation")
    page.table(["tested rows", *names], [[group, *(of.get(n) for n in names)] for group, of in groups.items()])
    stars = [[star, of["n"], of["rmse"], of["bias"]] for star, of in (ratings.get("by_star") or {}).items()]
    page.table(["rating", "n", "rmse", "bias"], stars, fold="Errors by rating")


def _add_calibration(page: Page, record: Record) -> None:
    """Of the analysis, or of the result of runs that have none."""
    curve = record.analysis.get("calibration") or (record.result.get("clicks") or {}).get("reliability") or {}
    bins = zip(curve.get("rows", []), curve.get("predicted", []), curve.get("observed", []), strict=False)
    filled = [(int(rows), p, o) for rows, p, o in bins if _is_bin(rows, p, o)]
    if not filled:
        return
    page.heading("Calibration").text(
        "Tested rows in bins of their predicted probability: the dot is the observed rate with its 95 % interval, the "
        "bars below are the rows of each bin. On the dotted line predictions are as often right as they say."
    )
    drawn = [Bin(p, o, rows, _wilson(o, rows)) for rows, p, o in filled]
    names = "predicted probability", "observed rate"
    drawing = square("Reliability on the test split", drawn, *names, "Lines are 95 % intervals.")
    page.figure("Reliability on the test split", drawing, main=True)


def _is_bin(rows: float | None, *rates: float | None) -> bool:
    """Whether a bin has rows, and rates that are some."""
    return bool(rows) and 0 < float(rows or 0) < math.inf and all(v is not None and 0 <= v <= 1 for v in rates)


def _wilson(rate: float, rows: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a rate."""
    z2 = _Z**2
    middle = (rate + z2 / (2 * rows)) / (1 + z2 / rows)
    half = _Z * (rate * (1 - rate) / rows + z2 / (4 * rows**2)) ** 0.5 / (1 + z2 / rows)
    return middle - half, middle + half
