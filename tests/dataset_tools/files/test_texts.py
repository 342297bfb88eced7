import numpy as np
import pytest

from dataset_tools.files.texts import Texts, short_number


def test_values_of_any_length_are_kept_apart() -> None:
    texts, names = Texts(), ["view", "purchase", "purchased", "", "né", "add_to_cart", "add_to_wishlist", "purchase"]
    codes = [texts.code(name) for name in names]
    assert texts.texts(codes) == names and len(set(codes)) == len(set(names))


def test_another_numbering_is_adopted() -> None:
    ours, theirs = Texts(), Texts()
    ours.code("purchased")
    codes = np.array([theirs.code(name) for name in ("purchase", "view", "purchased")])
    assert ours.texts(ours.adopt(codes, theirs.names).tolist()) == ["purchase", "view", "purchased"]
    assert ours.adopt(np.array([7]), []).tolist() == [7]


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("4.0", "4.0"),
        ("0.123456789", "0.12346"),
        ("4.00000000", "4"),
        ("-1.2345e-10", "-1e-10"),
        ("a long text", "a long text"),
        ("1234567890", "1.2e+09"),
        ("-infinity", "-infinity"),
    ],
)
def test_numbers_of_many_digits_are_rounded(text: str, short: str) -> None:
    assert short_number(text) == short
