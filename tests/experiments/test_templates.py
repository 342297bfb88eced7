"""Each template of properties/experiment makes its first step: its model, its loss and its optimiser, on made data."""

from pathlib import Path
from typing import Any

import pytest

from recbole_ext.config.yaml_reader import read_yaml
from recbole_ext.pipeline.build import build_trainer
from recbole_ext.pipeline.configure import build_config
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.places import properties_folder
from recbole_ext.preflight.estimate import FirstBatches
from tests.conftest import write_inter

TEMPLATES = sorted(path.stem for path in (properties_folder() / "experiment").glob("*.yaml"))
N_USERS, N_ITEMS = 24, 30


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`<root>/films`: ratings, users and items with the columns of the MovieLens releases; returns root."""
    root = tmp_path_factory.mktemp("data")
    rows = [
        (u, 1 + (5 * u + 3 * k) % N_ITEMS, 1 + (u + k * k) % 5, 86_400 * k + u)
        for u in range(N_USERS)
        for k in range(24)
    ]
    header = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
    write_inter(root, "films", rows, header)
    users = [f"{u}\t{20 + u % 40}\t{'FM'[u % 2]}\t{u % 5}" for u in range(N_USERS)]
    items = [f"{i}\tFilm {i}\t{1990 + i % 9}\t{'Drama' if i % 2 else 'Comedy War'}" for i in range(1, N_ITEMS + 1)]
    for suffix, head, lines in (
        ("user", "user_id:token\tage:token\tgender:token\toccupation:token", users),
        ("item", "item_id:token\tmovie_title:token_seq\trelease_year:token\tgenre:token_seq", items),
    ):
        (root / "films" / f"films.{suffix}").write_text("\n".join([head, *lines]) + "\n")
    _write_samples(root)
    return root


def _write_samples(root: Path) -> None:
    """`<root>/samples`: clicks with the histories in lists, as `recbole-data sample` writes Taobao's."""
    header = (
        "user_id:token\titem_id:token\ttimestamp:float\tlabel:float\titem_id_list:token_seq\tbehavior_list:token_seq"
    )
    rows = []
    for user in range(120):
        history = [1 + (user + 2 * k) % N_ITEMS for k in range(1 + user % 5)]
        lists = (history, ["pv" if k % 2 else "buy" for k in history], [60.0 * (1 + k) for k in range(len(history))])
        words = [" ".join(map(str, each)) for each in lists]
        rows.append((user, 1 + 7 * user % N_ITEMS, 86_400 * (user % 9), user % 2, *words))
    write_inter(root, "samples", rows, f"{header}\tage_list:float_seq")
    items = "\n".join(f"{i}\t{i % 4}" for i in range(1, N_ITEMS + 1))
    (root / "samples" / "samples.item").write_text(f"item_id:token\tcategory_id:token\n{items}\n")


@pytest.mark.slow
@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_makes_its_first_steps(name: str, films: Path, tmp_path: Path) -> None:
    given: dict[str, Any] = {"data_path": str(films), "runs_dir": str(tmp_path), "device": "cpu", "torch_threads": 1}
    given |= {"user_inter_num_interval": "[1,inf)", "item_inter_num_interval": "[1,inf)"}
    values = read_yaml(properties_folder() / "experiment" / f"{name}.yaml")[0]
    if "train_batch_size" in values:
        given["train_batch_size"] = min(64, values["train_batch_size"])
    has_lists = "item_id_list" in (values.get("load_col") or {}).get("inter", ())
    config = build_config(values["model"], "samples" if has_lists else "films", [name], given)
    loaders = build_loaders(config, create_dataset(config))
    trainer = build_trainer(config, loaders)
    before = {key: tensor.clone() for key, tensor in trainer.model.state_dict().items()}
    loss = trainer.train_epoch(FirstBatches(loaders.train, 2), 0)
    assert loss == loss and abs(loss) < float("inf")
    assert any(not tensor.equal(before[key]) for key, tensor in trainer.model.state_dict().items())
    assert trainer.settings.valid_metric in trainer.evaluation(loaders.valid).metrics
