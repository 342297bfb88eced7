"""Knowledge graphs: links of items that occur decide, and every fault has its file and line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.config.config import Config
from recbole_ext.errors import DataError
from recbole_ext.pipeline.dataset import create_dataset

LINK, GRAPH = "item_id:token\tentity_id:token", "head_id:token\trelation_id:token\ttail_id:token"
TRIPLES = [f"e{k}\tof\tg{k % 2}" for k in range(6)]


@pytest.fixture
def made(make_config: Callable[..., Config], tmp_path: Path, write: Any) -> Callable[..., Any]:
    """A data set of 4 users and 6 items with links and triples, read for a model of graphs."""

    def make(links: list[str] | None, triples: list[str] | None = None, model: str = "CKE", **given: Any) -> Any:
        rows = [(f"u{u}", f"i{(u + k) % 6}", 10 * u + k) for u in range(4) for k in range(4)]
        root = write(tmp_path, "made", rows)
        for suffix, head, lines in (("link", LINK, links), ("kg", GRAPH, TRIPLES if triples is None else triples)):
            if lines:
                (root / "made" / f"made.{suffix}").write_text("\n".join([head, *lines]) + "\n")
        return create_dataset(make_config(model, root, load_col=None, **given))

    return make


def own(count: int = 6) -> list[str]:
    """A link of each item to an entity of its own."""
    return [f"i{k}\te{k}" for k in range(count)]


@pytest.mark.parametrize("model", ["CKE", "CFKG", "RippleNet"])
@pytest.mark.parametrize("more", [["never\te1"], ["i1\tnowhere"], ["i2\te2"], ["never\te1", "never too\te1"]])
def test_links_that_are_not_used_change_nothing(made: Callable[..., Any], model: str, more: list[str]) -> None:
    plain, other = made(own(), model=model), made([*more, *own(), *more], model=model)
    assert other.item2entity == plain.item2entity == {f"i{k}": f"e{k}" for k in range(6)}
    assert other.entity2item == plain.entity2item
    assert other.field2id_token["entity_id"].tolist() == plain.field2id_token["entity_id"].tolist()
    assert other.ledger.kept == 16


@pytest.mark.parametrize(
    ("links", "message"),
    [
        ([*own(), "i5\tg0"], r"made.link:7: item_id 'i5' goes with 2 entity_ids \('e5', 'g0'; lines 7, 8\)"),
        (["i0\te1", *own()[1:]], r"made.link:2: entity_id 'e1' goes with 2 item_ids \('i0', 'i1'; lines 2, 3\)"),
        ([*own()[:2], "", *own()[2:5], "i5\te3"], r"made.link:6: entity_id 'e3' .*lines 6, 8\)"),
        ([*own()[:5], "i5\t"], "made.link:7: entity_id is empty"),
        ([*own()[:5], "i5"], "made.link:7: the row has 1 columns"),
        ([f"{k}\te{k}" for k in range(6)], r"no item of made.inter has an entity: the items are 'i0'"),
        ([f"i{k}\tE{k}" for k in range(6)], r"no item of made.inter has an entity: .*the entities 'E0'"),
        (None, "ENTITY_ID_FIELD names 'entity_id' .*made has no file made.link"),
    ],
)
def test_faults_of_links_have_file_and_line(made: Callable[..., Any], links: list[str] | None, message: str) -> None:
    with pytest.raises(DataError, match=message):
        made(links)


@pytest.mark.parametrize(
    ("triples", "message"),
    [
        ([*TRIPLES, "e1\tof\t"], "made.kg:8: tail_id is empty"),
        ([*TRIPLES, "e1\tof"], "made.kg:8: the row has 2 columns"),
        ([], "HEAD_ENTITY_ID_FIELD names 'head_id' .*made has no file made.kg"),
    ],
)
def test_faults_of_triples_have_file_and_line(made: Callable[..., Any], triples: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        made(own(), triples)


def test_items_without_an_entity_are_told(made: Callable[..., Any]) -> None:
    ledger = made(own(4)).ledger
    lost = ledger.read - ledger.kept
    assert lost == sum((u + k) % 6 in (4, 5) for u in range(4) for k in range(4)) > 0
    assert f"{lost} of 16 interactions are left out: 2 of 6 items have no entity of made.kg" in ledger.warnings[0]
