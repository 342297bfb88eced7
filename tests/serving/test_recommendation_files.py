"""`recommend` on the command line: the same rows as in Python, each format, and what cannot be answered."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

import recbole_ext as rx
from recbole_ext.cli.main import main
from recbole_ext.serving.bulk import table_files
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


@pytest.mark.slow
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
    assert f"{history}:4: what 'none' is not in the run's data" in err
    assert "skipped 1 in all; 1 users have a list" in err and "1 of 1 lists are shorter than 12 items" in err
    _, out, err = answer(f"--history={history}", "--k=12", "--include-seen")
    assert len(out.splitlines()) == 13 and "seen items are kept, as asked" in err


def test_a_file_of_users_and_the_views_of_the_evaluation(run: Path, answer: Answer, tmp_path: Path) -> None:
    users = tmp_path / "users.txt"
    users.write_text("user_id\nu2\n\nnobody\n")
    code, out, err = answer(f"--users={users}", "--k=1", "--history-until=valid")
    assert code == 0 and "nobody" not in out and f"{users}:4: who 'nobody' is not in the run's data" in err
    expected = rx.load(run).recommend(["u2"], k=1, at="test")
    assert out.splitlines()[1].split("\t")[1] == expected["what"][0]


def test_items_that_are_allowed_and_denied(run: Path, answer: Answer, tmp_path: Path) -> None:
    allow, deny = tmp_path / "allow.txt", tmp_path / "deny.tsv"
    allow.write_text("\ufeffi1\ni2\n\ni2\nlost\ni5\n", encoding="utf-8")
    deny.write_text("name\twhat:token\nx\ti5\ny\tgone\n")
    words = (f"--allow={allow}", f"--deny={deny}", "--include-seen")
    code, out, err = answer(*words, "--k=5")
    rows = [line.split("\t") for line in out.splitlines()[1:]]
    assert code == 0 and len(rows) == 16 and {row[1] for row in rows} == {"i1", "i2"}
    assert f"{allow}:5: what 'lost' is not" in err and f"{deny}:3: what 'gone' is not" in err
    assert "skipped 2 in all; 8 users have a list" in err and "8 of 8 lists are shorter than 5 items" in err
    every = rx.load(run).recommend(k=100, remove_seen=False)
    kept = every[every["what"].isin(["i1", "i2"])]
    assert [row[:2] for row in rows] == kept[["who", "what"]].to_numpy().tolist()
    allow.write_text("i1\n")
    _, out, err = answer(f"--allow={allow}", "--k=3")  # without the items that were seen
    seen = sum((user, "i1") in {row[:2] for row in ROWS} for user in {row[0] for row in ROWS})
    assert len(out.splitlines()) == 1 + 8 - seen and f"{seen} users have no candidate at all, and no row" in err


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (OSError(28, "No space left on device"), 4, "No space left on device; nothing was left"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_a_file_appears_whole_or_not_at_all(
    error: BaseException,
    code: int,
    message: str,
    ending: str,
    answer: Answer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def finish(own: object) -> None:
        raise error

    path = tmp_path / f"kept.{ending}"
    path.write_text("before")
    for writer in (table_files.TextWriter, table_files.ParquetWriter):
        monkeypatch.setattr(writer, "finish", finish)
    found, out, err = answer(f"--output={path}", "--overwrite", "--k=1")
    assert (found, out) == (code, "") and message in err
    assert path.read_text() == "before" and [*tmp_path.iterdir()] == [path]


def test_an_output_goes_over_nothing_that_is_needed(run: Path, answer: Answer, tmp_path: Path) -> None:
    users, folder = tmp_path / "users.csv", tmp_path / "out.csv"
    users.write_text("who\nu1\n")
    folder.mkdir()
    for path, words in (
        (users, "the same command reads"),
        (folder, "this is a folder; name a file in it"),
        (run / "checkpoint" / "new.csv", "is the directory of a run"),
        (tmp_path / "none" / "new.csv", "there is no folder"),
    ):
        code, out, err = answer(f"--users={users}", f"--output={path}")
        assert (code, out) == (2, "") and words in err
    assert users.read_text() == "who\nu1\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file names no w"),
        (b"\xff\xfe1\n", "as text in UTF-8"),
        (b"name\tage\nu1\t3\n", "a table needs a header with a column"),
        (b"who\n", "the file names no w"),
        (b"x\ny\n", "none of the"),
    ],
)
def test_files_of_ids_that_cannot_be_used(content: bytes, message: str, answer: Answer, tmp_path: Path) -> None:
    path = tmp_path / "ids"
    path.write_bytes(content)
    for option in ("users", "allow"):
        code, out, err = answer(f"--{option}={path}")
        if (option, content) != ("allow", b"who\n"):  # where `who` is an item that is not there
            assert (code, out) == (3, "") and message in err and "Traceback" not in err


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\n", b"who,when\nu1,3\n", b"what,when\ni1,noon\n", b"what,when\n"])
def test_histories_that_cannot_be_used(content: bytes, answer: Answer, tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_bytes(content)
    code, out, err = answer(f"--history={path}")
    assert (code, out) == (3, "") and err.count("\n") <= 4 and "Traceback" not in err


def test_a_run_that_has_not_finished_says_so(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    (copy / "result.json").unlink()
    assert main(["recommend", f"--run={copy}", "--users=u1"]) == 0
    assert "copy has not finished: its best weights so far are used, those of epoch 1" in capsys.readouterr().err
    assert rx.load(copy).recommend(["u1"]).attrs["notes"][0].startswith("copy has not finished")
    description = json.loads((copy / "checkpoint" / "best.json").read_text())
    (copy / "checkpoint" / "best.json").write_text(json.dumps(description | {"format": 99}))
    assert main(["recommend", f"--run={copy}"]) == 3
    assert "has format 99; this version reads format 2" in capsys.readouterr().err
    (copy / "checkpoint" / "best.json").unlink()
    assert main(["recommend", f"--run={copy}"]) == 2
    assert "no epoch of this run was evaluated; continue it with --resume=copy" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--at=noon"], 2, "time must be a whole number of seconds"),
        (["--k='3'"], 2, "k must be a whole number of at least 1 (got '3')"),
        (["--workers=2"], 2, "--workers is for --engine=ray"),
        (["--method=rank"], 2, "--method is for --runs=RUN,RUN"),
        (["--runs=a,b"], 2, "recommend needs --run=RUN for one run, or --runs=RUN,RUN"),
        (["--allow=nowhere.txt"], 3, "cannot read nowhere.txt"),
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
