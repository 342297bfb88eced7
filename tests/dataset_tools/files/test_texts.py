"""Texts of any length have codes of their own, and these merge like those of ids."""

import numpy as np
import pytest

from dataset_tools.files.texts import Texts, as_number, number_text, short_number


def test_long_texts_are_not_cut() -> None:
    texts = Texts()
    names = [
        "add_to_cart",
        "add_to_wishlist",
        "4.5",
        "",
        "ü",
        "1000000000",
        "20201201",
        "20201202",
        "0020201202",
        "buy",
    ]
    codes = texts.codes(names)
    assert len(set(codes.tolist())) == len(names) and texts.tokens(codes) == names


def test_codes_of_another_numbering() -> None:
    here, there = Texts(), Texts()
    here.codes(["purchase", "a long name"])
    codes = there.codes(["a long name", "view", "purchased"])
    assert here.tokens(here.adopt(codes, there.names)) == ["a long name", "view", "purchased"]
    assert here.adopt(np.array([52]), []).tolist() == [52]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("4.0", "4"),
        ("4.50", "4.5"),
        ("-0.0", "0"),
        ("1e9", "1000000000"),
        ("0.123456789", "0.1234568"),
        ("2e20", "2e+20"),
    ],
)
def test_one_text_for_a_number(text: str, shown: str) -> None:
    number = as_number(text)
    assert number is not None and number_text(number) == shown == number_text(float(shown))
    assert as_number("x") is None and as_number("nan") is None


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("4.0", "4.0"),
        ("0.123456789", "0.1234568"),
        ("4.00000000", "4"),
        ("12345678", "12345678"),
        ("a long text", "a long text"),
        ("-infinity", "-infinity"),
    ],
)
def test_fractions_of_many_digits_are_rounded(text: str, short: str) -> None:
    assert short_number(text) == short
