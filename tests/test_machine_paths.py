import os
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.machine_paths import below_here, portable_command, recorded_data_path, without_machine_paths
from recbole_ext.places import RECBOLE

HERE = os.getcwd()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("cannot write /home/me/runs/a/log.txt: no space left", "cannot write .../log.txt: no space left"),
        (f"see {HERE}/runs/a/report.html.", "see runs/a/report.html."),
        ("('/root/a', /tmp/b)", "('.../a', .../b)"),
        ("/home/me/my data/ml-1m", ".../ml-1m"),
        ({"run": "/home/me/runs/a", "epochs": 3}, {"run": ".../a", "epochs": 3}),
        (["/var/x", None, 0.5], [".../x", None, 0.5]),
        ("/m/0abc and /film/genre", "/m/0abc and /film/genre"),  # ids of a knowledge graph
        ("https://recbole.io/home/x 3/4 a/home/b ../home/c", "https://recbole.io/home/x 3/4 a/home/b ../home/c"),
        ("hit@10 1/2", "hit@10 1/2"),
    ],
)
def test_paths_of_the_machine_are_relative_or_names(value: Any, expected: Any) -> None:
    assert without_machine_paths(value) == expected
    assert without_machine_paths(expected) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["/a/.venv/bin/python3.11", "/a/run_recbole_ext.py", "--epochs=1"], "python run_recbole_ext.py --epochs=1"),
        ([".venv/bin/python", "scripts/mine.py"], "python scripts/mine.py"),
        (["recbole-ext", "--data_path=/srv/my data", "--model=A"], "recbole-ext --data_path=.../my data --model=A"),
        (["recbole-ext", f"--data_path={HERE}/data", "--dir=../r"], "recbole-ext --data_path=data --dir=../r"),
        (["recbole-ext", "drift", "--run", "/home/me/runs/a"], "recbole-ext drift --run .../a"),
        (["recbole-ext", "--load_col={inter: [/home/me/a]}"], "recbole-ext --load_col={inter: [.../a]}"),
    ],
)
def test_a_command_can_be_sent_to_others(words: list[str], expected: str) -> None:
    assert " ".join(portable_command(words)) == expected


def test_what_a_run_needs_to_be_continued_stays() -> None:
    assert below_here({"a": f"{HERE}/x", "b": ["/elsewhere/y"], "c": 1}) == {"a": "x", "b": ["/elsewhere/y"], "c": 1}
    carried = RECBOLE / "dataset_example" / "ml-100k"
    assert recorded_data_path(str(carried), "ml-100k") == "dataset/ml-100k"
    assert recorded_data_path(str(Path(HERE) / "data" / "x"), "x") == "data/x"
