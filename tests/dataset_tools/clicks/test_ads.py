from pathlib import Path

import polars as pl
import pytest

from dataset_tools.cli import main
from dataset_tools.clicks.ads import AdOptions, convert_ads
from dataset_tools.errors import DataError, UsageError

FIRST = 1494000000 - 1494000000 % 86400 - 8 * 3600  # midnight in China


def raw(folder: Path, days: int = 8, broken: str = "") -> Path:
    folder.mkdir()
    rows = [
        f"{user},{FIRST + day * 86400 + 3600 * hour},{(user * 3 + hour) % 9},430548_100{user % 2},{1 - k % 2},{k % 2}"
        for k, (day, hour, user) in enumerate((d, h, u) for d in range(days) for h in (0, 9, 23) for u in range(5))
    ]
    rows.reverse()
    text = "user,time_stamp,adgroup_id,pid,nonclk,clk\n" + "\n".join(rows) + "\n" + broken
    (folder / "raw_sample.csv").write_text(text)
    ads = "".join(f"{a},{a % 3},{a},{a},{'NULL' if a == 2 else a},{a}.5\n" for a in range(9))
    (folder / "ad_feature.csv").write_text("adgroup_id,cate_id,campaign_id,customer,brand,price\n" + ads)
    names = "userid,cms_segid,cms_group_id,final_gender_code,age_level,pvalue_level,shopping_level,occupation,"
    users = "".join(f"{u},0,1,2,3,,3,0,\n" for u in range(4))
    (folder / "user_profile.csv").write_text(f"{names}new_user_class_level \n{users}")
    return folder


def test_days_are_cut_and_the_last_one_is_held_out_in_two_halves(tmp_path: Path) -> None:
    folder = raw(tmp_path / "raw")
    assert main(["ads", "--input", str(folder), "--output", str(tmp_path / "out")]) == 0
    out = tmp_path / "out" / "taobao-ad"
    parts = [pl.read_csv(out / f"taobao-ad.{name}.inter", separator="\t") for name in ("train", "valid", "test")]
    times = [part["timestamp:float"] for part in parts]
    last = FIRST + 7 * 86400
    assert [len(part) for part in parts] == [105, 5, 10]
    assert times[0].max() < last == times[1].min() and times[1].max() < times[2].min()
    assert all(time.is_sorted() for time in times)
    assert set(parts[0]["label:float"]) == {0, 1}
    items = pl.read_csv(out / "taobao-ad.item", separator="\t", infer_schema=False)
    assert items["brand_id:token"].to_list()[:4] == ["0", "1", "unknown", "3"]
    assert items["price:float"].to_list()[:2] == ["0.5", "1.5"]
    users = pl.read_csv(out / "taobao-ad.user", separator="\t", infer_schema=False)
    assert users["city_level:token"].to_list() == ["unknown"] * 4
    assert "benchmark_filename: [train, valid, test]" in (out / "taobao-ad.yaml").read_text()


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        (
            "1,1494000000,2,p,1,1\n",
            r"raw_sample.csv:122: clk and nonclk must be 0 and 1, one of each \(got '1', '1'; 1 s",
        ),
        ("1,noon,2,p,0,1\n", r"raw_sample.csv:122: time_stamp 'noon' is not whole seconds"),
    ],
)
def test_broken_rows_are_named(tmp_path: Path, broken: str, fault: str) -> None:
    with pytest.raises(DataError, match=fault):
        convert_ads(AdOptions(raw(tmp_path / "raw", broken=broken), tmp_path / "out"))


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="all rows are of one day"):
        convert_ads(AdOptions(raw(tmp_path / "day", days=1), tmp_path / "out"))
    folder = raw(tmp_path / "raw")
    (folder / "ad_feature.csv").write_text("adgroup_id,cate_id\n1,2\n")
    with pytest.raises(DataError, match=r"ad_feature\.csv: the column campaign_id is missing"):
        convert_ads(AdOptions(folder, tmp_path / "out"))
    (folder / "ad_feature.csv").unlink()
    with pytest.raises(UsageError, match=r"ad_feature\.csv is missing"):
        convert_ads(AdOptions(folder, tmp_path / "out"))


def behaviours(*rows: str) -> str:
    return "user,time_stamp,btag,cate,brand\n" + "".join(f"{row}\n" for row in rows)


def test_what_the_user_did_before_is_counted_and_nothing_of_the_same_second_or_later(tmp_path: Path) -> None:
    folder, seen = raw(tmp_path / "raw"), FIRST + 86400  # user 0 sees advertisement 0, of category and brand 0, then
    log = [f"0,{seen - k},pv,0,7" for k in (5, 4, 3)] + [f"0,{seen - 9},buy,2,0", f"0,{seen},cart,0,0"]
    (folder / "behavior_log.csv").write_text(behaviours(*log, f"0,{seen + 1},fav,0,0", f"1,{seen - 1},fav,0,0"))
    assert convert_ads(AdOptions(folder, tmp_path / "out"))["behaviours"]
    text = tmp_path / "out" / "taobao-ad"
    rows = pl.concat(
        pl.read_csv(text / f"taobao-ad.{name}.inter", separator="\t") for name in ("train", "valid", "test")
    )
    assert len(rows) == 120
    names = [name for name in rows.columns if name.startswith(("category_", "brand_"))]
    assert names == [f"{g}_{b}:token" for g in ("category", "brand") for b in ("pv", "cart", "fav", "buy")]

    def of(user: int, time: int) -> list[int]:
        found = rows.filter((pl.col("user_id:token") == user) & (pl.col("timestamp:float") == time))
        return list(found.select(names).row(0))

    assert of(0, seen) == [2, 0, 0, 0, 0, 0, 0, 1]  # 3 views are bucket 2; one purchase of the brand is bucket 1
    assert of(0, seen + 86400) == [2, 1, 1, 0, 0, 1, 1, 1]
    assert of(0, seen - 86400) == [0] * 8
    assert "category_pv" in (text / "taobao-ad.yaml").read_text()


@pytest.mark.parametrize(
    ("log", "fault"),
    [
        ("user,btag\n0,pv\n", "behavior_log.csv: the column time_stamp is missing"),
        (behaviours("0,noon,pv,0,0"), "time_stamp 'noon' must be whole seconds"),
        (behaviours("0,1494000000,like,0,0"), "btag 'like' must be one of pv, cart, fav, buy"),
    ],
)
def test_faults_of_the_behaviour_log(tmp_path: Path, log: str, fault: str) -> None:
    folder = raw(tmp_path / "raw")
    (folder / "behavior_log.csv").write_text(log)
    with pytest.raises(DataError, match=fault):
        convert_ads(AdOptions(folder, tmp_path / "out"))


def test_the_name_of_a_folder_is_no_pattern(tmp_path: Path) -> None:
    for name, days in (("raw1", 3), ("raw[1]", 2)):
        (raw(tmp_path / name, days) / "behavior_log.csv").write_text(
            behaviours("0,1,pv,0,0" if days == 2 else "broken")
        )
    parts = convert_ads(AdOptions(tmp_path / "raw[1]", tmp_path / "out"))["parts"]
    assert sum(part["rows"] for part in parts.values()) == 30
