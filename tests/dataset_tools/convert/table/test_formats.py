"""Made files in the exact formats in which well-known data sets are published, a few rows each."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from dataset_tools.convert.table.options import TableOptions
from dataset_tools.convert.table.table import convert_table


@dataclass(frozen=True)
class Format:
    """A published format: its file, the options that it needs, and the lines that come out."""

    name: str
    text: str | bytes
    lines: list[str]
    options: dict[str, Any] = field(default_factory=dict)
    guessed: str = ""
    header: str = "user_id:token\titem_id:token\trating:float\ttimestamp:float"


AMAZON_2018 = (
    '{"overall": 5.0, "vote": "2", "verified": true, "reviewTime": "10 4, 2010", "reviewerID": "A3478QRKQDOPQ2", '
    '"asin": "0001527665", "style": {"Format:": " VHS Tape"}, "reviewerName": "J. \\"W\\"", "reviewText": "a\\tb\\nc", '
    '"summary": "happy", "unixReviewTime": 1286150400}\n'
    '{"overall": 3.0, "verified": false, "reviewTime": "03 11, 2014", "reviewerID": "A2VHSG6TZHU1OB", '
    '"asin": "0001527665", "unixReviewTime": 1276150400, "image": ["https://a/1.jpg"]}\n'
)
AMAZON_2023 = (
    '{"rating": 5.0, "title": "Such a lovely scent", "text": "This, spray.", "images": [], "asin": "B00YQ6X8EO", '
    '"parent_asin": "B00YQ6X8EO", "user_id": "AGKHLEW2SOWHNMFQIJGBECAF7INQ", "timestamp": 1588687728923, '
    '"helpful_vote": 0, "verified_purchase": true}\n'
    '{"rating": 4.0, "title": "Works", "text": "", "images": [{"small_image_url": "https://a/1.jpg"}], '
    '"asin": "B081TJ8YS3", "parent_asin": "B081TJ8YS3", "user_id": "AGKHLEW2SOWHNMFQIJGBECAF7INQ", '
    '"timestamp": 1588615855070, "helpful_vote": 1, "verified_purchase": true}\n'
)
STEAM = (
    "{u'username': u'Chaos Syren', u'hours': 0.1, u'products': 41, u'product_id': u'725280', u'page_order': 0, "
    "u'date': u'2017-12-17', u'text': u'This would not be acceptable, it\\'s', u'early_access': False, u'page': 1}\n"
    "{u'username': u'Freakydrock', u'hours': 51.1, u'products': 769, u'product_id': u'328100', u'page_order': 1, "
    "u'date': u'2017-09-03', u'text': u'Looks like Facebook', u'early_access': True, u'page': 1}\n"
)
YELP = (
    '{"review_id":"KU_O5udG6zpxOg-VcAEodg","user_id":"mh_-eMZ6K5RLWhZyISBhwA","business_id":"XQfwVwDr-v0ZS3_CbbE5Xw",'
    '"stars":3.0,"useful":0,"funny":0,"cool":0,"text":"If you decide\\nto eat","date":"2018-07-07 22:09:11"}\n'
    '{"review_id":"BiTunyQ73aT9WBnpR9DZGw","user_id":"OyoGAe7OKpv6SyGZT5g77Q","business_id":"7ATYjTIgM3jUlt4UM3IypQ",'
    '"stars":5.0,"useful":1,"funny":0,"cool":1,"text":"I have taken","date":"2012-01-03 15:28:18"}\n'
)
RETAILROCKET = (
    "timestamp,visitorid,event,itemid,transactionid\n1433221332117,257597,view,355908,\n"
    "1433224214164,992329,view,248676,\n1433222276276,599528,transaction,356475,4000\n"
)
LASTFM = (
    "user_000001\t2009-05-04T23:08:57Z\tf1b1cf71-bd35-4e99-8624-24a6e15f133a\tDeep Dish\t\tFuck Me Im Famous\n"
    'user_000001\t2009-05-04T13:54:10Z\ta7f7df4a-77d8-4f12-8acd-5c60c93f4de8\t坂本龍一\t'
    'f7c1f8f8-7935-45ed-8fc8-7def69d92a10\t"Heroes" 12"\n'
)  # fmt: skip
GOODREADS = (
    '{"user_id": "8842281e1d1347389f2ab93d60773d4d", "book_id": "24375664", "review_id": "5cd416f3", "rating": 5, '
    '"review_text": "Mind blowing", "date_added": "Fri Aug 25 13:55:02 -0700 2017", '
    '"date_updated": "Mon Oct 09 08:55:59 -0700 2017", "read_at": "Sat Oct 07 00:00:00 -0700 2017", "started_at": "", '
    '"n_votes": 16, "n_comments": 0}\n'
    '{"user_id": "8842281e1d1347389f2ab93d60773d4d", "book_id": "18245960", "review_id": "dfdbb7b0", "rating": 4, '
    '"review_text": "A book", "date_added": "Sun Jul 30 07:44:10 -0700 2017", "date_updated": "", "read_at": "", '
    '"started_at": "", "n_votes": 1, "n_comments": 0}\n'
)
GOWALLA = (
    "0\t2010-10-19T23:55:27Z\t30.2359091167\t-97.7951395833\t22847\n"
    "0\t2010-10-18T22:17:43Z\t30.2691029532\t-97.7493953705\t420315\n"
)
BOOK_CROSSING = (
    '"User-ID";"ISBN";"Book-Rating"\r\n"276725";"034545104X";"0"\r\n"276726";"0155061224";"5"\r\n'
    '"276729";"\xe9052165615X";"3"\r\n'
).encode("latin-1")
KUAIRAND = (
    "user_id,video_id,date,hourmin,time_ms,is_click,is_like,is_follow,is_comment,is_forward,is_hate,long_view,"
    "play_time_ms,duration_ms,profile_stay_time,comment_stay_time,is_profile_enter,is_rand,tab\n"
    "0,4242,20220408,1400,1649397610000,1,0,0,0,0,0,1,24000,30000,0,0,0,0,1\n"
    "0,17,20220408,1300,1649394010007,0,0,0,0,0,0,0,0,12000,0,0,0,1,1\n"
)
MIND = (
    "1\tU13740\t11/11/2019 9:05:58 AM\tN55189 N42782 N34694\tN55689-1 N35729-0\n"
    "2\tU91836\t11/14/2019 6:11:30 PM\tN31739\tN20678-0 N39317-1\n"
)
FORMATS = [
    Format(
        "amazon_2014.csv",
        "AKM1MP6P0OYPR,0132793040,5.0,1365811200\nA2CX7LUOHB2NDG,0321732944,5.0,1341100800\n",
        ["A2CX7LUOHB2NDG\t0321732944\t5.0\t1341100800", "AKM1MP6P0OYPR\t0132793040\t5.0\t1365811200"],
        {"columns": ("user", "item", "rating", "timestamp")},
        "--user user --item item --rating rating --time timestamp --time-unit s",
    ),
    Format(
        "amazon_2018.json",
        AMAZON_2018,
        [
            "A2VHSG6TZHU1OB\t0001527665\t3\t1276150400\t\t\tfalse",
            'A3478QRKQDOPQ2\t0001527665\t5\t1286150400\t{"Format:": " VHS Tape"}\ta\\tb\\nc\ttrue',
        ],
        {"keep": ("style", "reviewText", "verified")},
        "--user reviewerID --item asin --rating overall --time unixReviewTime --time-unit s",
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\tstyle:token\treviewText:token\tverified:token",
    ),
    Format(
        "amazon_2023.jsonl",
        AMAZON_2023,
        [
            "AGKHLEW2SOWHNMFQIJGBECAF7INQ\tB081TJ8YS3\t4\t1588615855.07",
            "AGKHLEW2SOWHNMFQIJGBECAF7INQ\tB00YQ6X8EO\t5\t1588687728.923",
        ],
        {"item": "parent_asin"},
        "--user user_id --item parent_asin --rating rating --time timestamp --time-unit ms",
    ),
    Format(
        "rating.csv",
        '"userId","movieId","rating","timestamp"\n1,2,3.5,"2005-04-02 23:53:47"\n1,29,3.5,"2005-04-02 23:31:16"\n',
        ["1\t29\t3.5\t1112484676", "1\t2\t3.5\t1112486027"],
        guessed="--user userId --item movieId --rating rating --time timestamp --time-unit iso",
    ),
    Format(
        "steam_reviews.json",
        STEAM,
        ["Freakydrock\t328100\t1504396800\t51.1", "Chaos Syren\t725280\t1513468800\t0.1"],
        {"keep": ("hours",)},
        "--user username --item product_id --rating none --time date --time-unit iso",
        "user_id:token\titem_id:token\ttimestamp:float\thours:float",
    ),
    Format(
        "yelp_academic_dataset_review.json",
        YELP,
        [
            "OyoGAe7OKpv6SyGZT5g77Q\t7ATYjTIgM3jUlt4UM3IypQ\t5\t1325604498",
            "mh_-eMZ6K5RLWhZyISBhwA\tXQfwVwDr-v0ZS3_CbbE5Xw\t3\t1531001351",
        ],
        guessed="--user user_id --item business_id --rating stars --time date --time-unit iso",
    ),
    Format(
        "events.csv",
        RETAILROCKET,
        ["257597\t355908\t1433221332.117\tview", "599528\t356475\t1433222276.276\ttransaction"],
        {"keep": ("event",), "rows": "timestamp < 1433223000000"},
        "--user visitorid --item itemid --rating none --time timestamp --time-unit ms",
        "user_id:token\titem_id:token\ttimestamp:float\tevent:token",
    ),
    Format(
        "userid-timestamp-artid-artname-traid-traname.tsv",
        LASTFM,
        ['user_000001\t"Heroes" 12"\t1241445250', "user_000001\tFuck Me Im Famous\t1241478537"],
        {
            "columns": ("userid", "timestamp", "artist_id", "artist", "track_id", "track_name"),
            "item": "track_name",
        },
        "--user userid --item track_name --rating none --time timestamp --time-unit iso",
        "user_id:token\titem_id:token\ttimestamp:float",
    ),
    Format(
        "goodreads_reviews.json",
        GOODREADS,
        [
            "8842281e1d1347389f2ab93d60773d4d\t18245960\t4\t1501425850",
            "8842281e1d1347389f2ab93d60773d4d\t24375664\t5\t1503694502",
        ],
        {"time": "date_added"},
        "--time date_added --time-unit '%a %b %d %H:%M:%S %z %Y'",
    ),
    Format(
        "loc-gowalla_totalCheckins.txt",
        GOWALLA,
        ["0\t420315\t1287440263", "0\t22847\t1287532527"],
        {"columns": ("user", "check-in time", "latitude", "longitude", "location id")},
        "--user user --item 'location id' --rating none --time 'check-in time' --time-unit iso",
        "user_id:token\titem_id:token\ttimestamp:float",
    ),
    Format(
        "BX-Book-Ratings.csv",
        BOOK_CROSSING,
        ["276726\t0155061224\t5", "276729\t\xe9052165615X\t3"],
        {"encoding": "latin-1", "rows": "Book-Rating > 0"},
        "--user User-ID --item ISBN --rating Book-Rating --time none",
        "user_id:token\titem_id:token\trating:float",
    ),
    Format(
        "log_standard_4_08_to_4_21_pure.csv",
        KUAIRAND,
        ["0\t17\t1649394010.007\t0\t0", "0\t4242\t1649397610\t1\t1"],
        {"keep": ("is_click", "long_view")},
        "--user user_id --item video_id --rating none --time time_ms --time-unit ms",
        "user_id:token\titem_id:token\ttimestamp:float\tis_click:float\tlong_view:float",
    ),
    Format(
        "behaviors.tsv",
        MIND,
        ["1\tN55189\t1573463158", "1\tN42782\t1573463158", "1\tN34694\t1573463158", "2\tN31739\t1573755090"],
        {
            "columns": ("impression", "user", "time", "history", "impressions"),
            "user": "impression",
            "item": "history",
            "item_separator": " ",
        },
        "--time time --time-unit '%m/%d/%Y %I:%M:%S %p'",
        "user_id:token\titem_id:token\ttimestamp:float",
    ),
]


@pytest.mark.parametrize("case", FORMATS, ids=lambda case: case.name)
def test_a_published_format_is_read_as_it_is(case: Format, tmp_path: Path) -> None:
    path = tmp_path / case.name
    path.write_bytes(case.text if isinstance(case.text, bytes) else case.text.encode())
    said: list[str] = []
    options = TableOptions((path,), tmp_path / "out", threads=1, quiet=True, **case.options)
    summary = convert_table(options, said.append)
    text = (options.target / f"{options.target.name}.inter").read_text(encoding="utf-8").split("\n")
    assert text[1:-1] == case.lines and text[0] == case.header
    assert case.guessed in said[0] and summary["rows_rejected"] == 0
