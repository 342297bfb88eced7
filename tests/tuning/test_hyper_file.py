import math
from pathlib import Path

import pytest

from recbole_ext.errors import UsageError
from recbole_ext.tuning.space import Parameter
from recbole_ext.tuning.space_file import read_space


def read(folder: Path, text: str) -> list[Parameter]:
    path = folder / "bpr.hyper"
    path.write_text(text)
    return read_space(str(path))[0]


def test_recboles_lines(tmp_path: Path) -> None:
    space = read(
        tmp_path,
        "# tuned on ml-100k\n"
        "learning_rate loguniform -8, 0\n"
        "embedding_size choice [64, 96 , 128]\n\n"
        "train_batch_size choice [512,None]   # comment\n"
        "mlp_hidden_size choice ['[64,32]','[128]']\n"
        "dropout_prob uniform 0.0,0.5\n"
        "n_layers quniform 1,4,1\n"
        "reg quniform 0.01,0.05,0.02\n",
    )
    assert {p.name: (p.kind, p.values) for p in space} == {
        "learning_rate": ("loguniform", (pytest.approx(math.exp(-8), rel=1e-5), 1.0)),
        "embedding_size": ("choice", (64, 96, 128)),
        "train_batch_size": ("choice", (512, None)),
        "mlp_hidden_size": ("choice", ([64, 32], [128])),
        "dropout_prob": ("uniform", (0.0, 0.5)),
        "n_layers": ("quniform", (1, 4, 1)),
        "reg": ("quniform", (0.0, 0.05, 0.02)),
    }


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("['BPR']", ("BPR",)),
        ("[32]", (32,)),
        ("['True', False]", (True, False)),
        ("['0.5','x y']", (0.5, "x y")),
        ("['None', '[]']", (None, [])),
        ("['[1', '[1]']", ("[1", [1])),
    ],
)
def test_choices_of_one_and_in_quotes(tmp_path: Path, text: str, values: tuple[object, ...]) -> None:
    (parameter,) = read(tmp_path, f"\nkey choice {text}\n")
    assert (parameter.values, parameter.line, parameter.varies) == (values, 2, len(values) > 1)


def test_nothing_is_evaluated(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    with pytest.raises(UsageError, match=r"bpr\.hyper:1: x: choice needs a list of values"):
        read(tmp_path, f"x choice __import__('pathlib').Path({str(marker)!r}).touch()\n")
    with pytest.raises(UsageError, match="cannot read the value"):
        read(tmp_path, "x choice !!python/object/apply:os.system [true]\n")
    assert not marker.exists()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("learning_rate loguniform", "a line is `name kind values`"),
        ("learning_rate lognormal 0,1", "unknown kind 'lognormal'; did you mean 'loguniform'"),
        ("learning_rate loguniform -8", r"loguniform needs numbers, \[lowest, highest\]"),
        ("learning_rate loguniform -8,x", "loguniform needs numbers"),
        ("n_layers quniform -.inf,4,1", "quniform needs numbers"),
        ("\ufefflearning_rate loguniform 0,-8", "bpr.hyper:1: learning_rate: loguniform needs the lowest value"),
        ("learning_rate loguniform 0,-8", "lowest value before the highest"),
        ("a choice [1,2]\na choice [3,4]", "bpr.hyper:2: a is given twice"),
    ],
)
def test_bad_lines(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read(tmp_path, line + "\n")
