"""Values of events beside item and time."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from recbole.utils import FeatureType

from recbole_ext.errors import UsageError
from recbole_ext.serving.live.value_fields import ValueFields


@pytest.fixture
def fields() -> ValueFields:
    made: Any = object.__new__(ValueFields)
    types = {"act": FeatureType.TOKEN, "price": FeatureType.FLOAT}
    train = SimpleNamespace(field2type=types, field2token_id={"act": {"[PAD]": 0, "buy": 1}})
    made.names, made.unknown, made._run = tuple(types), np.array([0, np.nan]), SimpleNamespace(train=train)
    found: ValueFields = made
    return found


@pytest.mark.parametrize("price", [10**400, -(10**400), float("inf"), float("nan"), True, "5"])
def test_what_is_no_finite_number_is_refused(fields: ValueFields, price: Any) -> None:
    with pytest.raises(UsageError, match="price of the event must be a finite number"):
        fields.read({"price": price}, "event")


@pytest.mark.parametrize("values", [None, ["buy"], "buy"])
def test_values_are_a_mapping(fields: ValueFields, values: Any) -> None:
    with pytest.raises(UsageError, match="values of the event must be a mapping of columns"):
        fields.read(values, "event")


def test_tokens_and_numbers(fields: ValueFields) -> None:
    assert fields.read({"act": "buy", "price": 2}, "event").tolist() == [1, 2]
    assert np.isnan(fields.read({"act": "new", "price": None}, "event")).tolist() == [False, True]
