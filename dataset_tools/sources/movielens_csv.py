"""ML-20M (2015), ML-25M (2019), ML-32M (2023) and ML-latest: csv, header, CRLF, UTF-8, quotes."""

import csv

from dataset_tools.sources.movielens import (
    FIRST_RATING,
    HALF_STARS,
    LICENCE,
    RATING_COLUMNS,
    download,
    entity_id,
    exactly,
    genre_tokens,
    tidy,
    title_and_year,
)
from dataset_tools.sources.release import Log, Release, RowError, Table, Tags

END_OF_INT32 = 2**31 - 1


def split_csv(line: str) -> list[str]:
    """The fields of one csv line, quotes and doubled quotes resolved.

    Raises:
        RowError: a quote is opened and not closed, or closed inside a field.
    """
    try:
        return next(csv.reader([line], strict=True))
    except (csv.Error, StopIteration):
        raise RowError("bad_quoting") from None


def parse_item(line: str) -> tuple[str, ...]:
    """`11,"American President, The (1995)",Comedy|Drama` -> id, title, year, genres."""
    item, title, genres = exactly(split_csv(line), 3)
    return (entity_id(item), *title_and_year(title), genre_tokens(genres))


def parse_link(line: str) -> tuple[str, ...]:
    """`1,0114709,862` -> item, IMDb id, TMDB id (may be empty)."""
    item, imdb, tmdb = exactly(split_csv(line), 3)
    return entity_id(item), tidy(imdb), tidy(tmdb)


def parse_tag(line: str) -> tuple[str, ...]:
    """`2,60756,funny,1445714994` -> user, item, tag, time."""
    user, item, tag, time = exactly(split_csv(line), 4)
    return entity_id(user), entity_id(item), tidy(tag), time


def _release(name: str, title: str, end: int, digest: str | None, max_mebibytes: int) -> Release:
    return Release(
        name=name,
        title=title,
        log=Log(
            "ratings.csv",
            ",",
            RATING_COLUMNS,
            HALF_STARS,
            (FIRST_RATING, end),
            "userId,movieId,rating,timestamp",
        ),
        items=Table(
            "movies.csv",
            "utf-8",
            ("item_id:token", "movie_title:token_seq", "release_year:token", "genre:token_seq"),
            parse_item,
            "movieId,title,genres",
        ),
        links=Table(
            "links.csv",
            "utf-8",
            ("item_id:token", "imdb_id:token", "tmdb_id:token"),
            parse_link,
            "movieId,imdbId,tmdbId",
        ),
        tags=Tags("tags.csv", parse_tag, "userId,movieId,tag,timestamp"),
        licence=LICENCE,
        download=download(f"{name}.zip", digest, max_mebibytes),
    )


ML_20M = _release(
    "ml-20m",
    "MovieLens 20M, March 2015",
    1427846400,
    "sha256:96f243c338a8665f6bcc89c53edf6ee39162a846940de6b7c8c48aeada765ff3",
    512,
)
ML_25M = _release(
    "ml-25m",
    "MovieLens 25M, November 2019",
    1574380800,
    "sha256:8b21cfb7eb1706b4ec0aac894368d90acf26ebdfb6aced3ebd4ad5bd1eb9c6aa",
    512,
)
ML_32M = _release(
    "ml-32m",
    "MovieLens 32M, October 2023",
    1697241600,
    "sha256:e4a68655d7386b8f95f2f2424b2ff975dfdd15ffd59e0d864a14dca43e99d6ee",
    512,
)
ML_LATEST = _release("ml-latest", "MovieLens latest (also the small one)", END_OF_INT32, None, 1024)
