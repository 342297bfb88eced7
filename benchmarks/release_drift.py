"""All steps of `recbole_ext.scripts.release_drift` on a made release of ML-32M's size: seconds of each step.

Run from the repository's root; the words after `--` are settings of the training:

    python -m benchmarks.release_drift --folder /tmp/made --model BPR -- --epochs=1
    python -m benchmarks.release_drift --folder /tmp/small --rows 64000 -- --epochs=1

The release is a zip in the format of GroupLens (ratings.csv by user, CRLF; movies.csv) with the rows of
`benchmarks.drift`: users arrive over the years, items are popular by a power law. It is made once, and the script
continues where it was interrupted, so that the times of all starts are in `FOLDER/ROWS/drift/steps.jsonl`.
"""

import argparse
import json
import zipfile
from pathlib import Path

import polars as pl

from benchmarks.command import execute
from benchmarks.drift import CUT, FIRST, ITEMS, LAST, make_items, make_log
from benchmarks.machine import describe
from recbole_ext.scripts.release_drift import Request, carry_out

ROWS, PAST = 32_000_204, 0.625


def make_release(folder: Path, rows: int) -> Path:
    """`ml-32m.zip`, unless it is there.

    Args:
        folder: where it goes.
        rows: of ratings.csv; 5 of 8 lie before the cut.
    """
    target = folder / "ml-32m.zip"
    if target.exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    past = int(rows * PAST)
    parts = []
    for name, count, span, arrived in (
        ("past", past, (FIRST, CUT - 1), (0.02, 0.69)),
        ("future", rows - past, (CUT, LAST), (0.69, 1.0)),
    ):
        make_log(folder / f"{name}.inter", count, span, arrived)
        parts.append(
            pl.read_csv(folder / f"{name}.inter", separator="\t", schema_overrides={"rating:float": pl.Float32})
        )
        (folder / f"{name}.inter").unlink()
    table = pl.concat(parts).rename(
        dict(zip(parts[0].columns, ("userId", "movieId", "rating", "timestamp"), strict=True))
    )
    table.sort("userId", maintain_order=True).write_csv(
        folder / "ratings.csv", line_terminator="\r\n", float_precision=1
    )
    make_items(folder / "made.item")
    lines = [line.split("\t") for line in (folder / "made.item").read_text().splitlines()[1:]]
    movies = "".join(f"{item},Made {item} (2001),{genres.replace(' ', '|')}\r\n" for item, genres in lines)
    partial = folder / "ml-32m.zip.partial"
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.write(folder / "ratings.csv", "ml-32m/ratings.csv")
        archive.writestr("ml-32m/movies.csv", "movieId,title,genres\r\n" + movies)
    for name in ("ratings.csv", "made.item"):
        (folder / name).unlink()
    return partial.rename(target)


def main() -> int:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="folder of the release and the results")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--model", default="BPR")
    parser.add_argument("settings", nargs="*", help="of the training, behind --")
    given = parser.parse_args()
    folder = given.folder / str(given.rows)  # a folder that is kept may hold releases of several sizes
    release = make_release(folder, given.rows)
    request = Request(str(release), "ml-32m", "ml32m-after-ml20m", "365d", given.model, given.settings)
    code = carry_out(request, folder / "drift")
    steps = [json.loads(line) for line in (folder / "drift" / "steps.jsonl").read_text().splitlines()]
    print(json.dumps({"machine": describe(), "rows": given.rows, "items": ITEMS, "steps": steps}, indent=2))
    return code


if __name__ == "__main__":
    execute(main)
