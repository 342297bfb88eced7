import pytest

from recbole_ext.data.columns.list_separators import other_separator


@pytest.mark.parametrize(
    ("texts", "separator", "found"),
    [
        (["Action|Drama", "Comedy", None, "Comedy|War"], " ", "|"),
        (["a, b", "c, d, e", "f"], " ", ", "),
        (["a,b", "c,d,e", "f"], " ", ","),
        (["a;b", "New York;Rome"], ",", ";"),
        (["a b", "c d"], "|", " "),
        (["a b c", "d e", "f"], " ", ""),
        (["A man, a plan, a canal in Panama", "one two three"], " ", ""),
        (["Comedy", "War"], " ", ""),
        (["Rock'n'Roll, live"] + ["a b c"] * 20, " ", ""),
        ([None, ""], " ", ""),
    ],
)
def test_the_commoner_mark_is_named(texts: list[str | None], separator: str, found: str) -> None:
    hint = other_separator("genres", texts, separator)
    assert hint.endswith(f"--seq_separator='{found}'") if found else hint == ""
