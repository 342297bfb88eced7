"""The command on made logs: nothing found where nothing changed, and every planted change found by its measure."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataset_tools.cli import main
from tests.dataset_tools.drift.made_log import DAY, DAYS, START, Log, made_log

CUT = START + DAYS * DAY * 8 // 10
Run = Callable[..., dict[str, Any]]


def states(numbers: dict[str, Any], window: int = 0) -> dict[str, str]:
    return {name: one["verdict"] for name, one in numbers["windows"][window]["measures"].items()}


def drifting(numbers: dict[str, Any]) -> set[str]:
    return {name for name, state in states(numbers).items() if state == "DRIFT"}


@pytest.mark.slow
def test_a_log_without_drift_is_ok_in_every_measure(compared: Run, tmp_path: Path) -> None:
    numbers = compared(made_log().write(tmp_path / "log"), cut=str(CUT))
    assert set(states(numbers).values()) == {"OK"} and numbers["verdict"] == "OK"
    assert len(states(numbers)) == 17  # all but value_js, which is for names
    assert numbers["summary"] == ["No measure differs from the past by more than its threshold."]
    for reference in ("past", "previous"):
        windows = compared(made_log().write(tmp_path / "log"), cut=str(CUT), windows="20d", reference=reference)[
            "windows"
        ]
        assert len(windows) == 3 and not {"DRIFT"} & {state for one in windows for state in [one["verdict"]]}


def new_items(log: Log, future: np.ndarray, random: np.random.Generator) -> Log:
    return replace(log, items=np.where(future & (random.random(len(log.items)) < 0.3), log.items + 1000, log.items))


def new_users(log: Log, future: np.ndarray, random: np.random.Generator) -> Log:
    return replace(log, users=np.where(future & (log.users % 2 == 0), log.users + 1000, log.users))


def lower_ratings(log: Log, future: np.ndarray, random: np.random.Generator) -> Log:
    lower = future & (log.ratings > 1) & (random.random(len(log.items)) < 0.4)
    return replace(log, ratings=np.where(lower, log.ratings - 1, log.ratings))


def other_hours(log: Log, future: np.ndarray, random: np.random.Generator) -> Log:
    times = np.where(future, log.times // DAY * DAY + log.times % (DAY // 2), log.times)
    return replace(log, times=np.sort(times))


def other_popularity(log: Log, future: np.ndarray, random: np.random.Generator) -> Log:
    return replace(log, items=np.where(future, 401 - log.items, log.items))


def more_rows(log: Log, future: np.ndarray, random: np.random.Generator) -> Log:
    order = np.sort(np.concatenate([np.arange(len(future)), np.flatnonzero(future)]))
    return Log(*(column[order] for column in vars(log).values()))


def one_genre(log: Log, future: np.ndarray, random: np.random.Generator) -> Log:
    return replace(log, items=np.where(future, np.maximum(log.items // 3 * 3, 3), log.items))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("plant", "found"),
    [
        (new_items, {"unknown_items", "items_js"}),
        (new_users, {"unknown_users"}),
        (lower_ratings, {"value_ks", "value_wasserstein"}),
        (other_hours, {"hours_js"}),
        (other_popularity, {"items_js", "popularity_psi", "top_lost"}),
        (more_rows, {"volume"}),
        (one_genre, {"categories_js", "user_mix_js"}),
    ],
)
def test_a_planted_change_is_found(
    plant: Callable[[Log, np.ndarray, np.random.Generator], Log], found: set[str], compared: Run, tmp_path: Path
) -> None:
    log = made_log()
    changed = plant(log, log.times >= CUT, np.random.default_rng(0))
    numbers = compared(changed.write(tmp_path / "log"), cut=str(CUT))
    assert found <= drifting(numbers) and numbers["verdict"] == "DRIFT"
    assert {"new_items": 4, "new_users": 4, "lower_ratings": 3, "other_hours": 1, "more_rows": 2}.get(
        plant.__name__, 99
    ) >= len(drifting(numbers)), drifting(numbers)


@pytest.mark.slow
def test_longer_gaps_are_found(compared: Run, tmp_path: Path) -> None:
    log = made_log()
    random = np.random.default_rng(0)
    users = log.users.copy()
    order = np.flatnonzero(log.times >= CUT)
    users[order] = np.sort(random.permutation(users[order]))  # each user's rows in one burst
    numbers = compared(replace(log, users=users).write(tmp_path / "log"), cut=str(CUT))
    assert "gaps_ks" in drifting(numbers)


@pytest.mark.slow
def test_the_order_of_the_rows_and_the_names_of_the_fields_change_nothing(compared: Run, tmp_path: Path) -> None:
    log = made_log(3000)
    usual = compared(log.write(tmp_path / "log"), cut=str(CUT))
    order = np.lexsort((-log.times, log.users))
    header = "who:token\twhat:token\tstars:float\twhen:float"
    folder = log.write(tmp_path / "other", order, header)
    (folder / "other.item").write_text((folder / "other.item").read_text().replace("item_id", "what"))
    names = {"user_field": "who", "item_field": "what", "time_field": "when", "value_field": "stars"}
    other = compared(folder, cut=str(CUT), **names)
    assert other["windows"] == usual["windows"] and other["neighbours"] == usual["neighbours"]
    assert sorted(path.name for path in (tmp_path / "compared").iterdir()) == ["drift.html", "drift.json"]


@pytest.mark.slow
def test_two_data_sets_and_one_with_a_cut_are_the_same(compared: Run, tmp_path: Path) -> None:
    log = made_log(3000)
    whole = compared(log.write(tmp_path / "log"), cut=str(CUT))
    past, future = log.cut(CUT)
    future.times[0] = CUT  # the first row of the future is its first moment
    log.times[np.flatnonzero(log.times >= CUT)[0]] = CUT
    whole = compared(log.write(tmp_path / "log"), cut=str(CUT))
    two = compared(past.write(tmp_path / "past"), future=future.write(tmp_path / "future"))
    assert two["windows"] == whole["windows"]
    command = ["split", str(tmp_path / "log"), "--at", str(CUT), "--output", str(tmp_path), "--quiet"]
    assert main(command) == 0
    assert compared(tmp_path / "log-cut")["windows"] == whole["windows"]
    share = float((log.times < CUT).mean())
    assert compared(tmp_path / "log", cut=f"{share + 1e-9:.12f}")["windows"] == whole["windows"]


def test_too_few_rows_are_no_verdict(compared: Run, tmp_path: Path) -> None:
    numbers = compared(made_log(2000).write(tmp_path / "log"), cut=str(CUT))
    assert numbers["verdict"] == "INSUFFICIENT_DATA" and set(states(numbers).values()) == {"INSUFFICIENT_DATA"}
    assert numbers["summary"] == ["Too few rows or users for a verdict."]


@pytest.mark.slow
def test_a_window_shorter_than_a_week_has_no_days_of_the_week(compared: Run, tmp_path: Path) -> None:
    log = made_log(30_000)
    numbers = compared(log.write(tmp_path / "log"), cut=str(START + (DAYS - 12) * DAY), windows="6d")
    assert states(numbers)["weekdays_js"] == "INSUFFICIENT_DATA" and states(numbers)["hours_js"] == "OK"


def test_thresholds_of_a_file_replace_single_ones(compared: Run, tmp_path: Path) -> None:
    (tmp_path / "strict.yaml").write_text("measures: {items_js: {threshold: 0}}\nrepeats: 2\n")
    log = made_log(3000).write(tmp_path / "log")
    numbers = compared(log, cut=str(CUT), thresholds=tmp_path / "strict.yaml")
    assert numbers["thresholds"]["measures"]["items_js"] == {"threshold": 0, "against": "shuffled"}
    assert numbers["thresholds"]["repeats"] == 2 and numbers["thresholds"]["neighbours"] == 5


@pytest.mark.slow
def test_the_command_prints_the_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = made_log(3000).write(tmp_path / "log")
    out = tmp_path / "out"
    command = ["drift", "--past", str(log), "--cut", "0.8", "--output", str(out), "--threads", "1"]
    assert main(command) == 0
    assert capsys.readouterr().out.splitlines()[0] == f"{out}: OK"
    assert json.loads((out / "drift.json").read_text())["verdict"] == "OK"
    assert main(command) == 2 and "already exists" in capsys.readouterr().err
    first = (out / "drift.json").read_bytes()
    assert main([*command, "--overwrite", "--quiet"]) == 0 and (out / "drift.json").read_bytes() == first


@pytest.mark.slow
def test_ray_writes_the_same_bytes(compared: Run, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    log = made_log(3000).write(tmp_path / "log")
    for engine in ("local", "ray"):
        compared(log, cut=str(CUT), engine=engine, output=tmp_path / engine)
    for name in ("drift.json", "drift.html"):
        assert (tmp_path / "ray" / name).read_bytes() == (tmp_path / "local" / name).read_bytes()
