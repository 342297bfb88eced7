from pathlib import Path

import pytest

from recbole_ext.errors import UsageError
from recbole_ext.places import properties_folder
from recbole_ext.training.cost.prices import read_prices
from recbole_ext.training.cost.settings import CostSettings

WHOLE = {"date": "2026-11-29", "source": "the bill", "currency": "EUR", "per_hour": "{NVIDIA L4: 0.5}"}
LISTS = sorted(path.stem for path in (properties_folder() / "prices").glob("*.yaml"))


@pytest.mark.parametrize("name", LISTS)
def test_a_shipped_list_says_when_and_where_it_was_read(name: str) -> None:
    prices = read_prices(name)
    assert len(prices.date) == 10 and prices.source.startswith("https://") and prices.currency and prices.per_hour


def test_a_name_is_compared_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("".join(f"{key}: {value}\n" for key, value in WHOLE.items()))
    prices = read_prices(str(path))
    assert (prices.price("nvidia l4"), prices.price("NVIDIA L40"), prices.price("L4")) == (0.5, None, None)
    found = CostSettings(None, str(path), 3.0, 100.0)
    price = found.price("NVIDIA L4", 2)
    assert price and price.per_hour == 1.0 and price.source.startswith("2 x NVIDIA L4 in")
    limit = found.limit(price, "NVIDIA L4")
    assert limit and (limit.key, limit.seconds) == ("budget", 3 * 3600)
    assert CostSettings(4.0, str(path), None, 0.5).price("NVIDIA L40") is not None


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"date": None}, "date is missing; a list of prices has date, source, currency, per_hour"),
        ({"price": "3"}, "unknown entry 'price'"),
        ({"per_hour": "[1]"}, "per_hour must be a mapping of names to prices"),
        ({"per_hour": "{NVIDIA L4: cheap}"}, "the price of NVIDIA L4 must be a number above 0 (got 'cheap')"),
        ({"per_hour": "{NVIDIA L4: 0}"}, "the price of NVIDIA L4 must be a number above 0 (got 0)"),
    ],
    ids=str,
)
def test_a_list_that_is_refused(changed: dict[str, str | None], message: str, tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    given = {key: value for key, value in {**WHOLE, **changed}.items() if value is not None}
    path.write_text("".join(f"{key}: {value}\n" for key, value in given.items()))
    with pytest.raises(UsageError) as caught:
        read_prices(str(path))
    assert message in str(caught.value)
