"""Made files in the exact formats in which well-known data sets are published, each with rows that are awkward."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from dataset_tools.convert.table.options import TableOptions
from dataset_tools.convert.table.table import convert_table

PUBLISHED = Path(__file__).parent / "published"
RATED = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
UNRATED = "user_id:token\titem_id:token\ttimestamp:float"


@dataclass(frozen=True)
class Format:
    """A published format.

    Args:
        file: name under `published/`.
        lines: that come out.
        options: that it needs.
        guessed: what is printed as guessed.
        rejected: line and reason of each row that cannot be used.
        header: of the file that is written.
        items: lines of the `.item` file.
    """

    file: str
    lines: list[str]
    options: dict[str, Any] = field(default_factory=dict)
    guessed: str = ""
    rejected: list[tuple[int, str]] = field(default_factory=list)
    header: str = RATED
    items: list[str] = field(default_factory=list)


FORMATS = [
    Format(
        "ratings_Electronics.csv",  # Amazon Reviews 2014
        [
            "A2CX7LUOHB2NDG\t0321732944\t5.0\t1341100800",
            "AKM1MP6P0OYPR\t0132793040\t5.0\t1365811200",
            "A2NWSAGRHCP8N5\t0439886341\t1.0\t1367193600",
            "#oc-R1MWSPVNE4M3RV\tB00004TEN2\t3.0\t1374451200",
            "A1QGNMC6O1VW39\t0511189877\t5.0\t1397433600",
        ],
        {"columns": ("user", "item", "rating", "timestamp")},
        "--user user --item item --rating rating --time timestamp --time-unit s",
        [(5, "rating_not_a_number"), (6, "exact_duplicate")],
    ),
    Format(
        "Appliances_5.json",  # Amazon Reviews 2018
        [
            "A2VHSG6TZHU1OB\t0001527665\t3\t1276150400\t\t\t\tfalse\t",
            'A3478QRKQDOPQ2\t0001527665\t5\t1286150400\t{"Format:": " VHS Tape"}\ta\\tb\\nc\t1,024\ttrue\thappy',
            'A3NHUQ33CFH3VM\tB00009W3PA\t5\t1385510400\t{"Size:": " 1"}\t\t\ttrue\tFive Stars',
            "A1OW0NYQNEXD8Y\tB00004YWK2\t4\t1525824000\t"
            '{"Size:": " 8\'", "Color:": " “White”"}\tFits my Kenmore 5&#34; hose &amp; more; C:\\\\duct\t\ttrue\t★★★★',
        ],
        {"keep": ("style", "reviewText", "vote", "verified", "summary")},
        "--user reviewerID --item asin --rating overall --time unixReviewTime --time-unit s",
        [(6, "empty_time"), (5, "exact_duplicate")],
        f"{RATED}\tstyle:token\treviewText:token\tvote:token\tverified:token\tsummary:token",
    ),
    Format(
        "All_Beauty.jsonl",  # Amazon Reviews 2023
        [
            "AGKHLEW2SOWHNMFQIJGBECAF7INQ\tB081TJ8YS3\t4\t1588615855.07\tWorks",
            "AGKHLEW2SOWHNMFQIJGBECAF7INQ\tB00YQ6X8EO\t5\t1588687728.923\tSuch a lovely scent",
            "AE74DYR3QUGVPZJ3P7RFWBGIX7XQ\tB097R46CSY\t1\t1589665266.052\t不好 \U0001f621",
            "AFQLNQNQYFWQZPJQZS6V3NZU4QBQ\tB08BZ63GMJ\t3\t1609322563.534\tOk",
        ],
        {"item": "parent_asin", "keep": ("title",)},
        "--user user_id --item parent_asin --rating rating --time timestamp --time-unit ms",
        [(4, "empty_item")],
        f"{RATED}\ttitle:token",
    ),
    Format(
        "rating.csv",  # MovieLens as on Kaggle
        [
            "131160\t47\t3\t789652009",
            "3\t924\t0.5\t945176048",
            "2\t3\t4\t951131493",
            "1\t29\t3.5\t1112484676",
            "1\t2\t3.5\t1112486027",
        ],
        guessed="--user userId --item movieId --rating rating --time timestamp --time-unit iso",
        rejected=[(7, "empty_time"), (8, "rating_not_a_number")],
    ),
    Format(
        "steam_reviews.json",
        [
            '♔ T H E ♔\t328100\t1501632000\t51.1\tIt\'s "like" Facebook,\\nbut worse',
            "Bobseagull\t328100\t1501632000\t\t",
            "Freakydrock\t725280\t1504396800\t2.5\tTom &amp; Jerry",
            "Chaos Syren\t725280\t1513468800\t0.1\tThis would not be acceptable as an entertainment, it's ♥",
        ],
        {"user": "username", "keep": ("hours", "text")},
        "--user username --item product_id --rating none --time date --time-unit iso",
        [(5, "empty_time")],
        f"{UNRATED}\thours:float\ttext:token",
    ),
    Format(
        "yelp_academic_dataset_review.json",
        [
            'OyoGAe7OKpv6SyGZT5g77Q\t7ATYjTIgM3jUlt4UM3IypQ\t5\t1325604498\tI\'ve taken a "lot" of spin classes',
            "8g_iMtfSiwikVnbP2etR0A\tYjUWPpI6HXG530lwP-fb2A\t3\t1391632230\tCafé Ambé \U0001f355 &amp; more",
            "bcjbaE6dDog4jkNY91ncLQ\te4Vwtrqf-wpJfwesgvdgxQ\t4\t1484427255\t\\\\N",
            "mh_-eMZ6K5RLWhZyISBhwA\tXQfwVwDr-v0ZS3_CbbE5Xw\t3\t1531001351\tIf you decide\\nto eat here, just be aware",
        ],
        {"keep": ("text",)},
        "--user user_id --item business_id --rating stars --time date --time-unit iso",
        [(4, "empty_time")],
        f"{RATED}\ttext:token",
    ),
    Format(
        "events.csv",  # RetailRocket
        [
            "257597\t355908\t1433221332.117\tview\t",
            "483717\t253185\t1433221955.914\taddtocart\t",
            "111016\t318965\t1433221999.827\tview\t",
            "599528\t356475\t1433222276.276\ttransaction\t4000",
        ],
        {"keep": ("event", "transactionid"), "rows": "itemid != 248676"},
        "--user visitorid --item itemid --rating none --time timestamp --time-unit ms",
        [(8, "empty_time"), (7, "exact_duplicate")],
        f"{UNRATED}\tevent:token\ttransactionid:float",
    ),
    Format(
        "userid-timestamp-artid-artname-traid-traname.tsv",  # LastFM 1K
        [
            "user_000002\tRock &amp; Roll\t1241444531\t\\\\N",
            'user_000002\tMrs. Robinson, "The Graduate\t1241444572\tSimon & Garfunkel',
            'user_000001\t"Heroes" 12"\t1241445124\t坂本龍一',
            "user_000001\tComposition 0919 (Live_2009_4_15)\t1241445250\t坂本龍一",
            "user_000001\tFuck Me Im Famous (Pacha Ibiza)-09-28-2007\t1241478537\tDeep Dish",
        ],
        {
            "columns": ("userid", "timestamp", "artist_id", "artist", "track_id", "track_name"),
            "item": "track_name",
            "keep": ("artist",),
        },
        "--user userid --item track_name --rating none --time timestamp --time-unit iso",
        [(6, "empty_time")],
        f"{UNRATED}\tartist:token",
    ),
    Format(
        "goodreads_reviews_dedup.json",
        [
            "7504b2aee1ecb5b2872d3da381c6c91e\t6392944\t4\t1268417604",
            "7504b2aee1ecb5b2872d3da381c6c91e\t23302416\t0\t1424163588",
            "8842281e1d1347389f2ab93d60773d4d\t18245960\t4\t1501425850",
            "8842281e1d1347389f2ab93d60773d4d\t24375664\t5\t1503694502",
        ],
        {"time": "date_added"},
        "--time date_added --time-unit '%a %b %d %H:%M:%S %z %Y'",
        [(4, "empty_time")],
    ),
    Format(
        "loc-gowalla_totalCheckins.txt",
        [
            "58228\t\\N\t1233724658\t",
            "0\t316637\t1287358923\t30.2557309927",
            "1\t316637\t1287358923\t0.0",
            "0\t420315\t1287440263\t30.2691029532",
            "0\t22847\t1287532527\t30.2359091167",
        ],
        {"columns": ("user", "check-in time", "latitude", "longitude", "location id"), "keep": ("latitude",)},
        "--user user --item 'location id' --rating none --time 'check-in time' --time-unit iso",
        [(7, "empty_item"), (5, "exact_duplicate")],
        f"{UNRATED}\tlatitude:float",
    ),
    Format(
        "BX-Book-Ratings.csv",  # Book-Crossing, whose inner quotes are escaped by a backslash
        [
            "276726\t0155061224\t5",
            "276729\té052165615X\t3",
            '276762\t"0330299891\t6',
            "276798\t3404921178, 2 vol.\t8",
            "276798\t342310538;\t10",
        ],
        {"encoding": "latin-1", "rows": "Book-Rating != 0", "items": PUBLISHED / "BX-Books.csv"},
        "--user User-ID --item ISBN --rating Book-Rating --time none",
        [],
        "user_id:token\titem_id:token\trating:float",
        [
            "0155061224\tRites of Passage; Édition 2\tJudith Rae\t2001\tHeinle",
            '0771025661\tPeterman Rides Again: the Real "J. Peterman" Through Life &amp; the Catalog Business\t'
            "John Peterman\t1999\tRodale Press",
            "034545104X\tFlesh Tones: A Novel\tM. J. Rose\t2002\tBallantine Books",
            "052165615X\tHelp!: Level 1\tPhilip Prowse\t1999\tCambridge University Press",
            '9043003899\t\'Wij hebben, "gelijk"; C:\\\\dir\t\\\\N\t0\t',
        ],
    ),
    Format(
        "log_standard_4_08_to_4_21_pure.csv",  # KuaiRand
        [
            "0\t17\t1649394010.007\t0\t0",
            "0\t4242\t1649397610\t1\t0",
            "27284\t7582\t1650556799.999\t1\t-124",
        ],
        {"keep": ("is_click", "profile_stay_time")},
        "--user user_id --item video_id --rating none --time time_ms --time-unit ms",
        [(6, "empty_item"), (7, "time_not_a_time"), (4, "exact_duplicate")],
        f"{UNRATED}\tis_click:float\tprofile_stay_time:float",
    ),
    Format(
        "behaviors.tsv",  # MIND, whose history is a session
        [
            "4\tN45729\t1573450085",
            "4\tN2203\t1573450085",
            "1\tN55189\t1573463158",
            "1\tN42782\t1573463158",
            "1\tN34694\t1573463158",
            "2\tN31739\t1573582290",
        ],
        {
            "columns": ("impression", "user", "time", "history", "impressions"),
            "user": "impression",
            "item": "history",
            "item_separator": " ",
        },
        "--time time --time-unit '%m/%d/%Y %I:%M:%S %p'",
        [(3, "empty_item"), (5, "empty_time"), (5, "empty_time"), (1, "exact_duplicate")],
        UNRATED,
    ),
]


@pytest.mark.parametrize("case", FORMATS, ids=lambda case: case.file)
def test_a_published_format_is_read_as_it_is(case: Format, tmp_path: Path) -> None:
    said: list[str] = []
    fixed = {"threads": 1, "quiet": True, "max_rejected": 1.0}
    options = TableOptions((PUBLISHED / case.file,), tmp_path / "out", **fixed, **case.options)
    summary = convert_table(options, said.append)
    stem = options.target / options.target.name
    text = stem.with_name(f"{stem.name}.inter").read_text(encoding="utf-8").split("\n")
    assert text[1:-1] == case.lines and text[0] == case.header
    assert case.guessed in said[0]
    listed = stem.with_name(f"{stem.name}.rejected.tsv").read_text(encoding="utf-8").split("\n")[1:-1]
    assert [(int(line), reason) for _, line, reason, _ in (row.split("\t", 3) for row in listed)] == case.rejected
    n_log = len([row for row in listed if row.startswith(case.file)])
    items = stem.with_name(f"{stem.name}.item")
    assert (items.read_text(encoding="utf-8").split("\n")[1:-1] if case.items else []) == case.items
    assert len(case.lines) + n_log == summary["rows_in"] - summary["rows_left_out_on_request"] >= 5
