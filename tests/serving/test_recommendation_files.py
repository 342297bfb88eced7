"""`recommend` on the command line: the same rows as in Python, each format, and what cannot be answered."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

import recbole_ext as rx
from recbole_ext.cli.main import main
from tests.conftest import write_inter

ROWS = [(f"u{user}", f"i{(user + 3 * k) % 12}", 1000 * k + user) for user in range(8) for k in range(6)]
HEADER = "who:token\twhat:token\twhen:float"
Answer = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Mamba4Rec on a data set with columns of other names, whose raw data is gone."""
    root = tmp_path_factory.mktemp("data")
    data = write_inter(root, "shop", ROWS, HEADER)
    words = ["--model=Mamba4Rec", "--dataset=shop", f"--data_path={data}", f"--runs_dir={root / 'runs'}", "--epochs=1"]
    words += ["--USER_ID_FIELD=who", "--ITEM_ID_FIELD=what", "--TIME_FIELD=when", "--hidden_size=8", "--d_state=2"]
    words += ["--topk=[2]", "--valid_metric=NDCG@2", "--device=cpu", "--show_progress=False", "--baselines=[]"]
    assert main([*words, "--MAX_ITEM_LIST_LENGTH=5"]) == 0
    (root / "shop" / "shop.inter").unlink()
    (folder,) = (root / "runs").iterdir()
    return folder


@pytest.fixture
def answer(run: Path, capsys: pytest.CaptureFixture[str]) -> Answer:
    def ask(*words: object) -> tuple[int, str, str]:
        code = main(["recommend", f"--run={run}", *map(str, words)])
        return code, *capsys.readouterr()

    return ask


def test_the_rows_are_those_of_python(run: Path, answer: Answer) -> None:
    code, out, err = answer("--users=u3,u1", "--k=2")
    lines = [line.split("\t") for line in out.splitlines()]
    assert (code, lines[0]) == (0, ["who", "what", "rank", "score"])
    expected = rx.load(run).recommend(["u3", "u1"], k=2)
    assert [line[:3] for line in lines[1:]] == expected.astype(str).to_numpy()[:, :3].tolist()
    assert "seen items are left out, as the protocol of the run" in err


@pytest.mark.parametrize("ending", ["tsv", "csv", "jsonl", "parquet"])
def test_each_format_holds_every_user(ending: str, answer: Answer, tmp_path: Path) -> None:
    path = tmp_path / f"out.{ending}"
    code, out, _ = answer(f"--output={path}", "--k=3")
    assert code == 0 and out == f"{path}: 24 rows for 8 users\n"
    readers: dict[str, Callable[[Path], list[str]]] = {
        "tsv": lambda path: pd.read_csv(path, sep="\t")["who"].tolist(),
        "csv": lambda path: pd.read_csv(path)["who"].tolist(),
        "jsonl": lambda path: [json.loads(line)["who"] for line in path.read_text().splitlines()],
        "parquet": lambda path: pl.read_parquet(path)["who"].to_list(),
    }
    assert readers[ending](path) == [f"u{user}" for user in range(8) for _ in range(3)]


def test_a_new_user_with_a_history_and_seen_items(answer: Answer, tmp_path: Path) -> None:
    history = tmp_path / "history.csv"
    history.write_text("what,when\ni1,100\ni5,200\nnone,300\n")
    code, out, err = answer(f"--history={history}", "--k=12", "--exclude-seen")
    items = [line.split("\t")[1] for line in out.splitlines()[1:]]
    assert code == 0 and len(items) == 10 and not {"i1", "i5"} & set(items)
    assert "line 3: what 'none' is not in the run's data" in err
    _, out, err = answer(f"--history={history}", "--k=12", "--include-seen")
    assert len(out.splitlines()) == 13 and "seen items are kept, as asked" in err


def test_a_file_of_users_and_the_views_of_the_evaluation(run: Path, answer: Answer, tmp_path: Path) -> None:
    users = tmp_path / "users.txt"
    users.write_text("user_id\nu2\n\nnobody\n")
    code, out, err = answer(f"--users={users}", "--k=1", "--history-until=valid")
    assert code == 0 and "user_id 'nobody'" not in out and "who 'nobody' is not in the run's data" in err
    expected = rx.load(run).recommend(["u2"], k=1, at="test")
    assert out.splitlines()[1].split("\t")[1] == expected["what"][0]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--output=x.txt"], 2, "--output must end in one of .tsv, .csv, .jsonl, .parquet"),
        (["--k=0"], 2, "k must be a whole number of at least 1"),
        (["--k=many"], 2, "k must be"),
        (["--exclude-seen", "--include-seen"], 2, "exclude each other"),
        (["--history-until=test"], 2, "invalid choice: 'test'"),
        (["--history=nowhere.tsv"], 3, "cannot read nowhere.tsv"),
        (["--users=nobody"], 3, "none of the users can be used"),
        (["--users="], 3, "none of the users"),
        (["--topk=3"], 2, "recommend: unknown option --topk"),
    ],
)
def test_what_cannot_be_answered(words: list[str], code: int, message: str, answer: Answer) -> None:
    found, out, err = answer(*words)
    assert (found, out) == (code, "") and message in err and "Traceback" not in err
