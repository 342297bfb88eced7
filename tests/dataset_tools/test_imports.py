import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


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
