"""The rules of the house, held by reading the sources: one-way doors, nothing dangerous, no long files."""

import ast
import configparser
import functools
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from recbole_ext.redact import redact_command

ROOT = Path(__file__).parents[1]
SOURCES = sorted([*ROOT.glob("recbole_ext/**/*.py"), *ROOT.glob("dataset_tools/**/*.py")])
SERVER = ("fastapi", "starlette", "pydantic", "uvicorn", "h11", "prometheus_client")
"""Only the room of the server imports these."""
FORBIDDEN = {
    "dataset_tools": ("torch", "recbole", "recbole_ext"),
    "recbole_ext/ssm": (
        "recbole",
        "recbole_ext.data",
        "recbole_ext.model",
        "recbole_ext.training",
        "recbole_ext.config",
    ),
    "recbole_ext/model": ("recbole_ext.data", "recbole_ext.training", "recbole_ext.evaluation", "recbole_ext.cli"),
    "recbole_ext/data": ("recbole_ext.training.trainer", "recbole_ext.evaluation", "recbole_ext.model"),
    "recbole_ext": ("recbole.quick_start", "ray", "optuna", "pickle", *SERVER),
}
FLOORS = """errors names amounts places secret_names secret_forms machine_paths typed_command redact refusals
    peak_memory host_memory files device_names versions source_commit host_warnings environment own_model model_list
    model_entry registry devices ssm config data model evaluation runs training tasks pipeline preflight serving
    diagnosis report experiments comparison cluster tuning drift scripts quick_start cli __main__""".split()
"""Rooms and single modules of `recbole_ext`, lowest first; each imports from itself and from those before it."""
OPTIONAL = ("ray", "optuna")
"""No module imports these but those named here; they are imported late."""
LATE = (
    "cluster/ray_session.py",
    "cluster/spread.py",
    *(f"tuning/{x}.py" for x in ("on_ray", "proposals", "importance")),
)


@functools.cache
def nodes(path: Path) -> list[ast.AST]:
    """Every node of a source file, parsed once."""
    return list(ast.walk(ast.parse(path.read_text())))


def imports(path: Path) -> set[str]:
    found = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@cache
def graph() -> dict[str, set[str]]:
    """Modules of `recbole_ext` by the modules that they import anywhere, also within functions."""
    paths = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in ROOT.glob("recbole_ext/**/*.py")}
    modules = {name.removesuffix(".__init__"): path for name, path in paths.items()}
    return {name: {other for other in imports(path) if other in modules} for name, path in modules.items()}


def crossing(are_wrong: Callable[[list[str], list[str]], bool]) -> list[str]:
    """Imports whose parts behind `recbole_ext` are wrong together; the front door itself may import all."""
    pairs = ((name, other) for name, others in graph().items() for other in others)
    inside = [(a, b) for a, b in pairs if "." in a and "." in b]
    return sorted(f"{a} -> {b}" for a, b in inside if are_wrong(a.split(".")[1:], b.split(".")[1:]))


def test_no_import_runs_up() -> None:
    assert crossing(lambda a, b: FLOORS.index(b[0]) > FLOORS.index(a[0])) == []


def test_no_import_between_two_tasks() -> None:
    rooms = {path.parent.name for path in ROOT.glob("recbole_ext/tasks/*/task.py")}
    assert len(rooms) >= 3
    assert crossing(lambda a, b: {"tasks"} == {a[0], b[0]} and {*a[1:2]} <= rooms >= {*b[1:2]} != {*a[1:2]}) == []
    assert crossing(lambda a, b: a == ["tasks", "task"] and b[0] == "tasks" and b[1] in rooms) == []


def test_no_circle_of_imports() -> None:
    below = {name: {other for other in others if "." in other} for name, others in graph().items() if "." in name}
    TopologicalSorter(below).prepare()  # raises CycleError with the circle


TASK_NAMES = {path.parent.name for path in ROOT.glob("recbole_ext/tasks/*/task.py")}
OTHER_MEANINGS = dict.fromkeys(
    ("recbole_ext/config/keys/metric_kinds.py", "recbole_ext/config/keys/metric_modes.py"),
    "`ranking` is RecBole's kind of a metric there: of lists, where the other kind is of values",
)
"""File that compares with a word that is also the name of a task -> what the word means in it."""


def constants_of_tasks(path: Path) -> set[str]:
    """Names that a file gives to the name of a task."""
    found = set()
    for node in nodes(path):
        for target in node.targets if isinstance(node, ast.Assign) else ():
            names, values = (getattr(side, "elts", [side]) for side in (target, node.value))  # type: ignore[attr-defined]
            pairs = zip(names, values, strict=False)
            found |= {n.id for n, v in pairs if isinstance(n, ast.Name) and getattr(v, "value", None) in TASK_NAMES}
    return found


def branches_on_the_task(path: Path, constants: set[str]) -> list[int]:
    """Lines where a file decides by the name of a task: a comparison, a table with an entry per task, `is_click...`."""

    def is_task(node: ast.AST) -> bool:
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            return any(map(is_task, node.elts))
        named = isinstance(node, ast.Attribute) and (node.attr == "task" or ast.unparse(node) == "task.name")
        constant = isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in TASK_NAMES
        return named or constant or (isinstance(node, ast.Name) and node.id in constants)

    def branches(node: ast.AST) -> bool:
        if isinstance(node, ast.Compare):
            return any(map(is_task, [node.left, *node.comparators]))
        if isinstance(node, ast.MatchValue):
            return is_task(node.value)
        if isinstance(node, ast.Dict):
            return sum(key is not None and is_task(key) for key in node.keys) > 1
        name = getattr(node, "attr", getattr(node, "id", getattr(node, "name", "")))
        return isinstance(name, str) and name.lstrip("_").startswith(("is_click", "is_rating", "is_ranking"))

    return [node.lineno for node in nodes(path) if branches(node)]  # type: ignore[attr-defined]


def test_nothing_outside_tasks_decides_by_the_name_of_a_task() -> None:
    general = [path for path in ROOT.glob("recbole_ext/**/*.py") if "tasks" not in path.relative_to(ROOT).parts]
    general += [path for path in ROOT.glob("recbole_ext/tasks/*.py")]
    constants = {name for path in general for name in constants_of_tasks(path)}
    found = {path: branches_on_the_task(path, constants) for path in general}
    named = {str(path.relative_to(ROOT)): lines for path, lines in found.items() if lines}
    assert {file: lines for file, lines in named.items() if file not in OTHER_MEANINGS} == {}
    assert set(OTHER_MEANINGS) <= set(named)


@pytest.mark.parametrize(
    "source",
    [
        "x = entry.task == 'clicks'",
        "y = task in ('ratings', '')",
        "z = {'ratings': 1, 'ranking': 2}[name]",
        "A = 'clicks'\nb = kind != A",
        "def is_click_model(config): ...",
        "match task:\n    case 'ranking': ...",
    ],
)
def test_a_branch_on_the_task_is_seen(tmp_path: Path, source: str) -> None:
    path = tmp_path / "made.py"
    path.write_text(source)
    assert branches_on_the_task(path, constants_of_tasks(path))


@pytest.mark.parametrize("room", FORBIDDEN)
def test_doors_open_one_way(room: str) -> None:
    broken = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in sorted((ROOT / room).rglob("*.py"))
        for name in imports(path)
        for never in FORBIDDEN[room]
        if (name == never or name.startswith(never + "."))
        and not (never in OPTIONAL and f"{path.parent.name}/{path.name}" in LATE)
        and not (never in SERVER and path.parent.name == "http")
    ]
    assert broken == []


def test_nothing_is_evaluated_or_unpickled() -> None:
    calls = []
    for path in SOURCES:
        for node in nodes(path):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                if name in ("eval", "exec", "torch.load", "pickle.load", "pickle.loads", "yaml.load", "yaml.full_load"):
                    calls.append((str(path.relative_to(ROOT)), name))
    allowed = {("recbole_ext/config/yaml_reader.py", "yaml.load")}  # with a safe loader
    allowed.add(("recbole_ext/pipeline/import_checkpoint.py", "torch.load"))  # with --i-trust-this-file alone
    assert set(calls) <= allowed


def test_no_class_is_built_at_run_time() -> None:
    """Neither by `type` with three arguments, nor by another's `__class__`; and nothing depends on a class's name."""
    found = []
    for path in ROOT.glob("recbole_ext/**/*.py"):
        for node in nodes(path):
            built = isinstance(node, ast.Call) and ast.unparse(node.func) == "type" and len(node.args) == 3
            targets = node.targets if isinstance(node, ast.Assign) else []
            changed = any(isinstance(at, ast.Attribute) and at.attr == "__class__" for at in targets)
            named = isinstance(node, ast.Attribute) and node.attr == "__qualname__"
            if built or changed or (named and path.name != "own_model.py"):  # which writes down a user's class
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")  # type: ignore[attr-defined]
    assert found == []


def test_no_text_of_the_program_is_taken_for_a_secret() -> None:
    """Its own messages, property files and documentation are printed and logged as they are."""
    sources = [path for path in SOURCES if not path.name.startswith("secret_")]
    constants = (node for path in sources for node in nodes(path) if isinstance(node, ast.Constant))
    texts = {node.value for node in constants if isinstance(node.value, str)}
    texts |= {path.read_text() for path in [*ROOT.glob("properties/**/*.yaml"), *ROOT.glob("docs/*.md")]}
    assert len(texts) > 3000
    assert [text for text in texts if redact_command(text) != text] == []


def test_files_stay_short() -> None:
    assert [str(path) for path in SOURCES if path.read_text().count("\n") > 300] == []


def test_every_template_is_packaged() -> None:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    folders = {
        path.parent for path in [*ROOT.glob("recbole_ext/**/templates/*"), *ROOT.glob("dataset_tools/**/templates/*")]
    }
    packages = {str(folder.parent.relative_to(ROOT)).replace("/", ".") for folder in folders}
    packaged = {name for name, files in parser["options.package_data"].items() if files == "templates/*"}
    assert packages == packaged and packages


def test_every_package_is_named_in_setup_cfg() -> None:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    named = set(parser["options"]["packages"].split())
    folders = {".".join(path.parent.relative_to(ROOT).parts) for path in SOURCES if path.name == "__init__.py"}
    shipped = {
        "recbole_ext." + ".".join(path.parent.relative_to(ROOT).parts) for path in ROOT.glob("properties/**/*.yaml")
    }
    assert named == folders | shipped


def test_what_is_optional_is_imported_late_and_recboles_quick_start_never() -> None:
    code = (
        "import sys, recbole_ext.tuning.tune, recbole_ext.tuning.trial, recbole_ext.tuning.settings; "
        "from recbole_ext.pipeline.train import run; "
        "from recbole_ext.pipeline.configure import build_config; "
        "build_config('SASRec', 'ml-100k', [], {'loss_type': 'CE'}); "
        "names = ('ray', 'optuna', 'recbole.quick_start', 'thop', 'plotly', 'fastapi', 'uvicorn', 'faiss'); "
        "print([m for m in names if m in sys.modules])"
    )
    out = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert out.stdout.strip() == "[]"


@pytest.mark.slow
def test_the_wheel_carries_the_properties(tmp_path: Path) -> None:
    import zipfile

    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(tmp_path),
        str(ROOT),
    ]
    subprocess.run(command, check=True, capture_output=True)
    names = zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist()
    assert {
        f"recbole_ext/properties/{path.relative_to(ROOT / 'properties')}" for path in ROOT.glob("properties/**/*.yaml")
    } <= set(names)
    assert "recbole_ext/cli/main.py" in names


EVERY_SOURCE = [path for room in ("tests", "benchmarks", "examples") for path in ROOT.glob(f"{room}/**/*.py")] + SOURCES


@functools.cache
def names_of(path: Path) -> set[str]:
    """What a module holds at its top level: what it defines, assigns and imports."""
    found: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found


def source_of(module: str) -> Path | None:
    """The file of a module of this repository."""
    path = ROOT.joinpath(*module.split("."))
    return next((each for each in (path.with_suffix(".py"), path / "__init__.py") if each.is_file()), None)


def test_every_import_of_our_modules_finds_what_it_names() -> None:
    """Also in tests, benchmarks and examples, which mypy does not read, and within functions."""
    lost = []
    for path in EVERY_SOURCE:
        for node in nodes(path):
            ours = isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0]
            if not isinstance(node, ast.ImportFrom) or ours not in ("recbole_ext", "dataset_tools"):
                continue
            file = source_of(str(node.module))
            for name in (alias.name for alias in node.names):
                if (file is None or name not in names_of(file)) and not source_of(f"{node.module}.{name}"):
                    lost.append(f"{path.relative_to(ROOT)}:{node.lineno}: {node.module}.{name}")
    assert lost == []
