"""Finished runs as members of an ensemble: their predictions of the same rows, in the same order."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from recbole.utils import ModelType
from torch import Tensor

from recbole_ext.comparison.entries import Entry, FinishedRun, read_entry
from recbole_ext.comparison.groups import difference
from recbole_ext.errors import UsageError
from recbole_ext.evaluation.predicted_values import ValuePredictor, Values
from recbole_ext.pipeline.build import scorer_of
from recbole_ext.serving.load import finished_config, load_run
from recbole_ext.tasks.ranking.evaluation.scorer import Ranked, RankingScorer
from recbole_ext.tasks.registered import known_task

_OWN = ("name", "max_length")


class Member:
    """A finished run, with the weights that its validation chose.

    Args:
        run: from `read_members`.
        data_path: where its data is now; None: where it was.
        device: where to compute; None: where the run did, or on the best device here if that one is not.

    Attributes:
        loaded: the run, opened.
        model: with its best weights.
        scorer: of its task.

    Raises:
        UsageError: its predictions cannot be blended, or it has no checkpoint.
        DataError: the data is not what it was trained on.
    """

    def __init__(self, run: FinishedRun, data_path: str | None = None, device: str | None = None) -> None:
        self.run, self.config = run, finished_config(run.path, data_path, device)
        if self.config["MODEL_TYPE"] == ModelType.DECISIONTREE:
            raise UsageError(f"{run.path}: trees of {run.model} are not blended; leave it out")
        self.loaded = load_run(run.path, self.config, raw=data_path is not None)
        self.loaders, dataset = self.loaded.loaders, self.loaded.train
        if self.loaders.valid is None:
            raise UsageError(f"{run.path}: its data have no validation split, on which weights would be chosen")
        self.tokens = [np.asarray(dataset.field2id_token[field]) for field in (dataset.uid_field, dataset.iid_field)]
        self.model, self.scorer = self.loaded.model, scorer_of(self.config, self.loaders.train)

    def part(self, name: str) -> Any:
        """The loader of `valid` or `test`."""
        return getattr(self.loaders, name)

    @torch.no_grad()
    def ranked(self, part: str, rows: np.ndarray) -> Ranked:
        """Scores of the candidates for some rows of a split: all items, or the run's sample of them."""
        loader = self.part(part)
        return self.ranking_scorer.ranked(self.model, loader, loader.collate_fn(rows))

    @property
    def metric(self) -> str:
        """The metric that chose its weights."""
        return self.config["valid_metric"].lower()

    @property
    def predicts(self) -> str:
        """What its predictions are of: ranking, ratings, clicks or labels."""
        return self.value_scorer.predicts if isinstance(self.scorer, ValuePredictor) else "ranking"

    @property
    def ranks(self) -> bool:
        """Whether it scores candidates; else it predicts a value per row."""
        return isinstance(self.scorer, RankingScorer)

    @property
    def value_scorer(self) -> ValuePredictor:
        """The scorer of a member that predicts values."""
        assert isinstance(self.scorer, ValuePredictor)
        return self.scorer

    @property
    def ranking_scorer(self) -> RankingScorer:
        """The scorer of a member that ranks."""
        assert isinstance(self.scorer, RankingScorer)
        return self.scorer

    @torch.no_grad()
    def values(self, part: str) -> Values:
        """Predicted values of all rows of a split, in the order of the data set."""
        return self.value_scorer.values(self.model, self.part(part))


def read_members(paths: list[Path]) -> list[FinishedRun]:
    """Runs that may be blended, before anything is loaded; an experiment stands for its finished seeds.

    Raises:
        UsageError: fewer than two, one twice, one without a result, or of other protocols, data or tested rows.
        DataError: a result is damaged.
    """
    entries = [read_entry([path]) for path in paths]
    for entry in entries:
        if not entry.runs:
            raise UsageError(f"{entry.name} has no result ({entry.unfinished[0]}); finish it first, with --resume")
    runs = [run for entry in entries for run in entry.runs]
    if len(runs) < 2:
        raise UsageError("ensemble needs two runs or more: ensemble RUN RUN ... [--method=mean|score|rank]")
    for run in runs:
        if [other.path.resolve() for other in runs].count(run.path.resolve()) > 1:
            raise UsageError(f"{run.path} is given twice; give each member once, and its weight by --weights")
        if _shared(run) != _shared(runs[0]):
            first, other = (Entry(each.path.name, [each]) for each in (runs[0], run))
            raise UsageError(
                f"{other.name} cannot be blended with {first.name}: {difference(first, other, _OWN)}\n"
                "members share protocol, data, split and task; run one of them again with the other's settings"
            )
    return runs


def _shared(run: FinishedRun) -> tuple[object, ...]:
    """What members have in common: all of the protocol but its name, where that is the family of the model.

    Candidates are compared row by row when they are scored.
    """
    task = known_task(run.protocol.task)
    kept = task.is_compared_by_name if task else not run.protocol.task  # "": a version that did not record the task
    own = replace(run.protocol, name=run.protocol.name if kept else "")
    return own.key, run.rows


def load_members(runs: list[FinishedRun], data_path: str | None = None, device: str | None = None) -> list[Member]:
    """Models and data of runs that may be blended, each opened as it was trained.

    Args:
        runs: from `read_members`.
        data_path: where their data is now; None: where each run's was.
        device: where to compute; None: where the run did, or on the best device here if that one is not.

    Raises:
        UsageError: they predict different things, or number users or items differently.
        DataError: the data is not what one of them was trained on.
    """
    members = [Member(run, data_path, device) for run in runs]
    for first, second in pairwise(members):
        if first.predicts != second.predicts:
            raise UsageError(
                f"{first.run.path.name} predicts {first.predicts} and {second.run.path.name} {second.predicts}"
            )
        if not all(np.array_equal(ours, theirs) for ours, theirs in zip(first.tokens, second.tokens, strict=True)):
            raise UsageError(
                f"{second.run.path.name} numbers users or items otherwise than {first.run.path.name}; they load other "
                "files or columns of the data set. Run one of them again with the other's load_col"
            )
    return members


def ranked_batches(
    members: list[Member], part: str, rows: np.ndarray
) -> Iterator[list[tuple[Any, Tensor, Tensor, Tensor]]]:
    """Each member's `ranked` for the rows, some at a time, so that all members' scores fit into memory together.

    Raises:
        UsageError: the members have other rows there.
    """
    step = max(1, min(member.part(part).step for member in members) // len(members))
    for start in range(0, len(rows), step):
        found = [member.ranked(part, rows[start : start + step]) for member in members]
        user = members[0].config["USER_ID_FIELD"]
        for member, (batch, scores, row, item) in zip(members[1:], found[1:], strict=True):
            same = torch.equal(batch[user].cpu(), found[0][0][user].cpu())
            if not same or not torch.equal(_pairs(row, item), _pairs(found[0][2], found[0][3])):
                raise _other_rows(member, part)
            if not torch.equal(torch.isneginf(scores), torch.isneginf(found[0][1])):
                raise UsageError(f"{member.run.path.name} ranks other candidates than the first member in {part}")
        yield found


def _pairs(row: Tensor, item: Tensor) -> Tensor:
    return torch.stack([row.cpu(), item.cpu()])[:, np.lexsort((item.cpu().numpy(), row.cpu().numpy()))]


def member_values(members: list[Member], part: str) -> tuple[Values, np.ndarray]:
    """The rows of a split by the first member, and what each predicts for them: (M, n).

    Raises:
        UsageError: the members have other rows there.
    """
    found = [member.values(part) for member in members]
    for member, values in zip(members[1:], found[1:], strict=True):
        if not (np.array_equal(values.users, found[0].users) and np.array_equal(values.truth, found[0].truth)):
            raise _other_rows(member, part)
    return found[0], np.stack([values.predicted for values in found])


def _other_rows(member: Member, part: str) -> UsageError:
    return UsageError(
        f"{member.run.path.name} has other {part} rows than the first member; run it again on the other's split"
    )
