"""RecBole's modules find the names that numpy has removed; numpy stays as it is."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from recbole.data.interaction import Interaction

from recbole_ext.config.old_numpy import OLD_NAMES, USERS, provide_old_names
from recbole_ext.places import RECBOLE

REMOVED = {"bool", "int", "float", "complex", "object", "str", "long", "unicode"}
REMOVED |= {"float_", "complex_", "unicode_", "string_", "Inf", "Infinity", "infty", "NaN", "in1d", "product", "trapz"}
ELSEWHERE = {"config/configurator.py", "trainer/hyper_tuning.py"}
"""Not reached: the method is replaced by ours; RecBole's tuning is not used."""


def _removed_names(source: Path) -> set[str]:
    tree = ast.parse(source.read_text(encoding="utf-8"))
    read = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)]
    return {node.attr for node in read if node.value.id in ("np", "numpy")} & REMOVED  # type: ignore[attr-defined]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::SyntaxWarning")  # RecBole's docstrings have backslashes
def test_the_modules_and_names_are_all_that_recbole_uses() -> None:
    found = {path.relative_to(RECBOLE).as_posix(): _removed_names(path) for path in RECBOLE.rglob("*.py")}
    used = {path: names for path, names in found.items() if names and path not in ELSEWHERE}
    assert set(used) == {f"{name.removeprefix('recbole.').replace('.', '/')}.py" for name in USERS}
    assert set().union(*used.values()) == set(OLD_NAMES)


def test_rows_become_an_interaction_and_metrics_are_computed() -> None:
    provide_old_names()
    assert Interaction({"user_id": np.array([1, 2])})["user_id"].tolist() == [1, 2]
    metrics = importlib.import_module("recbole.evaluator.metrics")
    hits = np.array([[False, True, True]])
    assert metrics.MRR.metric_info(None, hits).tolist() == [[0.0, 0.5, 0.5]]
    assert metrics.np.concatenate is np.concatenate


@pytest.mark.slow
def test_numpy_itself_gets_no_names() -> None:
    code = (
        "import numpy as np; before = set(vars(np)); from recbole_ext.pipeline.configure import build_config; "
        "build_config('BPR', 'ml-100k', [], {}); assert 'float' not in vars(np) and before <= set(vars(np))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
