from pathlib import Path
from typing import Any

import pytest

from recbole_ext.errors import UsageError
from recbole_ext.places import properties_folder
from recbole_ext.tuning.space import Parameter, space_of
from recbole_ext.tuning.space_file import read_space


def test_each_kind_is_read(tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(
        "learning_rate: {loguniform: [5e-4, 0.005]}\n"
        "dropout_prob: {choice: [0.1, 0.2]}\n"
        "weight_decay: {uniform: [0, 0.1]}\n"
        "hidden_size: {quniform: [32, 128, 32]}\n"
        "num_layers: {randint: [1, 3]}\n"
    )
    space, source = read_space(str(path))
    assert source == "space.yaml"
    assert space == [
        Parameter("learning_rate", "loguniform", (0.0005, 0.005)),
        Parameter("dropout_prob", "choice", (0.1, 0.2)),
        Parameter("weight_decay", "uniform", (0, 0.1)),
        Parameter("hidden_size", "quniform", (32, 128, 32)),
        Parameter("num_layers", "randint", (1, 3)),
    ]
    assert space_of({p.name: p.as_setting() for p in space}, "again") == space


def test_steps_end_at_the_last_one_that_fits() -> None:
    assert Parameter("x", "quniform", (32, 130, 32)).ends() == [32, 128]
    assert [type(end) for end in Parameter("x", "uniform", (1, 3)).ends()] == [float, float]
    assert Parameter("x", "quniform", (0.1, 0.4, 0.1)).ends() == [0.1, 0.4]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"loguniform": [0, 1]}, r"loguniform needs values above 0, because 0 has no logarithm \(got 0\)"),
        ({"loguniform": [-1, 1]}, r"loguniform needs values above 0.*\(got -1\)"),
        ({"uniform": [0.2, 0.1]}, r"uniform needs the lowest value before the highest.*\(got \[0.2, 0.1\]\)"),
        ({"uniform": [0.1, 0.1]}, "and two different ones"),
        ({"uniform": [0.1]}, r"uniform needs numbers, \[lowest, highest\] \(got \[0.1\]\)"),
        ({"uniform": [0, float("inf")]}, "uniform needs numbers"),
        ({"uniform": [False, True]}, "uniform needs numbers"),
        ({"uniform": 3}, r"uniform needs a list of values \(got 3\)"),
        ({"quniform": [1, 4]}, r"quniform needs numbers, \[lowest, highest, step\]"),
        ({"quniform": [1, 4, 0]}, r"a step above 0 and at most 3 \(got 0\)"),
        ({"quniform": [1, 4, 5]}, r"a step above 0 and at most 3 \(got 5\)"),
        ({"randint": [1, 2.5]}, "randint needs integers; both ends are included"),
        ({"choice": []}, "at least one value"),
        ({"choice": [1, 2, 1.0]}, "holds 1.0 twice"),
        ({"choise": [1, 2]}, "unknown kind 'choise'; did you mean 'choice'"),
        ({"choice": [1, 2], "uniform": [0, 1]}, "give one of choice, uniform"),
        ([1, 2], "give one of choice, uniform"),
    ],
)
def test_what_no_range_is(entry: Any, message: str) -> None:
    with pytest.raises(UsageError, match=f"made.yaml:3: x: .*{message}"):
        space_of({"x": entry}, "made.yaml", {"x": 3})


def test_true_and_one_are_two_choices() -> None:
    (parameter,) = space_of({"x": {"choice": [True, 1, None, [64, 32]]}}, "made")
    assert [parameter.place(value) for value in (True, 1, None, [64, 32])] == [0, 1, 2, 3]


def test_all_faults_are_told_at_once_and_an_empty_space_is_one() -> None:
    with pytest.raises(UsageError, match=r"x: choice needs(.|\n)*y: uniform needs"):
        space_of({"x": {"choice": []}, "y": {"uniform": [2, 1]}}, "made")
    with pytest.raises(UsageError, match="made: the space is empty"):
        space_of({}, "made")


def test_a_space_that_is_not_there() -> None:
    with pytest.raises(
        UsageError, match=r"--space: no file 'SS4Rex'; did you mean 'SS4Rec'.*Shipped spaces: HybridVAE"
    ):
        read_space("SS4Rex")


@pytest.mark.parametrize("path", sorted((properties_folder() / "tune").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_shipped_space_has_a_reason_on_each_line(path: Path) -> None:
    space, _ = read_space(path.stem)
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    assert len(lines) == len(space) and all("  # " in line for line in lines)
