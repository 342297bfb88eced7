"""The ledger of rows: how many interactions were read, which step took out how many, and how many are left."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Loss:
    """Interactions that one step took out.

    Attributes:
        step: name of what removed them.
        setting: the `key=value` that asked for it; None where no setting of the user explains it.
        rows: how many.
    """

    step: str
    setting: str | None
    rows: int


@dataclass
class Ledger:
    """Rows of one data set, from its files to its splits.

    Attributes:
        read: interactions in the files.
        losses: of each step, in order; steps that took out nothing are not in it.
        history_only: first events of users, which sequence models have as history and never as a target.
        splits: split -> rows that are targets.
        test: facts about the tested rows: rows of new users and of new items, and rows that are training rows.
        filled: column -> missing values that were filled in.
        vectors: of the items: their width, how many items there are and have one, how many have no interactions, and
            how many ids of the file are left out; {} without `item_vectors`.
        warnings: sentences for a person, about what no setting of the user explains.
    """

    read: int = 0
    losses: list[Loss] = field(default_factory=list)
    history_only: int = 0
    splits: dict[str, int] = field(default_factory=dict)
    test: dict[str, int] = field(default_factory=dict)
    filled: dict[str, int] = field(default_factory=dict)
    vectors: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def kept(self) -> int:
        """Interactions that every step left."""
        return self.read - sum(loss.rows for loss in self.losses)

    def lose(self, step: str, rows: int, setting: str | None, warning: str = "") -> None:
        """Enter the rows that a step took out.

        Args:
            step: its name.
            rows: how many; 0 enters nothing.
            setting: which setting caused it; None: no setting did, so `warning` is kept.
            warning: what is lost, why, and what to do.
        """
        if rows:
            self.losses.append(Loss(step, setting, rows))
            if setting is None:
                self.warn(warning or f"{rows:,} of {self.read:,} interactions are left out: {step}")

    def warn(self, sentence: str) -> None:
        """Keep a sentence for the person who runs this; each is listed once."""
        if sentence not in self.warnings:
            self.warnings.append(sentence)

    def kept_of_read(self) -> str:
        """What two results must share to be measured on the same rows: `36 read, 20 kept`."""
        return f"{self.read:,} read, {self.kept:,} kept"

    def lines(self) -> list[str]:
        """For a person: the counts, what took rows out, and the warnings."""
        losses = [f"{loss.rows:,} {loss.step}" + f" ({loss.setting})" * bool(loss.setting) for loss in self.losses]
        history = [f"{self.history_only:,} first events of users are history alone"] * bool(self.history_only)
        splits = [", ".join(f"{name} {rows:,}" for name, rows in self.splits.items())] * bool(self.splits)
        summary = "; ".join([self.kept_of_read(), *(f"left out: {loss}" for loss in losses), *history, *splits])
        warnings = [f"WARNING     {sentence}" for sentence in self.warnings]
        return [f"rows        {summary}", *self._new_in_test(), *self._of_vectors(), *warnings]

    def _of_vectors(self) -> list[str]:
        if not self.vectors:
            return []
        of = self.vectors
        shares = f"{of['with_vector']:,} of {of['items']:,} items ({of['with_vector'] / max(1, of['items']):.1%})"
        more = [f"{of['without_interactions']:,} of them are in no interaction"] * bool(of["without_interactions"])
        more += [f"{of['left_out']:,} ids are no items of the data and left out"] * bool(of["left_out"])
        return ["; ".join([f"vectors     width {of['width']:,}, of {shares}", *more])]

    def _new_in_test(self) -> list[str]:
        users, items = (self.test.get(f"rows_of_new_{kind}", 0) for kind in ("users", "items"))
        summary = f"test: {users:,} of {self.test.get('rows', 0):,} rows are of new users, {items:,} of new items"
        return [f"            {summary}"] * bool(users or items)

    def as_dict(self) -> dict[str, Any]:
        """For result.json."""
        return {"read": self.read, "kept": self.kept, **{k: v for k, v in asdict(self).items() if k != "read"}}
