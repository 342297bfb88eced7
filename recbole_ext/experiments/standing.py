"""The state of an experiment: results per seed, statistics over seeds, and failures."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from recbole_ext.config.keys.train_on import ALL_ROWS, trained_on_all
from recbole_ext.evaluation.criteria import FAIL, NOT_MET, NOT_YET, PASS, Verdict, judge, of_tier, tier_lines
from recbole_ext.evaluation.protocol import protocol_key
from recbole_ext.evaluation.statistics import OverSeeds, over_seeds
from recbole_ext.evaluation.tables import table_lines
from recbole_ext.experiments.attempts import FINISHED, RUNNING, Attempt
from recbole_ext.experiments.experiment import Experiment
from recbole_ext.runs.recorded import is_ended_by_budget
from recbole_ext.runs.run_files import read_metrics, read_result


@dataclass(frozen=True)
class Standing:
    """Everything that is known of an experiment.

    Attributes:
        experiment: it.
        attempts: all of them.
        results: seed -> `result.json` of those that finished.
        verdicts: seed -> of every seed that has a run.
    """

    experiment: Experiment
    attempts: list[Attempt]
    results: dict[int, dict[str, Any]]
    verdicts: dict[int, list[Verdict]]

    @property
    def hours(self) -> float:
        """Of all attempts together."""
        return sum(attempt.hours for attempt in self.attempts)

    @property
    def success(self) -> tuple[int, int]:
        """Attempts that finished, and those that ended at all."""
        over = [attempt for attempt in self.attempts if attempt.state != RUNNING]
        return sum(attempt.state == FINISHED for attempt in over), len(over)

    @property
    def one_protocol(self) -> bool:
        """Whether all results were measured in the same way on the same data."""
        return len({_protocol_key(result) for result in self.results.values()}) < 2

    @property
    def valid_metric(self) -> str:
        """The metric that validation chooses by; "" without results."""
        return next((str(result["valid_metric"]).lower() for result in self.results.values()), "")

    @property
    def costs(self) -> dict[int, float]:
        """Seed -> what its run has cost, of the results that know it."""
        found = {seed: result.get("cost") for seed, result in self.results.items()}
        return {seed: float(cost) for seed, cost in found.items() if cost is not None}

    @property
    def cost_words(self) -> str:
        """`, cost 12.5` of all finished seeds; "" where none knows it."""
        missing = f" ({len(self.costs)} of {len(self.results)} seeds)" if len(self.costs) < len(self.results) else ""
        return f", cost {sum(self.costs.values()):.4g}{missing}" if self.costs else ""

    def values(self, part: str, metric: str) -> dict[int, float]:
        """Seed -> a metric of `valid` or `test`, of the seeds that have it."""
        found = {seed: (result.get(part) or {}).get(metric) for seed, result in self.results.items()}
        return {seed: float(value) for seed, value in found.items() if value is not None}

    def metrics(self) -> list[str]:
        """The metrics of the test split; none of runs on all rows."""
        return list(next(iter(self.results.values()))["test"] or ()) if self.results else []


def standing(experiment: Experiment) -> Standing:
    """Read everything; a start whose process is gone gets its end first."""
    experiment.mended()
    done = experiment.finished()
    results = {seed: result for seed, run in done.items() if (result := read_result(run))}
    criteria = experiment.settings().get("criteria")
    verdicts = {}
    for seed in experiment.seeds if criteria else []:
        run = done.get(seed) or experiment.run_of(seed)
        verdicts[seed] = judge(criteria, read_metrics(run), results.get(seed))
    return Standing(experiment, experiment.journal.attempts(), results, verdicts)


def _protocol_key(result: Mapping[str, Any]) -> str:
    """What two results must have in common to be in one table; see `Protocol.key`."""
    return str(protocol_key(result.get("protocol") or {}))


def verdicts_over_seeds(found: Standing) -> list[Verdict]:
    """Per criterion: what a seed fails or misses, NOT YET where one is missing, else PASS; the value is the mean."""
    return [_over_seeds(same) for same in zip(*found.verdicts.values(), strict=True)]


def _over_seeds(same: Sequence[Verdict]) -> Verdict:
    values = [each.value for each in same if each.value is not None]
    words = [each.verdict for each in same]
    verdict = next((word for word in (FAIL, NOT_MET, NOT_YET) if word in words), PASS)
    return Verdict(same[0].text, verdict, sum(values) / len(values) if values else None, same[0].tier)


def limits(found: Standing) -> list[str]:
    """The limits of the results, in sentences."""
    n, planned = len(found.results), len(found.experiment.seeds)
    said = []
    if not found.one_protocol:
        said.append("the seeds were measured under different protocols or data: no mean over them means anything")
    if any(trained_on_all(result) for result in found.results.values()):
        said.append(f"{ALL_ROWS}: there is nothing to compare")
    if n == 1:
        said.append(f"1 of {planned} seeds: no interval, and no statement on variance is possible")
    elif 0 < n < planned:
        said.append(f"{n} of {planned} seeds: means and intervals are those of the finished ones")
    short = [str(seed) for seed, result in found.results.items() if is_ended_by_budget(result)]
    if short:
        said.append(f"the budget ended the training of seeds {', '.join(short)}; a larger one goes on")
    return said


def seed_table(found: Standing) -> tuple[list[str], list[list[object]]]:
    """Head and rows: a row per finished seed, then mean, standard deviation and 95 % interval where there are any."""
    chosen, names = found.valid_metric, found.metrics()
    columns = [found.values("valid", chosen), *(found.values("test", name) for name in names)]
    costs = ["cost"] if found.costs else []
    head = ["seed", f"valid {chosen}", *names, "best epoch", "hours", *costs]
    rows: list[list[object]] = [
        [
            *(seed, *(_cell(column.get(seed)) for column in columns)),
            *(result.get("best_epoch"), _hours(found, seed)),
            *(_cost(found.costs.get(seed)) for _ in costs),
        ]
        for seed, result in found.results.items()
    ]
    rest = ["", "", *("" for _ in costs)]
    summary = [over_seeds(list(column.values())) if column else None for column in columns]
    if found.results and found.one_protocol:
        rows.append(["mean", *(_cell(one.mean if one else None) for one in summary), *rest])
    if len(found.results) > 1 and found.one_protocol:
        rows.append(["std", *(_cell(one.std if one else None) for one in summary), *rest])
        rows.append(["95 %", *(_interval(one) for one in summary), *rest])
    return head, rows


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _cost(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _interval(summary: OverSeeds | None) -> str:
    if summary is None or summary.low is None or summary.high is None:
        return "-"
    return f"{summary.low:.4f} to {summary.high:.4f}"


def _hours(found: Standing, seed: int) -> str:
    return f"{sum(attempt.hours for attempt in found.attempts if attempt.seed == seed):.2f}"


def failure_lines(found: Standing) -> list[str]:
    """One line per attempt that did not finish."""
    return [
        f"{attempt.state:<12}seed {attempt.seed}, {attempt.started}, after {attempt.hours:.2f} h: {attempt.cause}"
        for attempt in found.attempts
        if attempt.state not in (FINISHED, RUNNING)
    ]


def verdict_lines_over_seeds(found: Standing) -> list[str]:
    """One line per criterion, with the mean and with how many seeds pass; then the tier that all seeds reach."""
    lines, over = [], verdicts_over_seeds(found)
    for number, verdict in enumerate(over):
        words = [verdicts[number].verdict for verdicts in found.verdicts.values()]
        mean = "" if verdict.value is None else f"; mean {verdict.value:.6g}"
        text = f"{of_tier(verdict.tier)}{verdict.text}"
        lines.append(f"{verdict.verdict:<12}{text}  ({words.count(PASS)} of {len(words)} seeds{mean})")
    return [*lines, *tier_lines(map(asdict, over))]


def standing_lines(found: Standing) -> list[str]:
    """The whole state as text."""
    experiment, (good, over) = found.experiment, found.success
    head, rows = seed_table(found)
    lines = [
        f"\nexperiment {experiment.name}: {experiment.model} on {experiment.dataset}, "
        f"{len(found.results)} of {len(experiment.seeds)} seeds, {good} of {over} attempts finished, "
        f"{found.hours:.2f} hours{found.cost_words}"
    ]
    running = [attempt for attempt in found.attempts if attempt.state == RUNNING]
    lines += [f"running     seed {attempt.seed} since {attempt.started}" for attempt in running]
    lines += table_lines(head, rows) if rows else ["no seed has finished"]
    return [*lines, *limits(found), *failure_lines(found), *verdict_lines_over_seeds(found)]
