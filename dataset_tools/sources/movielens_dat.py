"""ML-1M (2003) and ML-10M (2009): `::` between columns, no header, LF; tables in latin-1 and in UTF-8."""

from dataset_tools.sources.movielens import (
    FIRST_RATING,
    HALF_STARS_SHORT,
    LICENCE,
    RATING_COLUMNS,
    WHOLE_STARS,
    download,
    entity_id,
    exactly,
    genre_tokens,
    tidy,
    title_and_year,
)
from dataset_tools.sources.release import Log, Release, RowError, Table, Tags

ITEM_HEADERS = ("item_id:token", "movie_title:token_seq", "release_year:token", "genre:token_seq")


def parse_user(line: str) -> tuple[str, ...]:
    """`1::F::1::10::48067` (id, gender, age, ...) -> id, age, gender, occupation, zip."""
    user, gender, age, occupation, zip_code = exactly(line.split("::"), 5)
    return entity_id(user), tidy(age), tidy(gender), tidy(occupation), tidy(zip_code)


def parse_item(line: str) -> tuple[str, ...]:
    """`1::Toy Story (1995)::Animation|Comedy` -> id, title, year, genres; a title may contain `::` itself."""
    item, found, rest = line.partition("::")
    title, found_too, genres = rest.rpartition("::")
    if not found or not found_too:
        raise RowError("too_few_columns")
    return (entity_id(item), *title_and_year(title), genre_tokens(genres))


def parse_item_1m(line: str) -> tuple[str, ...]:
    """As `parse_item`, but the title is all but the last seven characters.

    RecBole's published ml-1m.item is made that way; it differs for the one movie, 1001, that has no space
    before its year.
    """
    item, _, year, genres = parse_item(line)
    title = line.partition("::")[2].rpartition("::")[0]
    return item, tidy(title[:-7]), year, genres


def parse_tag(line: str) -> tuple[str, ...]:
    """`15::4973::excellent!::1215184630` -> user, item, tag, time; a tag may contain `::` itself."""
    user, _, rest = line.partition("::")
    item, _, rest = rest.partition("::")
    tag, found, time = rest.rpartition("::")
    if not found:
        raise RowError("too_few_columns")
    return entity_id(user), entity_id(item), tidy(tag), time


ML_1M = Release(
    name="ml-1m",
    title="MovieLens 1M, February 2003",
    log=Log("ratings.dat", "::", RATING_COLUMNS, WHOLE_STARS, (956620800, 1046476800)),
    users=Table(
        "users.dat",
        "latin-1",
        ("user_id:token", "age:token", "gender:token", "occupation:token", "zip_code:token"),
        parse_user,
    ),
    items=Table("movies.dat", "latin-1", ITEM_HEADERS, parse_item_1m),
    licence=LICENCE,
    download=download("ml-1m.zip", "sha256:a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20", 16),
)

ML_10M = Release(
    name="ml-10m",
    title="MovieLens 10M, January 2009",
    log=Log("ratings.dat", "::", RATING_COLUMNS, HALF_STARS_SHORT, (FIRST_RATING, 1231200000)),
    items=Table("movies.dat", "utf-8", ITEM_HEADERS, parse_item),
    tags=Tags("tags.dat", parse_tag),
    licence=LICENCE,
    download=download("ml-10m.zip", "md5:ce571fd55effeba0271552578f2648bd", 128),
)
