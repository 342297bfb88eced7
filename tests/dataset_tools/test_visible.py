import io

import pytest

from dataset_tools.visible import VisibleStream, beneath, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b]0;title\x07", r"\x1b[2J\x1b]0;title\x07"),
        ("user\rroot", r"user\x0droot"),
        ("a\x08b\x00c\x7f\x9b", r"a\x08b\x00c\x7f\x9b"),
        ("gpj.\u202excod\u2066\u200f", r"gpj.\u202excod\u2066\u200f"),
        ("a\u2028b\ufeff\U000e0041", r"a\u2028b\ufeff\U000e0041"),
        ("name\udcff", r"name\udcff"),
        ("a\tb\nc", "a\tb\nc"),
        ("äöü 中文 עברית fa\u200cr 🙂", "äöü 中文 עברית fa\u200cr 🙂"),
    ],
)
def test_what_steers_a_terminal_is_an_escape(text: str, shown: str) -> None:
    assert visible(text) == shown == visible(shown)


def test_a_stream_for_people_and_the_one_beneath_it() -> None:
    plain = io.StringIO()
    stream = VisibleStream(plain)
    assert stream.write("\x1b[1m") == 4
    stream.writelines(["a\r", "b"])
    stream.flush()
    assert plain.getvalue() == r"\x1b[1ma\x0db" and not stream.isatty()
    assert beneath(stream) is plain is beneath(plain)
