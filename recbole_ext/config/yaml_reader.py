"""YAML without surprises: safe tags only, no duplicate keys, the line of every key, and texts that stay texts."""

import re
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from recbole_ext.errors import UsageError

_FLOAT = re.compile(
    r"^[-+]?(?:[0-9][0-9_]*\.?[0-9_]*(?:[eE][-+]?[0-9]+)?|\.[0-9_]+(?:[eE][-+]?[0-9]+)?|\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)
_INT = re.compile(r"^[-+]?[0-9][0-9_]*$")
_NONE = re.compile(r"^None$")
_BARE_SEPARATOR = re.compile(r"^((?:field|seq)_separator\s*:[ ]+)([,|])[ ]*(#.*)?$", re.MULTILINE)
_HALF_OPEN = re.compile(r"(?<!['\"])(?:\[[^\[\](),;]+,[^\[\](),;]+\)|\([^\[\](),;]+,[^\[\](),;]+\])")
"""An interval such as [4,inf), which YAML takes for a list that does not end."""
_MOST_VALUES = 100_000


class _Loader(yaml.SafeLoader):
    """Safe loader that reads `1e-3` as a number, `010` as ten and `None` as nothing, and refuses a key given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str | int | float | None):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key must be a word or a number", key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{key}' is given twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)

    def construct_decimal(self, node: yaml.ScalarNode) -> int:
        """An integer with base 10; YAML 1.1 takes a leading 0 for base 8."""
        return int(node.value.replace("_", ""))


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag not in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float", "tag:yaml.org,2002:timestamp")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_decimal)


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes in quotes whatever text the loader would read as something else, as `08` and `None`.

    libyaml's, where PyYAML has it: a configuration has over 150 lines, each dumped by itself.
    """


for _reads in (_Loader, _Dumper):
    _reads.add_implicit_resolver("tag:yaml.org,2002:int", _INT, list("-+0123456789"))
    _reads.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789."))
    _reads.add_implicit_resolver("tag:yaml.org,2002:null", _NONE, ["N"])


def yaml_text(value: Any, in_a_line: bool = False) -> str:
    """A nested value as YAML that reads as the same value.

    Args:
        value: of mappings, lists, texts, numbers and None.
        in_a_line: mappings and lists in braces and brackets.
    """
    style = {"sort_keys": False, "allow_unicode": True, "width": 10**6}
    return str(yaml.dump(value, Dumper=_Dumper, default_flow_style=in_a_line, **style))


_OF_TOKENS = ("val_interval",)
"""Keys of columns with lists of tokens, which stay as they are typed: `NO`, `007` and `1.50` are ids."""
_SCALARS = tuple(f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float"))
_TEXT = ("field_separator", "seq_separator", "encoding", "data_path", "runs_dir")


def is_text(key: str) -> bool:
    """Whether what is typed for a key is taken as it is: `[5,inf)` and `,` are not YAML."""
    return key in _TEXT or key.endswith("num_interval")


def unquoted(text: str) -> str:
    """A text without the quotes around it, which YAML would take off."""
    return text[1:-1] if len(text) > 2 and text[0] == text[-1] and text[0] in "'\"" else text


def typed_value(key: str, text: str, where: str) -> Any:
    """What was typed for a key: literally where it `is_text`, else as YAML; `None` is nothing for all of them.

    Raises:
        UsageError: see `parse_scalar`.
    """
    return unquoted(text) if is_text(key) and not _NONE.match(text) else parse_scalar(text, where, key)


def parse_scalar(text: str, where: str, key: str = "") -> Any:
    """Read one command-line value as YAML: `0.1`, `true`, `[5, 10]`, `{mode: full}`.

    Args:
        text: what follows `--key=`.
        where: named in the error, for instance `--topk`.
        key: whose value it is; lists of tokens stay texts.

    Raises:
        UsageError: the text is not YAML, or asks for a tag that is not safe.
    """
    try:
        return _load(text, key)[1]
    except yaml.YAMLError as error:
        shown = repr(text) if len(text) <= 200 else f"{text[:200]!r}..."
        raise UsageError(f"{where}: cannot read the value {shown} as YAML: {_problem(error, text)}") from None


def read_yaml(path: Path) -> tuple[dict[str, Any], dict[str, int]]:
    """Read a configuration file.

    Returns:
        The mapping, and the 1-based line on which each top-level key stands.

    Raises:
        UsageError: no such file, not UTF-8, not YAML, an unsafe tag, or not a mapping.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the configuration file {path}: {error}") from None
    try:
        keys, values = _load(_BARE_SEPARATOR.sub(r'\1"\2" \3', text))
    except yaml.YAMLError as error:
        raise UsageError(f"{path}{_line(error)}: {_problem(error, _text_at(error, text))}") from None
    if values is None:
        return {}, {}
    if not isinstance(values, dict):
        raise UsageError(f"{path}: a configuration file is a mapping of keys to values (got {type(values).__name__})")
    for key in keys:
        if key.tag != "tag:yaml.org,2002:str":
            raise UsageError(f"{path}:{key.start_mark.line + 1}: a key is a word (got {key.value!r})")
    return values, {key.value: key.start_mark.line + 1 for key in keys}


def _load(text: str, key: str = "") -> tuple[list[yaml.Node], Any]:
    """The keys of the document's mapping and its values, or a YAMLError whatever is wrong with it."""
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return [], None
        if _size(node, {}) > _MOST_VALUES:
            raise yaml.YAMLError(f"aliases and values unfold to more than {_MOST_VALUES:,}")
        entries = node.value if isinstance(node, yaml.MappingNode) else []
        for by_column in (
            [node] if key in _OF_TOKENS else [value for name, value in entries if name.value in _OF_TOKENS]
        ):
            _keep_tokens(by_column)
        return [name for name, _ in entries], loader.construct_document(node)
    except RecursionError:
        raise yaml.YAMLError("it is nested too deeply") from None
    except (ValueError, LookupError, AttributeError) as error:
        raise yaml.YAMLError(f"a value does not fit its type: {str(error)[:200]}") from None


def _keep_tokens(by_column: yaml.Node) -> None:
    """Make texts of the scalars in the lists of a mapping."""
    lists = [value for _, value in by_column.value] if isinstance(by_column, yaml.MappingNode) else []
    for token in chain.from_iterable(each.value for each in lists if isinstance(each, yaml.SequenceNode)):
        token.tag = "tag:yaml.org,2002:str" if token.tag in _SCALARS else token.tag


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """Number of values with every alias unfolded; too many for a node that holds itself."""
    if id(node) not in known:
        known[id(node)] = _MOST_VALUES + 1  # until it is known: only a node inside itself asks so early
        parts = node.value if isinstance(node, yaml.SequenceNode) else []
        if isinstance(node, yaml.MappingNode):
            parts = list(chain.from_iterable(node.value))
        known[id(node)] = 1 + sum(_size(part, known) for part in parts)
    return known[id(node)]


def _text_at(error: yaml.YAMLError, text: str) -> str:
    """The line of a file on which it cannot be read, and the one before, where the cause may be."""
    mark, lines = getattr(error, "problem_mark", None), text.splitlines()
    return "\n".join(lines[max(mark.line - 1, 0) : mark.line + 1]) if mark else ""


def _line(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f":{mark.line + 1}" if mark else ""


def _problem(error: yaml.YAMLError, text: str = "") -> str:
    problem = getattr(error, "problem", None) or str(error)
    found = _HALF_OPEN.search(text)
    return f"{problem}; write the interval in quotes: '{found[0]}'" if found else problem
