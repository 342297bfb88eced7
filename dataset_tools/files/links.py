"""A knowledge graph's links: one entity per item and one item per entity, among the links that are used."""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from dataset_tools.errors import DataError

_SHOWN = 3


@dataclass(frozen=True)
class Links:
    """The rows of `NAME.link`.

    Attributes:
        where: path of the file.
        fields: names of the columns of items and of entities.
        items, entities: text of each row.
        line_of: the line of a row.
    """

    where: str
    fields: tuple[str, str]
    items: Sequence[str]
    entities: Sequence[str]
    line_of: Callable[[int], int]

    def settled(self, name: str, known_items: Collection[str], known_entities: Collection[str]) -> dict[str, str]:
        """The entity of each item; links of other items, and to entities without a triple, are left out.

        Args:
            name: of the data set.
            known_items: those with interactions.
            known_entities: those of the triples.

        Raises:
            DataError: no item has an entity, or one of the two occurs twice.
        """
        used: dict[tuple[str, str], int] = {}
        for row, pair in enumerate(zip(self.items, self.entities, strict=True)):
            if pair[0] in known_items and pair[1] in known_entities:
                used.setdefault(pair, row)
        if not used:
            raise DataError(self._no_meeting(name, known_items, known_entities))
        for side in (1, 0):
            self._refuse_twice(used, side)
        return {item: entity for item, entity in used}

    def _refuse_twice(self, used: dict[tuple[str, str], int], side: int) -> None:
        rows = defaultdict(list)
        for pair, row in used.items():
            rows[pair[side]].append((row, pair[1 - side]))
        twice = {value: places for value, places in rows.items() if len(places) > 1}
        if not twice:
            return
        value, places = next(iter(twice.items()))
        field, other = self.fields[side], self.fields[1 - side]
        lines = [str(self.line_of(row)) for row, _ in places[:_SHOWN]]
        values = ", ".join(repr(text) for _, text in places[:_SHOWN])
        raise DataError(
            f"{self.where}:{lines[0]}: {field} {value!r} goes with {len(places)} {other}s ({values}; lines "
            f"{', '.join(lines)}), and a knowledge graph of RecBole has one entity per item and one item per entity.\n"
            f"Keep one of these lines ({len(twice)} {field}s are concerned)"
        )

    def _no_meeting(self, name: str, known_items: Collection[str], known_entities: Collection[str]) -> str:
        sets = (known_items, set(self.items), set(self.entities), known_entities)
        ours, linked, named, known = (", ".join(map(repr, sorted(map(str, found))[:_SHOWN])) for found in sets)
        return (
            f"no item of {name}.inter has an entity: the items are {ours}, ..., {name}.link has the items "
            f"{linked}, ... and the entities {named}, ..., {name}.kg has {known}, ...; write the ids the same way"
        )
