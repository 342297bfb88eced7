import ast
import graphlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FLOORS = """errors visible standard_streams faults platforms progress compiled page_templates lines sources times files
    engines convert split clicks drift describe arguments"""


def imported(path: Path) -> set[str]:
    """Modules of the data tools that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("dataset_tools"):
            for name in (f"{node.module}.{alias.name}" for alias in node.names):
                is_module = (ROOT / f"{name.replace('.', '/')}.py").is_file()
                found.add(name if is_module else str(node.module))
    return found


def test_no_import_runs_up_or_in_a_circle() -> None:
    order, graph = [*FLOORS.split(), "cli"], {}
    for path in (ROOT / "dataset_tools").rglob("*.py"):
        graph[".".join(path.relative_to(ROOT).with_suffix("").parts)] = imported(path)
    floors = {name: order.index(name.split(".")[1]) for name in graph if name.split(".")[1][:2] != "__"}
    up = [(name, other) for name in floors for other in graph[name] if floors.get(other, 0) > floors[name]]
    assert up == []
    graphlib.TopologicalSorter(graph).prepare()


def test_never_imports_torch_recbole_or_ray() -> None:
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / "dataset_tools").rglob("*.py")
        if path.stem not in ("__init__", "__main__")
    ]
    code = f"import sys, importlib\nfor m in {modules!r}: importlib.import_module(m)\n"
    code += "print([m for m in ('torch', 'recbole', 'ray', 'pandas') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
