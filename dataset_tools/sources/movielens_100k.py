"""ML-100K (1998): tab-separated log, `|`-separated latin-1 tables, genres as 19 flags."""

from dataset_tools.sources.movielens import (
    LICENCE,
    RATING_COLUMNS,
    WHOLE_STARS,
    download,
    entity_id,
    exactly,
    tidy,
    title_and_year,
)
from dataset_tools.sources.release import Log, Release, RowError, Table

GENRES = (
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama",
    "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
)  # fmt: skip


def parse_user(line: str) -> tuple[str, ...]:
    """`1|24|M|technician|85711` -> id, age, gender, occupation, zip."""
    fields = exactly(line.split("|"), 5)
    return (entity_id(fields[0]), *map(tidy, fields[1:]))


def parse_item(line: str) -> tuple[str, ...]:
    """`1|Toy Story (1995)|01-Jan-1995||http://...|0|0|0|1|...` -> id, title, year, genres."""
    fields = exactly(line.split("|"), 5 + len(GENRES))
    flags = fields[5:]
    if set(flags) - {"0", "1"}:
        raise RowError("genre_flag_not_0_or_1")
    genres = " ".join(genre for genre, flag in zip(GENRES, flags, strict=True) if flag == "1")
    return (entity_id(fields[0]), *title_and_year(fields[1]), genres)


ML_100K = Release(
    name="ml-100k",
    title="MovieLens 100K, April 1998",
    log=Log("u.data", "\t", RATING_COLUMNS, WHOLE_STARS, (874684800, 893376000)),
    users=Table(
        "u.user",
        "latin-1",
        ("user_id:token", "age:token", "gender:token", "occupation:token", "zip_code:token"),
        parse_user,
    ),
    items=Table(
        "u.item",
        "latin-1",
        ("item_id:token", "movie_title:token_seq", "release_year:token", "class:token_seq"),
        parse_item,
    ),
    licence=LICENCE,
    download=download("ml-100k.zip", "sha256:50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229", 16),
)
