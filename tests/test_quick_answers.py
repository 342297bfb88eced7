"""Answers that need no model come without the libraries of models, whose imports take seconds."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "recbole", "pandas", "polars", "scipy", "numba", "ray")
SECONDS = 1.5
"""Processor time, three times the bar of 0.5 s: this machine is busy with other tests."""
PROBE = """
import json, resource, sys
sys.argv = ["run_recbole_ext.py", *{words!r}]
from {module} import main
try:
    code = main()
except SystemExit as end:
    code = end.code or 0
used = resource.getrusage(resource.RUSAGE_SELF)
heavy = [name for name in {heavy!r} if name in sys.modules]
print(json.dumps([code, heavy, used.ru_utime + used.ru_stime]), file=sys.stderr)
"""


def answer(words: list[str], tmp_path: Path, module: str = "recbole_ext.cli.main") -> tuple[int, list[str], float]:
    """Exit code, heavy libraries that were imported, and seconds of processor time."""
    code = PROBE.format(words=words, module=module, heavy=HEAVY)
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    found: tuple[int, list[str], float] = tuple(json.loads(done.stderr.splitlines()[-1]))
    return found


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--help"], 0),
        (["--model=SS4Rec", "--help"], 0),
        (["--version"], 0),
        (["doctor", "--quick"], 0),
        (["frobnicate"], 2),
        (["--model=SASRec"], 2),
        (["--model=SASRek", "--dataset=ml-100k"], 2),
        (["--model=SASRec", "--dataset=ml-100k", "--epochs=many", "--metrics=[NDCGG]"], 2),
        (["--model=SS4Rec", "--dataset=ml-100k", "--ssm_backend=gpu", "--lr_schedule=cosin"], 2),
        (["--model=HybridVAE", "--dataset=ml-100k", "--loss=mae"], 2),
        (["--model=MDAFMamba", "--dataset=ml-100k", "--branches=[dynamic]"], 2),
        (["--model=SASRec", "--dataset=ml-100k", "--seeds=42,42"], 2),
        (["--model=SASRec", "--dataset=ml-100k", "--seeds=42,43", "--epochs=many"], 2),
        (["experiment", "creat"], 2),
        (["experiment", "create", "nothing", "x"], 2),
        (["experiment", "--help"], 0),
        (["import-checkpoint", "--model=SASRec", "--dataset=ml-100k"], 2),
        (["--model=SASRec", "--dataset=nowhere"], 2),
        (["--model=SASRec", "--dataset=nowhere", "--seeds=42,43"], 2),
        (["--model=SASRec", "--dataset=ml-100k", "--benchmark_filename=[train, test]"], 3),
        (["--model=SASRec", "--dataset=ml-100k", "--device=gpu"], 2),
        (["--model=SASRec", "--dataset=ml-100k", "--resume=nope"], 2),
        (["--resume=nope"], 2),
        (["compare"], 2),
        (["compare", "nowhere"], 2),
        (["compare", "nowhere", "--metrc=ndcg@10"], 2),
        (["ensemble"], 2),
        (["ensemble", "one", "two"], 2),
        (["report"], 2),
        (["report", "nowhere"], 2),
        (["diagnose"], 2),
        (["diagnose", "nowhere.csv"], 3),
        (["rate"], 2),
        (["rate", "--run=nowhere", "--pairs=pairs.tsv"], 2),
        (["score"], 2),
        (["score", "--run=nowhere", "--input=rows.tsv"], 2),
        (["metric-audit"], 2),
        (["metric-audit", "nowhere.tsv"], 3),
        (["metric-audit", "nowhere.tsv", "--reported=0.9"], 2),
        (["tune"], 2),
        (["tune", "--model=SS4Rec", "--dataset=ml-100k"], 2),
        (["tune", "--model=SS4Rec", "--dataset=ml-100k", "--space=nowhere.yaml"], 2),
        (["tune", "--model=SS4Rec", "--dataset=ml-100k", "--space=SS4Rec", "--precision=half"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_an_answer_without_a_model_imports_none(words: list[str], code: int, tmp_path: Path) -> None:
    found, heavy, seconds = answer(words, tmp_path)
    assert (found, heavy) == (code, [])
    assert seconds < SECONDS


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--help"], 0),
        (["split", "--help"], 0),
        (["validate"], 2),
        (["validate", "nowhere"], 2),
        (["describe", "nowhere"], 2),
        (["split", "nowhere", "--outptu=x"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_the_data_tools_answer_without_compiled_loops(words: list[str], code: int, tmp_path: Path) -> None:
    found, heavy, seconds = answer(words, tmp_path, "dataset_tools.cli")
    assert (found, heavy) == (code, [])
    assert seconds < SECONDS
