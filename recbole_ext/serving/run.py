"""A finished run as a value: its files, its results, and everything that its model answers."""

from collections.abc import Callable, Iterable
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl

from recbole_ext.config.config import Config
from recbole_ext.config.plain_values import plain_value
from recbole_ext.errors import UsageError
from recbole_ext.host_warnings import without_host_warnings
from recbole_ext.model.sequence.causal import CausalRecommender
from recbole_ext.runs.recorded import require_run
from recbole_ext.runs.run_files import read_result
from recbole_ext.serving.bulk.plan import Plan
from recbole_ext.serving.bulk.question import Question
from recbole_ext.serving.bulk.recommendations import Engine, Recommendations, ranked_here
from recbole_ext.serving.click_answers import ClickAnswers
from recbole_ext.serving.continued.continue_run import Continuation, continue_run
from recbole_ext.serving.embeddings import embeddings
from recbole_ext.serving.export.export import Exported, export
from recbole_ext.serving.given_columns import text_or_times
from recbole_ext.serving.given_table import required_table, under_names
from recbole_ext.serving.item_scores import FOLD_IN
from recbole_ext.serving.later.evaluate import evaluate_later
from recbole_ext.serving.later.files import Given
from recbole_ext.serving.later.result import LaterResult
from recbole_ext.serving.load import LoadedRun, finished_config, load_run
from recbole_ext.serving.rater import Rater
from recbole_ext.serving.recommend import Recommender, warn_of
from recbole_ext.serving.run_table import run_html, tested_table
from recbole_ext.serving.score import read_rows
from recbole_ext.tasks.registered import all_tasks, task_of


class Run:
    """A run that training left.

    Nothing is loaded before it is used. The model and the data come from the run's directory; raw data is needed
    only by runs that stored none (`store_data: False`).

    Args:
        path: its directory.
        data_path: raw data, which must be the run's; None: the data that the run stored.
        device: where to compute; None: where the run did, or on the best device here if that one is not.

    Attributes:
        path: its directory.

    Raises:
        UsageError: no run left this directory, or it is no path.
    """

    def __init__(self, path: str | Path, data_path: str | Path | None = None, device: str | None = None) -> None:
        if not isinstance(path, str | Path):
            raise UsageError(f"a run is named by the path of its directory (got {type(path).__name__})")
        self.path = Path(path)
        require_run(self.path)
        self._data_path, self._device = None if data_path is None else str(data_path), device

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    @property
    def result(self) -> dict[str, Any]:
        """`result.json`: metrics, baselines, protocol, times; {} for a run that has not finished."""
        return read_result(self.path)

    def _repr_html_(self) -> str:
        """For notebooks: the metrics, the best first, and the protocol they were measured by."""
        return run_html(self.path.name, self.result)

    @property
    def metrics(self) -> pd.DataFrame:
        """Test metrics, a row for the model and each baseline, the best first; empty for a run without a test."""
        return tested_table(self.result)

    @property
    def curves(self) -> pd.DataFrame:
        """`metrics.csv`: a row per epoch."""
        path = self.path / "metrics.csv"
        return pd.read_csv(path) if path.is_file() and path.stat().st_size else pd.DataFrame()

    @property
    def report(self) -> Path:
        """`report.html`, which the run leaves at its end."""
        return self.path / "report.html"

    @cached_property
    def config(self) -> Config:
        """The run's configuration."""
        return finished_config(self.path, self._data_path, self._device)

    @cached_property
    def loaded(self) -> LoadedRun:
        """The splits, and the model with its best weights."""
        with without_host_warnings():
            loaded = load_run(self.path, self.config, raw=self._data_path is not None)
        if isinstance(loaded.model, CausalRecommender):
            loaded.model.fix_items()
        return loaded

    @property
    def task(self) -> str:
        """`ranking`, `ratings` or `clicks`."""
        return self.config.entry.task

    def recommend(
        self,
        users: Iterable[Any] | None = None,
        k: int = 10,
        history: Any = None,
        at: str = "now",
        time: int | None = None,
        remove_seen: bool | None = None,
        allow: Iterable[Any] | None = None,
        deny: Iterable[Any] | None = None,
    ) -> pd.DataFrame:
        """The k best items of each user, best first.

        Args:
            users: ids as the data has them; None for all users. With `history` at most the one whose items are given.
            k: length of a list; one with fewer candidates is shorter.
            history: events of users, known or new, in place of what the run's data has of them: a table of users, items
                and times; (user, item, time) triples; or one user's items, oldest first.
            at: `now`: after all events that the run's data has of a user; `test` or `valid`: as the evaluation of that
                split sees the user.
            time: seconds, for models that read the time of the target; None: the newest time in the data.
            remove_seen: whether items that the user has seen are left out; None: as the run's protocol does.
            allow: ids of the items that may be recommended; None for all.
            deny: ids of items that may not be recommended.

        Returns:
            Columns of users and items by the data's field names (`user_id`, `item_id`), `rank` from 1, and `score`.
            `attrs["skipped"]` has a sentence for each unknown user, unknown item or empty history, of which a warning
            is given too; `attrs["seen_removed"]` whether seen items were left out; `attrs["notes"]` a sentence each on
            short lists and on a run that has not finished.

        Raises:
            UsageError: the model does not rank, or needs to know the users of a history.
            DataError: nothing is left to rank for.
        """
        more = {"at": at, "time": time, "remove_seen": remove_seen}
        question = Question.of(self.config, users, k, history, allow, deny, **more)
        table = self.recommendations(question).frame()
        warn_of(table.attrs["skipped"])
        return table

    def recommendations(self, question: Question, engine: Engine = ranked_here) -> Recommendations:
        """The answer as tables of some users at a time, for more users than fit into memory.

        Args:
            question: for whom, and what.
            engine: who ranks.

        Raises:
            UsageError, DataError: see `recommend`.
        """
        return Recommendations(self.plan(question), question.k, engine)

    @property
    def opener(self) -> Callable[[], "Run"]:
        """What opens the same run in another process."""
        data_path = None if self._data_path is None else str(Path(self._data_path).resolve())
        return partial(Run, self.path.resolve(), data_path, self._device)

    def plan(self, question: Question) -> Plan:
        """How the question is answered; see `recommend` for what cannot be."""
        self.require("recommend")
        return self._recommender.plan(question)

    def rate(self, pairs: Any) -> pd.DataFrame:
        """`pairs` (user_id, item_id, perhaps timestamp, or the data's own names) with `prediction` and `std`.

        See `Rater.rate`.

        Raises:
            UsageError: the model predicts no ratings.
            DataError: it is no table, or a column or a time is missing.
        """
        self.require("rate")
        table = required_table(pairs, "rate")
        rated = self._rater.rate(under_names(table, self._rater.names, ("user_id", "item_id")))
        return table.assign(prediction=rated["prediction"].to_numpy(), std=rated["std"].to_numpy())

    def click_probability(self, rows: Any) -> pd.DataFrame:
        """`rows` (user_id, item_id, timestamp and context columns) with `probability`; see `ClickAnswers`.

        Raises:
            UsageError: the model predicts no clicks.
            DataError: it is no table, a column is missing, or a value is no number where one is needed.
        """
        self.require("click_probability")
        table = required_table(rows, "click_probability")
        asked = read_rows(self.loaded.train, pl.DataFrame([text_or_times(table[name]) for name in table]))
        return table.assign(probability=self._clicks.probabilities(asked))

    def evaluate(
        self, later: Given, history: Given | None = None, test_rows: bool = False, users: int | None = None
    ) -> LaterResult:
        """The run's metrics on later interactions, with the histories known by then; see `evaluate_later`.

        Args:
            later: an atomic file, a data set's folder, or a table.
            history: interactions that are known and not evaluated.
            test_rows: whether rows of the run's own test are evaluated where they come again.
            users: how many users are sampled and evaluated; 0 for all, None for as many as the run was tested on.

        Raises:
            DataError, UsageError: see `evaluate_later`.
        """
        self.require("evaluate")
        return evaluate_later(self.loaded, later, history, test_rows, users)

    def continue_with(self, new: Given, replay: float = 1.0, resume: str | None = None, **settings: Any) -> "Run":
        """Train further on rows that came after the run, with rows of the tables for new users and items.

        Args:
            new: an atomic file, a data set's folder, or a table, whose times are seconds.
            replay: fraction of the old training targets that are trained on again.
            resume: name of a continued run that was interrupted, or `newest`.
            settings: keys over those of the run, such as `epochs` (5), `learning_rate` and `runs_dir`.

        Returns:
            The continued run; `continued.json` in its directory has it beside the weights of this run.

        Raises:
            UsageError: the model cannot be continued, or a setting is wrong.
            DataError: the rows cannot be used, see `read_new`.
        """
        plain = {key: plain_value(value) for key, value in settings.items()}
        how = Continuation(replay=replay, settings=plain, resume=resume)
        return Run(continue_run(self.loaded, new, how), device=self._device)

    def export(self, format: str, output: str | Path) -> Exported:
        """Write the run for other programs into a new directory, whole or not at all.

        Args:
            format: `onnx`, `vectors` or `split`.
            output: the directory.

        Raises:
            UsageError: an unknown format, an output that exists, or a model that cannot be written in this format.
            ResourceError: the disk refuses, or a package of the extra `[export]` is missing.
        """
        return export(self.loaded, format, Path(output))

    def item_embeddings(self) -> pd.DataFrame:
        """(n_items, d) float32, indexed by the data's item ids.

        Raises:
            UsageError: the model has no table of items.
        """
        return embeddings(self.loaded, "item")

    def user_embeddings(self) -> pd.DataFrame:
        """(n_users, d) float32, indexed by the data's user ids.

        Raises:
            UsageError: the model has no table of users.
        """
        return embeddings(self.loaded, "user")

    @cached_property
    def _recommender(self) -> Recommender:
        return Recommender(self.loaded)

    @cached_property
    def _rater(self) -> Rater:
        return Rater(self.loaded)

    @cached_property
    def _clicks(self) -> ClickAnswers:
        return ClickAnswers(self.loaded)

    def require(self, asked: str) -> None:
        """Refuse what the model's task does not answer.

        Raises:
            UsageError: it does not.
        """
        own = task_of(self.config.entry)
        if asked not in own.answers:
            others = " and ".join(task.name for task in all_tasks().values() if asked in task.answers)
            *first, last = own.answers
            raise UsageError(
                f"{self.path}: {self.config.model} is a model of {own.name} and answers "
                f"{', '.join(first)}{' and ' * bool(first)}{last}; {asked} is for models of {others}"
            )
        if asked == "recommend" and self.config.entry.family == "exlib":
            raise UsageError(
                f"{self.path}: {self.config.model} predicts labels of rows and has no scores for all items; "
                f"models that recommend are, for instance, {FOLD_IN}"
            )
