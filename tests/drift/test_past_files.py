from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from recbole_ext.drift.future import Future
from recbole_ext.drift.past_files import write_data
from recbole_ext.serving.load import LoadedRun


class Settings(dict[str, Any]):
    dataset = "log[1]"


def test_the_name_of_a_data_set_is_no_pattern(tmp_path: Path) -> None:
    for name in ("log1", "log[1]"):
        rows = f"user_id:token\titem_id:token\ttimestamp:float\nof {name}\ti\t5\n"
        (tmp_path / f"{name}.inter").write_text(rows)
        (tmp_path / f"{name}.item").write_text("item_id:token\ni\n")
    columns = SimpleNamespace(time_field="timestamp", uid_field="user_id", iid_field="item_id")
    settings = {"data_path": tmp_path, "field_separator": "\t", "encoding": None, "time_unit": "seconds"}
    run = SimpleNamespace(config=Settings(settings, benchmark_filename=None), train=columns)
    future = SimpleNamespace(is_own=True, files=())
    write_data(cast(LoadedRun, run), cast(Future, future), 9, 10, tmp_path / "new", known_only=False)
    written = sorted((tmp_path / "new" / "log[1]").iterdir())
    assert [path.name for path in written] == ["log[1].inter", "log[1].item"]
    assert written[0].read_text().splitlines()[1:] == ["of log[1]\ti\t5"]
