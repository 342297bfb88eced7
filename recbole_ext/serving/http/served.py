"""One run as it is served: its engine or its model, and what is public about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recbole_ext.errors import UsageError
from recbole_ext.serving.http.committer import Outcome
from recbole_ext.serving.http.refusal import Refusal
from recbole_ext.serving.http.settings import ServeSettings
from recbole_ext.serving.http.state_directory import Follower
from recbole_ext.serving.live.messages import Answer, Engine, Event, Query
from recbole_ext.tasks.registered import all_tasks, task_of

if TYPE_CHECKING:  # torch and RecBole take seconds to import; a port in use is noticed before
    import pandas as pd

    from recbole_ext.serving.run import Run

PATHS = {"recommend": "/v1/recommend", "rate": "/v1/rate", "click_probability": "/v1/click"}
"""What a run can be asked, by the names of `Task.answers` -> where."""
ENGINE = "recommend"
"""What an engine answers; other answers come from the run itself."""


@dataclass(frozen=True)
class Served:
    """A run that answers; its methods are called one at a time.

    Attributes:
        run: opened, with its model loaded.
        engine: follows users; None for a model that does not rank items.
        weights: SHA-256 of the weights' file.
        newest: the newest time in the run's data, in seconds; None where they have no times.
    """

    run: "Run"
    engine: Engine | None
    weights: str
    newest: int | None = None

    @property
    def follower(self) -> Follower | None:
        """The engine, where there is one."""
        return None if self.engine is None else Follower(self.engine, self.weights, self.newest)

    @property
    def name(self) -> str:
        """Of the run's directory."""
        return self.run.path.name

    @property
    def answers(self) -> list[str]:
        """Paths on which the run answers."""
        return [path for name, path in PATHS.items() if name in task_of(self.run.config.entry).answers]

    def require(self, asked: str) -> None:
        """Refuse what the model's task does not answer.

        Raises:
            Refusal: it does not.
        """
        task = task_of(self.run.config.entry)
        if asked not in task.answers:
            others = " and ".join(other.name for other in all_tasks().values() if asked in other.answers)
            raise Refusal(
                409,
                f"{self.run.config.model} is a model of {task.name} and answers {' and '.join(self.answers)}; "
                f"{PATHS[asked]} is for models of {others}",
            )

    def recommend(self, query: Query) -> Answer:
        """The best items; see `Engine.recommend`."""
        assert self.engine is not None
        return self.engine.recommend(query)

    def update(self, events: Sequence[Event]) -> Outcome:
        """Apply events in their order."""
        assert self.engine is not None
        outcome = Outcome([], {})
        for place, event in enumerate(events):
            try:
                outcome.results.append(self.engine.update(event))
            except UsageError as error:
                outcome.results.append("refused")
                outcome.errors[place] = str(error)
        return outcome

    def rate(self, pairs: Sequence[tuple[str, str, int | None]]) -> "pd.DataFrame":
        """Pairs of user, item and time with `prediction` and `std`; see `Run.rate`."""
        import pandas as pd

        table = pd.DataFrame(pairs, columns=["user_id", "item_id", "timestamp"])
        if table["timestamp"].isna().all():
            table = table.drop(columns="timestamp")
        elif table["timestamp"].isna().any():
            raise Refusal(422, "pairs: give a time for all pairs or for none")
        return self.run.rate(table)

    def click(self, rows: Sequence[tuple[str, str, int]], contexts: Sequence[dict[str, str]]) -> list[float]:
        """Click probabilities of rows of user, item and time; see `Run.click_probability`."""
        import pandas as pd

        train = self.run.loaded.train
        fields = list(train.context_fields())
        for place, context in enumerate(contexts):
            if set(context) != set(fields):
                needed = ", ".join(fields) or "no fields"
                given = ", ".join(context)[:200] or "none"
                raise Refusal(422, f"rows.{place}.context must have {needed} (got {given})")
        table = pd.DataFrame(rows, columns=[train.uid_field, train.iid_field, train.time_field])
        for name in fields:
            table[name] = [context[name] for context in contexts]
        found: list[float] = self.run.click_probability(table)["probability"].tolist()
        return found

    def facts(self) -> dict[str, Any]:
        """What is public: model, data set, protocol, metrics, model card, hash."""
        result = self.run.result
        card = self.run.path / "model_card.md"
        return {
            "run": self.name,
            "model": self.run.config.model,
            "dataset": self.run.config.dataset,
            "task": self.run.task,
            "answers": self.answers,
            "finished": bool(result),
            "weights_sha256": self.weights,
            "protocol": result.get("protocol"),
            "test": result.get("test"),
            "tested_on": result.get("tested_on"),
            "model_card": card.read_text(encoding="utf-8", errors="replace") if card.is_file() else None,
        }


def open_served(settings: ServeSettings) -> Served:
    """Load the run that a server's settings name.

    Raises:
        RecBoleExtError: it cannot be loaded, or answers nothing here.
    """
    from recbole_ext.runs.checkpoint import weights_hash
    from recbole_ext.serving.engine import open_engine
    from recbole_ext.serving.histories import newest
    from recbole_ext.serving.run import Run

    run = Run(settings.run.resolve(), settings.data_path, settings.device)
    answers = task_of(run.config.entry).answers
    if not set(PATHS) & set(answers):
        raise UsageError(f"--run={run.path}: {run.config.model} answers {', '.join(answers)}, of which none is served")
    weights = weights_hash(run.path)
    run.loaded  # noqa: B018  # now, and not at the first request
    if ENGINE not in answers:
        return Served(run, None, weights)
    engine, train = open_engine(run, **settings.engine), run.loaded.train
    someone = str(train.field2id_token[train.uid_field][1])
    engine.recommend(Query(someone, k=1))  # compiles what is compiled at the first question
    return Served(run, engine, weights, newest(run.loaded) if hasattr(train, "events") else None)
