"""Taobao UserBehavior (2017): user, item, category, behaviour, time; csv, no header, no address."""

from dataset_tools.lines import column_kinds
from dataset_tools.sources.release import ITEM, TIME, USER, Column, Log, Release

BEHAVIOURS = ("pv", "cart", "fav", "buy")
WINDOW = (1511539200, 1512316800)  # 2017-11-25 00:00 to 2017-12-04 00:00, China time (UTC+8)

TAOBAO = Release(
    name="taobao",
    title="Taobao UserBehavior, 25 November to 3 December 2017 (China time)",
    log=Log(
        "UserBehavior.csv",
        ",",
        (
            USER,
            ITEM,
            Column("category", "category_id:token", column_kinds.ID),
            Column("behaviour", "behavior:token", column_kinds.TEXT),
            TIME,
        ),
        BEHAVIOURS,
        WINDOW,
    ),
    licence=(
        "UserBehavior of Alibaba's Tianchi: fetch UserBehavior.csv.zip there by hand and accept its terms;\n"
        "no right to pass the data on is known. Cite Zhu et al. 2018 (doi:10.1145/3219819.3219826)."
    ),
    max_unpacked_bytes=16 << 30,
    options=frozenset({"label", "per_behaviour", "sample_users"}),
)
