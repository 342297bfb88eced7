from pathlib import Path

import pytest

from recbole_ext.config.yaml_reader import parse_scalar, read_yaml, typed_value, yaml_text
from recbole_ext.errors import UsageError
from recbole_ext.runs.run_files import setting_line
from recbole_ext.runs.setting_lines import differing


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E5", 1e5),
        ("-.5", -0.5),
        ("5.", 5.0),
        ("1_000", 1000),
        ("010", 10),
        ("-3", -3),
        ("true", True),
        ("False", False),
        ("", None),
        ("~", None),
        ("abc", "abc"),
        ("'1'", "1"),
        ("2024-01-01", "2024-01-01"),
        ("[5, 1e-1]", [5, 0.1]),
        ("{mode: uni100}", {"mode": "uni100"}),
        ("12:30", "12:30"),
        ("None", None),
        ("'None'", "None"),
        ("[None, Nones]", [None, "Nones"]),
    ],
)
def test_scalars(text: str, value: object) -> None:
    found = parse_scalar(text, "--x")
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", ["None", "08", "010", "1e5", "1_0", "~", "true", "no", "1.", "2024-01-01", "a: b"])
def test_what_is_written_reads_as_the_same_text(text: str) -> None:
    assert parse_scalar(yaml_text({"a": [text, 8, None]}, in_a_line=True), "--x") == {"a": [text, 8, None]}


def test_none_is_no_value_of_any_key() -> None:
    assert typed_value("user_inter_num_interval", "None", "x") is None
    assert typed_value("data_path", "'None'", "x") == "None"


def test_listed_tokens_stay_as_they_are_typed(tmp_path: Path) -> None:
    text = "{country: [NO, SE, ~, 'x'], id: [007, 08, 1.50, 1e5], stars: '[4,inf)'}"
    read = {"country": ["NO", "SE", "~", "x"], "id": ["007", "08", "1.50", "1e5"], "stars": "[4,inf)"}
    assert typed_value("val_interval", text, "--val_interval") == read
    (tmp_path / "a.yaml").write_text(f"val_interval: {text}\ntopk: [007]\n")
    assert read_yaml(tmp_path / "a.yaml")[0] == {"val_interval": read, "topk": [7]}
    line = setting_line("val_interval", read)
    assert list(differing({"val_interval": f"val_interval: {text}"}, {"val_interval": line})) == []


def test_infinity_is_a_float() -> None:
    assert parse_scalar("-.inf", "--x") == -float("inf")


@pytest.mark.parametrize("text", ["[1, 2", "{a: 1", "a: b: c", '"open'])
def test_what_is_no_yaml_is_refused_with_its_option(text: str) -> None:
    with pytest.raises(UsageError, match=r"--topk: cannot read the value .* as YAML"):
        parse_scalar(text, "--topk")


def test_an_unsafe_tag_is_refused_and_not_executed(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    unsafe = f"!!python/object/apply:os.system ['touch {touched}']"
    with pytest.raises(UsageError, match="could not determine a constructor for the tag"):
        parse_scalar(unsafe, "--seed")
    (tmp_path / "a.yaml").write_text(f"seed: {unsafe}\n")
    with pytest.raises(UsageError, match=r"a\.yaml:1: could not determine a constructor"):
        read_yaml(tmp_path / "a.yaml")
    assert not touched.exists()


def test_a_file_gives_values_and_lines(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("# first\nseed: 7\n\ntopk:\n  - 5\n  - 10\nepochs: 3\n")
    assert read_yaml(tmp_path / "a.yaml") == (
        {"seed": 7, "topk": [5, 10], "epochs": 3},
        {"seed": 2, "topk": 4, "epochs": 7},
    )


def test_an_empty_file_has_no_values(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("# nothing\n")
    assert read_yaml(tmp_path / "a.yaml") == ({}, {})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"seed: 1\nepochs: 2\nseed: 3\n", r"a\.yaml:3: the key 'seed' is given twice"),
        (b"eval_args:\n  mode: full\n  mode: uni100\n", r"a\.yaml:3: the key 'mode' is given twice"),
        (b"- 1\n- 2\n", r"a\.yaml: a configuration file is a mapping of keys to values \(got list\)"),
        (b"just a word\n", r"is a mapping of keys to values \(got str\)"),
        (b"seed: \xff\n", r"cannot read the configuration file .*a\.yaml: 'utf-8' codec"),
        (b"seed: [1\n", r"a\.yaml:2: "),
        (b"seed: 1\n5: 2\n", r"a\.yaml:2: a key is a word \(got '5'\)"),
        (b"~: 2\n", r"a\.yaml:1: a key is a word \(got '~'\)"),
        (b"[1]: 2\n", r"a\.yaml:1: "),
        (b"{a: 1}: 2\n", r"a\.yaml:1: "),
    ],
    ids=[
        "twice",
        "nested twice",
        "list",
        "word",
        "latin-1",
        "open bracket",
        "number as key",
        "null as key",
        "list as key",
        "mapping as key",
    ],
)
def test_what_is_no_configuration_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(content)
    with pytest.raises(UsageError, match=message):
        read_yaml(tmp_path / "a.yaml")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read the configuration file .*none\.yaml.*No such file"):
        read_yaml(tmp_path / "none.yaml")


def test_aliases_that_unfold_to_millions_are_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 8)]
    (tmp_path / "a.yaml").write_text("\n".join(lines) + "\n")
    with pytest.raises(UsageError, match="aliases and values unfold to more than 100,000"):
        read_yaml(tmp_path / "a.yaml")
    (tmp_path / "a.yaml").write_text("\n".join(lines[:5]) + "\n")
    values, _ = read_yaml(tmp_path / "a.yaml")
    assert values["a4"][0] is values["a3"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "9" * 5000,
        "!!int abc",
        "!!int ''",
        "!!float abc",
        "!!float ''",
        "!!bool maybe",
        "!!timestamp soon",
        "!!timestamp 2001-99-99",
        "[" * 5000,
        "&a [*a]",
        "&a {b: *a}",
    ],
    ids=lambda text: text[:20],
)
def test_a_value_that_cannot_be_is_a_plain_error(text: str) -> None:
    with pytest.raises(UsageError, match="--x: cannot read the value") as error:
        parse_scalar(text, "--x")
    assert len(str(error.value)) < 600


def test_the_host_reader_stays_as_it_was() -> None:
    import yaml

    assert yaml.safe_load("1e-3") == "1e-3"
    assert yaml.load("1e-3", Loader=yaml.FullLoader) == "1e-3"


@pytest.mark.parametrize(
    ("text", "meant"),
    [("{rating: [4,inf)}", "'[4,inf)'"), ("{a: (0, 1]}", "'(0, 1]'"), ("{a: [1,2];[3,inf)}", "'[3,inf)'")],
)
def test_an_interval_without_quotes_is_named(text: str, meant: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_scalar(text, "--val_interval")
    assert str(caught.value).endswith(f"; write the interval in quotes: {meant}")


def test_an_interval_without_quotes_in_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("epochs: 1\nuser_inter_num_interval: [5,inf)\nseed: 1\n")
    with pytest.raises(UsageError, match=r"a\.yaml:\d: .*write the interval in quotes: '\[5,inf\)'"):
        read_yaml(tmp_path / "a.yaml")
