"""A data set after filters and renumbering as plain values, and the same data set made from them without a file."""

from collections.abc import Mapping
from typing import Any

_NOT_KEPT = frozenset(
    """config logger dataset_path vocabulary links field2id_token field2token_id seq_sampler neg_item_list""".split()
)
"""What the configuration, the vocabulary or the constructor gives again; links are used up when entities are merged."""


class Restorable:
    """Mixin before a data set class of RecBole: takes its state in place of reading, filtering and renumbering.

    Args:
        config: of the run.
        vocabulary: field -> tokens in the order of their ids, where a run's numbers are kept; None assigns new numbers.
        state: from `state_of` a data set of the same configuration, with `field2id_token` and `field2token_id`; None
            reads the files.
    """

    def __init__(
        self,
        config: Any,
        vocabulary: Mapping[str, list[str]] | None = None,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        self._state = state
        super().__init__(config, vocabulary)  # type: ignore[call-arg]

    def _from_scratch(self) -> None:
        state = self.__dict__.pop("_state")
        if state is None:
            super()._from_scratch()  # type: ignore[misc]
            return
        self._get_preset()  # type: ignore[attr-defined]
        self._get_field_from_config()  # type: ignore[attr-defined]
        vars(self).update(state)


def state_of(dataset: Any) -> dict[str, Any]:
    """Everything that reading, filtering and renumbering found out: tables, types of columns, counts of rows.

    Args:
        dataset: not yet split; splitting changes its tables.
    """
    return {name: value for name, value in vars(dataset).items() if name not in _NOT_KEPT}
