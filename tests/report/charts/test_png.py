"""`results.png` is drawn from the drawings of the page, whatever they are."""

import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from recbole_ext.report.charts.dots import Row, dots
from recbole_ext.report.charts.drawing import Drawing
from recbole_ext.report.charts.lines import lines
from recbole_ext.report.charts.png import png
from recbole_ext.report.charts.square import Bin, square
from recbole_ext.report.report import write_report


def image(*drawings: Drawing | None) -> Image.Image:
    return Image.open(io.BytesIO(png("\u05e9 SS4Rec", "x" * 300, [("t" * 200, each) for each in drawings if each])))


def test_charts_stand_in_two_columns_and_have_ink() -> None:
    curve = lines("t", {"a": [(1, 2.0), (2, 3.0)], "b" * 90: [(1, 2.0)]}, "y", "x", references={"level": 1.0})
    square_one = square("t", [Bin(0.1, 0.2, 5, (0.1, 0.3), (0.15, 0.25))], "x", "y", "")
    one, two = image(curve), image(curve, dots("t", [Row("a", 0.1, 0.0, 0.2, strong=True)], "x"), square_one)
    assert one.size[0] == 896 and two.size[0] == 1752 and two.size[1] > one.size[1]
    assert two.getcolors(10**7) and (40, 102, 176) in {colour for _, colour in two.getcolors(10**7) or []}


def test_a_run_has_its_picture_and_one_without_a_result_has_none(make_run: Callable[..., Path], result: Any) -> None:
    folder = make_run(result={**result, "baselines": {"a": {"ndcg@10": math.nan}}})
    write_report(folder)
    assert Image.open(folder / "results.png").format == "PNG"
    (folder / "result.json").unlink()
    (folder / "metrics.csv").unlink()
    write_report(folder)
    assert not (folder / "results.png").exists()
