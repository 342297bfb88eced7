"""Known values on real data: ML-1M at its 80 % cut in time, and the Taobao sample at 2017-12-02."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., dict[str, Any]]
pytestmark = pytest.mark.slow


@pytest.fixture
def ml_1m(real: Callable[[str], Path], tmp_path: Path, converted: Callable[..., tuple[Path, dict[str, Any]]]) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    packed = real("ml-1m/ratings.dat.gz")
    with (folder / "ratings.dat").open("wb") as file:
        subprocess.run(["gzip", "-dc", str(packed)], check=True, stdout=file)
    for name in ("users.dat", "movies.dat"):
        shutil.copy(packed.parent / name, folder)
    return converted("ml-1m", folder)[0]


def values(numbers: dict[str, Any]) -> dict[str, float]:
    return {name: one["value"] for name, one in numbers["windows"][0]["measures"].items()}


def nulls(numbers: dict[str, Any]) -> dict[str, float]:
    measures = numbers["windows"][0]["measures"].items()
    return {name: one["shuffled"]["mean"] for name, one in measures if one["shuffled"]}


def test_ml_1m(ml_1m: Path, compared: Run) -> None:
    numbers = compared(ml_1m, cut="0.8")
    found, null = values(numbers), nulls(numbers)
    assert (numbers["cut_timestamp"], numbers["windows"][0]["rows"]) == (975767628, 200042)
    assert found["unknown_users"] == pytest.approx(0.479, abs=5e-4) and found["unknown_items"] < 5e-4
    assert found["items_js"] == pytest.approx(0.134, abs=5e-4) and null["items_js"] == pytest.approx(0.066, abs=2e-3)
    assert found["popularity_psi"] == pytest.approx(0.017, abs=5e-4) and null["popularity_psi"] < 1e-3
    assert found["top_lost"] == pytest.approx(0.20)
    assert found["value_ks"] == pytest.approx(0.023, abs=5e-4) and found["gaps_ks"] == pytest.approx(0.11, abs=5e-3)
    states = {name: one["verdict"] for name, one in numbers["windows"][0]["measures"].items()}
    assert {name for name, state in states.items() if state == "DRIFT"} == {"unknown_users", "weekdays_js", "volume"}


def test_taobao(
    real: Callable[[str], Path], compared: Run, converted: Callable[..., tuple[Path, dict[str, Any]]]
) -> None:
    folder = converted("taobao", real("taobao-sample/UserBehavior.csv"))[0]
    numbers = compared(folder, cut="2017-12-02T00:00:00+08:00", utc_offset="+08:00")
    found, null = values(numbers), nulls(numbers)
    assert found["unknown_items"] == pytest.approx(0.710, abs=5e-4)
    assert null["unknown_items"] == pytest.approx(0.543, abs=5e-3)
    assert found["items_js"] == pytest.approx(0.900, abs=5e-4) and null["items_js"] == pytest.approx(0.823, abs=2e-3)
    assert found["categories_js"] == pytest.approx(0.325, abs=5e-4)
    assert null["categories_js"] == pytest.approx(0.186, abs=4e-3)
    assert found["value_psi"] == pytest.approx(0.0005, abs=5e-5)
    assert numbers["fields"]["group"] == "category_id" and numbers["fields"]["value"] == "behavior"
    assert numbers["windows"][0]["measures"]["volume"]["verdict"] == "DRIFT"  # a third more traffic
