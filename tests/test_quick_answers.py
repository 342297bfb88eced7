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
import json, os, resource, sys
from pathlib import Path
from {module} import main

def used():
    mine = resource.getrusage(resource.RUSAGE_SELF)
    return mine.ru_utime + mine.ru_stime

start = used()  # of the interpreter and of the imports, which every answer needs
for number, words in enumerate(json.load(sys.stdin)):
    folder = Path(str(number))
    folder.mkdir()
    if os.fork() == 0:
        os.chdir(folder)
        os.dup2(os.open("printed", os.O_CREAT | os.O_WRONLY), 1)
        os.dup2(1, 2)
        sys.argv = ["run_recbole_ext.py", *words]
        try:
            code = main()
        except SystemExit as end:
            code = end.code or 0
        heavy = [name for name in {heavy!r} if name in sys.modules]
        Path("answer").write_text(json.dumps([code, heavy, start + used()]))
        os._exit(0)
    os.wait()
"""


def answers(module: str, asked: list[list[str]], folder: Path) -> dict[str, tuple[int, list[str], float]]:
    """Exit code, heavy libraries that were imported, and seconds of processor time of each list of words.

    One process imports the command, and answers each of them in a fork of its own, in an empty folder.
    """
    code = PROBE.format(module=module, heavy=HEAVY)
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, input=json.dumps(asked), text=True, check=True
    )
    found = [json.loads((folder / str(number) / "answer").read_text()) for number in range(len(asked))]
    return {" ".join(words): tuple(answer) for words, answer in zip(asked, found, strict=True)}


QUESTIONS: list[tuple[list[str], int]] = [
    (["--help"], 0),
    (["--model=SS4Rec", "--help"], 0),
    (["--version"], 0),
    (["doctor", "--quick"], 0),
    (["preflight"], 2),
    (["preflight", "--help"], 0),
    (["preflight", "--model=SASRec", "--dataset=nowhere"], 2),
    (["preflight", "--model=SASRec", "--dataset=ml-100k", "--epochs=many"], 2),
    (["frobnicate"], 2),
    (["--model=SASRec"], 2),
    (["--model=SASRek", "--dataset=ml-100k"], 2),
    (["--model=SASRec", "--dataset=ml-100k", "--epochs=many", "--metrics=[NDCGG]"], 2),
    (["--model=SS4Rec", "--dataset=ml-100k", "--ssm_backend=gpu", "--lr_schedule=cosin"], 2),
    (["--model=HybridVAE", "--dataset=ml-100k", "--loss=mea"], 2),
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
]
OF_THE_DATA_TOOLS: list[tuple[list[str], int]] = [
    (["--help"], 0),
    (["split", "--help"], 0),
    (["validate"], 2),
    (["validate", "nowhere"], 2),
    (["describe", "nowhere"], 2),
    (["split", "nowhere", "--outptu=x"], 2),
]


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, list[str], float]]:
    """What the main command answers."""
    return answers("recbole_ext.cli.main", [words for words, _ in QUESTIONS], tmp_path_factory.mktemp("main"))


@pytest.fixture(scope="module")
def answered_by_the_data_tools(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, list[str], float]]:
    """What the data tools answer."""
    return answers("dataset_tools.cli", [words for words, _ in OF_THE_DATA_TOOLS], tmp_path_factory.mktemp("tools"))


@pytest.mark.parametrize(
    ("words", "code"), QUESTIONS, ids=lambda value: " ".join(value) if isinstance(value, list) else None
)
def test_an_answer_without_a_model_imports_none(
    words: list[str], code: int, answered: dict[str, tuple[int, list[str], float]]
) -> None:
    found, heavy, seconds = answered[" ".join(words)]
    assert (found, heavy) == (code, [])
    assert seconds < SECONDS


@pytest.mark.parametrize(
    ("words", "code"), OF_THE_DATA_TOOLS, ids=lambda value: " ".join(value) if isinstance(value, list) else None
)
def test_the_data_tools_answer_without_compiled_loops(
    words: list[str], code: int, answered_by_the_data_tools: dict[str, tuple[int, list[str], float]]
) -> None:
    found, heavy, seconds = answered_by_the_data_tools[" ".join(words)]
    assert (found, heavy) == (code, [])
    assert seconds < SECONDS
