import pytest

from recbole_ext.report.markdown import Markdown, code, escaped


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("[click](javascript:alert(1))", r"\[click\](javascript:alert(1))"),
        ("![x](http://h/i.png)", r"!\[x\](http://h/i.png)"),
        ("<script>", "&lt;script>"),
        ("<javascript:alert(1)>", "&lt;javascript:alert(1)>"),
        ("&lt;b&gt;", "&amp;lt;b&amp;gt;"),
        ("a\n# heading\n", "a # heading"),
        ("# heading", r"\# heading"),
        ("1. first", r"1\. first"),
        ("> quoted", r"\> quoted"),
        ("- item", r"\- item"),
        ("`code` *a* __b__ ~~c~~ | d", r"\`code\` \*a\* \__b_\_ \~~c\~~ \| d"),
        ("\\[x](y)", r"\\\[x\](y)"),
        ("\x1b[2J\u202e", r"\\x1b\[2J\\u202e"),
        ("skip_markov: ndcg@10 -0.1 (0 to 1), 5 %", "skip_markov: ndcg@10 -0.1 (0 to 1), 5 %"),
        (None, "None"),
        (0.5, "0.5"),
        (Markdown("`ours`"), "`ours`"),
    ],
)
def test_values_stay_words(value: object, shown: str) -> None:
    assert escaped(value) == shown


def test_code_is_one_line_as_it_is() -> None:
    assert code("a --x='[1]'\n\n# heading <b>") == "    a --x='[1]' # heading <b>"
