"""The live engine of SS4Rec and Mamba4Rec: an event costs one recurrent step, a question one search.

Where the protocol knows the target's time, the input of an event holds the time until the next one. The state of a
user then covers all events but the newest, which is taken in when the next one comes, and on a copy of the state, with
the time of the question, when one is asked. Elsewhere it covers all events, and the time of a question has no effect.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from recbole_ext.errors import NonFiniteError
from recbole_ext.serving.live.event_chains import History
from recbole_ext.serving.live.history_logits import HistoryLogits
from recbole_ext.serving.live.live_engine import LiveEngine
from recbole_ext.serving.live.question import Question
from recbole_ext.serving.live.settings import EngineSettings
from recbole_ext.serving.live.snapshot import Snapshot
from recbole_ext.serving.live.state import UserStates
from recbole_ext.serving.live.stepper import LONGEST_GAP, reads_next_time, stepper_of
from recbole_ext.serving.load import LoadedRun
from recbole_ext.serving.retrieval.exact import best_of
from recbole_ext.serving.retrieval.indexes import index_of

Array = np.ndarray[Any, Any]
_STATES = "states."
_ASKED = 200
"""Users for whom the recall of an approximate index is measured."""
_COPIED = 256
"""Rows of states that are copied while the engine is locked."""


@dataclass(frozen=True)
class _Prepared:
    """The vector of a question, and the items of the history with their logits, (0,) without a history term."""

    vector: Array
    items: Array
    logits: Array


class StateEngine(LiveEngine):
    """Follows users by the states of a recurrent model.

    Args:
        run: opened, of SS4Rec or Mamba4Rec.
        settings: see there.

    Attributes:
        states: of users.
        index: of the items' vectors.
    """

    def __init__(self, run: LoadedRun, settings: EngineSettings) -> None:
        super().__init__(run, settings)
        model = run.model
        self.stepper, self.defers = stepper_of(model), reads_next_time(model)
        self.window = run.config["MAX_ITEM_LIST_LENGTH"] if settings.history == "window" else None
        itemsize = np.dtype(settings.state_dtype).itemsize
        most = int(settings.state_memory_gb * 1e9 / (itemsize * self.stepper.state_size + 4 * self.stepper.width))
        self.states = UserStates(self.stepper.state_size, self.stepper.width, settings.state_dtype, most)
        self.term = HistoryLogits.of(run, self.users.fields.names)
        vectors = model.item_embedding.weight.detach().float().cpu().numpy()
        self.index = index_of(settings.index, vectors, self._some_vectors)
        if settings.warm:
            self.warm()

    def _some_vectors(self) -> Array:
        """What the model reads out for some users: (q, width); those of items where there are no users."""
        users = np.flatnonzero(self.users.chains.count)
        chosen = np.random.default_rng(0).permutation(users)[:_ASKED].tolist()
        found = [self._after(self.users.chains.history(user, self.window), self.users.newest) for user in chosen]
        return (
            np.stack(found) if found else self.run.model.item_embedding.weight.detach().float().cpu().numpy()[:_ASKED]
        )

    def warm(self) -> None:
        """Compute the states of all users, as far as they fit."""
        for user in np.flatnonzero(self.users.chains.count)[-self.states.most :].tolist():
            with self._lock:
                self._vector(user, self.users.newest)

    def _follow(self, user: int, late: bool) -> None:
        kept = self.states.get(user)
        if kept is None:
            return
        if late or (self.window is not None and self.users.count(user) > self.window):
            self.states.drop(user)  # computed again from the events when it is asked for
            return
        two = self.users.chains.history(user, 2)
        gaps, state = np.diff(two.times).clip(0, LONGEST_GAP), kept[0]
        complete = slice(0, 1) if self.defers else slice(1, 2)
        hidden = self.stepper.follow(two.items[complete], gaps, state, self._fields(two.values[complete]))
        self.states.put(user, state, hidden)

    def _fields(self, values: Array) -> Array:
        """Values (n, F) of events -> those of `event_fields` (n, E)."""
        return values[:, : self.stepper.n_fields]

    def _prepare(self, question: Question) -> _Prepared:
        if question.given or question.user is None:
            vector = self._after(question.history.newest(self.window), question.at)
        else:
            vector = self._vector(question.user, question.at)
        if not np.isfinite(vector).all():
            raise NonFiniteError(f"the state of user {question.user} is not finite; the weights or a time are damaged")
        if self.term is None:
            return _Prepared(vector, question.excluded[:0], vector[:0])
        return _Prepared(vector, *self.term(question.history, vector, question.at))

    def _vector(self, user: int, at: int) -> Array:
        """What the model reads out for a followed user: (width,)."""
        kept = self.states.get(user)
        if kept is None:
            kept = self._covered(self.users.chains.history(user, self.window))
            self.states.put(user, *kept)
        return self._with_newest(self.users.chains.history(user, 1), at, kept[0]) if self.defers else kept[1].copy()

    def _after(self, history: History, at: int) -> Array:
        """What the model reads out after a history: (width,)."""
        state, vector = self._covered(history)
        return self._with_newest(history.newest(1), at, state) if self.defers else vector

    def _covered(self, history: History) -> tuple[Array, Array]:
        """The state after the events that it covers, from the first one on, and what the last of them leaves."""
        gaps, covered = np.diff(history.times).clip(0, LONGEST_GAP), slice(0, len(history) - 1)
        if not self.defers:
            gaps, covered = np.concatenate([[0], gaps]), slice(0, len(history))
        items, fields = history.items[covered], self._fields(history.values[covered])
        state, vector = (np.zeros(n, dtype=np.float32) for n in (self.stepper.state_size, self.stepper.width))
        return state, self.stepper.follow(items, gaps, state, fields) if len(items) else vector

    def _with_newest(self, newest: History, at: int, state: Array) -> Array:
        """The newest event taken in with the time until the question; changes the state."""
        gaps = np.clip(at - newest.times, 0, LONGEST_GAP)
        return self.stepper.follow(newest.items, gaps, state, self._fields(newest.values))

    def _best(self, question: Question, prepared: _Prepared) -> tuple[Array, Array]:
        apart = np.isin(prepared.items, question.excluded, invert=True)
        items, logits = prepared.items[apart], prepared.logits[apart]
        if question.allowed is None:
            others, scores = self.index.top(prepared.vector, question.k, np.union1d(question.excluded, items))
        else:
            others = np.setdiff1d(question.allowed, np.union1d(question.excluded, items))
            scores = self._scores(others, prepared.vector)
            kept = np.isin(items, question.allowed)
            items, logits = items[kept], logits[kept]
        of_history = self._scores(items, prepared.vector) + logits
        return best_of(np.concatenate([others, items]), np.concatenate([scores, of_history]), question.k)

    def _scores(self, items: Array, vector: Array) -> Array:
        return self.index.vectors[items] @ vector

    def _arrays(self, count: Array) -> dict[str, Array]:
        """States in copies of a few rows at a time, so that events and questions need not wait for all of them."""
        parts = []
        for start in range(0, max(1, self.states.rows), _COPIED):
            with self._lock:
                parts.append(self.states.arrays(start, start + _COPIED, count, self.users.chains.count))
        return {f"{_STATES}{name}": np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _facts(self) -> dict[str, Any]:
        return {"history": self.settings.history, "window": self.window, "state_size": self.stepper.state_size}

    def _restore(self, snapshot: Snapshot) -> None:
        """States that cover other events are computed again when they are asked for."""
        arrays = {name.removeprefix(_STATES): of for name, of in snapshot.arrays.items() if name.startswith(_STATES)}
        if snapshot.facts["engine"] != self._facts():
            arrays = {name: of[:0] for name, of in arrays.items()}
        self.states.restore(arrays)
