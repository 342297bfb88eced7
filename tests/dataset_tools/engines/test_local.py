import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dataset_tools.describe.describe import describe
from dataset_tools.engines.choice import make_engine
from dataset_tools.engines.local import LocalEngine, windowed
from dataset_tools.errors import ResourceError, UsageError
from dataset_tools.lines.ranges import newline_ranges
from tests.dataset_tools.conftest import shared_data

Converted = Callable[..., tuple[Path, dict[str, Any]]]
HAS_RAY = importlib.util.find_spec("ray") is not None


def test_results_come_in_the_order_of_the_jobs() -> None:
    engine = LocalEngine(3)
    assert list(engine.map(lambda n: n * n, range(50))) == [n * n for n in range(50)]
    engine.close()


def test_few_jobs_are_under_way() -> None:
    submitted: list[int] = []
    results = windowed(lambda n: submitted.append(n) or n, lambda n: n, range(100), 4)
    next(results)
    assert len(submitted) == 4


def test_an_error_of_a_job_reaches_the_caller() -> None:
    engine = LocalEngine(2)
    with pytest.raises(ZeroDivisionError):
        list(engine.map(lambda n: 1 // n, [1, 0, 1]))
    engine.close()


def test_unknown_engine() -> None:
    with pytest.raises(UsageError, match="unknown engine 'dask'; allowed: local, ray"):
        make_engine("dask")


def test_without_ray_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ResourceError, match=r"pip install 'ray>=2.54'"):
        make_engine("ray")


def files(folder: Path) -> dict[str, bytes]:
    return {path.name.partition(".")[2]: path.read_bytes() for path in folder.iterdir() if "summary" not in path.name}


NEEDS_RAY = pytest.mark.skipif(not HAS_RAY, reason="ray is not installed (pip install 'ray>=2.54'), an optional extra")


@pytest.fixture(scope="module")
def one_ray() -> Iterator[None]:
    """A Ray that several conversions use; each would start one of its own, which takes seconds."""
    if not shared_data().is_dir():
        pytest.skip(f"real data absent: {shared_data()} (set RECBOLE_EXT_DATA to its folder)")
    import ray

    ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield
    ray.shutdown()


@pytest.mark.slow
@NEEDS_RAY
def test_ray_counts_the_same(real: Callable[[str], Path], converted: Converted, fields: Any) -> None:
    import ray

    folder, _ = converted("ml-latest", real("ml-latest-small"))
    assert describe(folder, fields, "ray") == describe(folder, fields, "local")
    assert not ray.is_initialized(), "what an engine starts, it ends"


@pytest.mark.slow
@NEEDS_RAY
@pytest.mark.usefixtures("one_ray")
@pytest.mark.parametrize("options", [{}, {"per_behaviour": True}, {"label": "click"}])
def test_ray_writes_the_same_bytes(
    options: dict[str, Any],
    real: Callable[[str], Path],
    converted: Converted,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(newline_ranges, "__defaults__", (0, 1 << 18))
    raw = real("taobao-sample/hour_slice_a.csv")
    local, one = converted("taobao", raw, name="local", **options)
    ray, other = converted("taobao", raw, name="ray", engine="ray", **options)
    assert files(local).keys() == files(ray).keys()
    for name, data in files(local).items():
        assert files(ray)[name] == data, name
    assert {**one, "sha256_output": 0, "files": 0} == {**other, "sha256_output": 0, "files": 0}
