"""Scripts as they are written for RecBole 1.2.1, and the change of their imports that docs/recbole.md describes."""

import ast
import re
from pathlib import Path

TABLE = Path(__file__).parents[1] / "docs" / "recbole.md"
SETTINGS = """
settings = {
    "epochs": 2, "topk": [3], "valid_metric": "MRR@3",
    "show_progress": False, "device": "cpu", "train_batch_size": 64,
}
"""

QUICK_START = """
from recbole.quick_start import run_recbole

result = run_recbole(model="BPR", dataset="tiny", config_file_list=["tiny.yaml"], config_dict=settings)
"""

BY_HAND = """
from logging import getLogger
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.utils import init_logger, init_seed, get_model, get_trainer

config = Config(model="BPR", dataset="tiny", config_file_list=["tiny.yaml"], config_dict=settings)
init_seed(config["seed"], config["reproducibility"])
init_logger(config)
logger = getLogger()
logger.info(config)
dataset = create_dataset(config)
logger.info(dataset)
train_data, valid_data, test_data = data_preparation(config, dataset)
init_seed(config["seed"] + config["local_rank"], config["reproducibility"])
model = get_model(config["model"])(config, train_data._dataset).to(config["device"])
logger.info(model)
trainer = get_trainer(config["MODEL_TYPE"], config["model"])(config, model)
best_valid_score, best_valid_result = trainer.fit(
    train_data, valid_data, saved=True, show_progress=config["show_progress"]
)
test_result = trainer.evaluate(test_data, load_best_model=True, show_progress=config["show_progress"])
"""

CASE_STUDY = """
from recbole.quick_start import load_data_and_model
from recbole.utils.case_study import full_sort_topk, full_sort_scores

config, model, dataset, train_data, valid_data, test_data = load_data_and_model(model_file=FILE)
uid_series = dataset.token2id(dataset.uid_field, ["u1", "u2"])
topk_score, topk_iid_list = full_sort_topk(uid_series, model, test_data, k=2, device=config["device"])
external_item_list = dataset.id2token(dataset.iid_field, topk_iid_list.cpu())
scores = full_sort_scores(uid_series, model, test_data, device=config["device"])
of_one = scores[0, dataset.token2id(dataset.iid_field, ["i1", "i2"])]
"""

HYPER_TUNING = """
from recbole.trainer import HyperTuning
from recbole.quick_start import objective_function

open("tiny.hyper", "w").write("learning_rate choice [0.1, 0.001]\\n")
fixed = "fixed.yaml"
open(fixed, "w").write("model: BPR\\ndataset: tiny\\n" + "\\n".join(f"{k}: {v}" for k, v in settings.items()))
hp = HyperTuning(
    objective_function=objective_function, algo="exhaustive", early_stop=10, max_evals=100,
    params_file="tiny.hyper", fixed_config_file_list=[fixed],
)
hp.run()
hp.export_result(output_file="hyper.result")
best = hp.params2result[hp.params2str(hp.best_params)]
"""

OWN_MODEL = """
import torch
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.model.abstract_recommender import GeneralRecommender, SequentialRecommender
from recbole.model.loss import BPRLoss
from recbole.trainer import Trainer
from recbole.utils import InputType, init_seed


class NewModel(GeneralRecommender):
    input_type = InputType.PAIRWISE

    def __init__(self, config, dataset):
        super().__init__(config, dataset)
        self.user = torch.nn.Embedding(self.n_users, config["new_size"])
        self.item = torch.nn.Embedding(self.n_items, config["new_size"])
        self.loss = BPRLoss()

    def calculate_loss(self, interaction):
        other = (self.user(interaction[self.USER_ID]) * self.item(interaction[self.NEG_ITEM_ID])).sum(dim=1)
        return self.loss(self.predict(interaction), other)

    def predict(self, interaction):
        return (self.user(interaction[self.USER_ID]) * self.item(interaction[self.ITEM_ID])).sum(dim=1)


class NewSequence(SequentialRecommender):
    def __init__(self, config, dataset):
        super().__init__(config, dataset)
        self.item = torch.nn.Embedding(self.n_items, config["new_size"], padding_idx=0)
        self.loss_type = config["loss_type"]

    def forward(self, item_seq, item_seq_len):
        return self.item(item_seq).sum(dim=1) / item_seq_len.unsqueeze(1)

    def calculate_loss(self, interaction):
        scores = self.full_sort_predict(interaction)
        return torch.nn.functional.cross_entropy(scores, interaction[self.POS_ITEM_ID])

    def predict(self, interaction):
        found = self.forward(interaction[self.ITEM_SEQ], interaction[self.ITEM_SEQ_LEN])
        return (found * self.item(interaction[self.ITEM_ID])).sum(dim=1)

    def full_sort_predict(self, interaction):
        return self.forward(interaction[self.ITEM_SEQ], interaction[self.ITEM_SEQ_LEN]) @ self.item.weight.T


class NewTrainer(Trainer):
    def __init__(self, config, model):
        super().__init__(config, model)
        self.epochs_seen = []

    def _train_epoch(self, train_data, epoch_idx, loss_func=None, show_progress=False):
        self.epochs_seen.append(epoch_idx)
        self.model.train()
        total_loss = 0.0
        for batch_idx, interaction in enumerate(train_data):
            interaction = interaction.to(self.device)
            self.optimizer.zero_grad()
            loss = self.model.calculate_loss(interaction)
            self._check_nan(loss)
            loss.backward()
            self.optimizer.step()
            total_loss += loss.item()
        return total_loss


results = {}
for model_class, more in ((NewModel, {}), (NewSequence, {"train_neg_sample_args": None, "loss_type": "CE"})):
    config = Config(model=model_class, dataset="tiny", config_dict={**settings, "new_size": 4, **more})
    init_seed(config["seed"], config["reproducibility"])
    dataset = create_dataset(config)
    train_data, valid_data, test_data = data_preparation(config, dataset)
    model = model_class(config, train_data.dataset).to(config["device"])
    trainer = NewTrainer(config, model)
    trainer.fit(train_data, valid_data)
    results[model_class.__name__] = trainer.evaluate(test_data)
"""

OWN_LOADER = """
import numpy as np
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.data.dataloader import TrainDataLoader, FullSortEvalDataLoader
from recbole.model.general_recommender import BPR
from recbole.sampler import Sampler
from recbole.trainer import Trainer
from recbole.utils import init_seed


class LowestItems(Sampler):
    def _uni_sampling(self, sample_num):
        return np.random.randint(1, max(2, self.item_num // 2 + 1), sample_num)


class CountingLoader(TrainDataLoader):
    batches = 0

    def collate_fn(self, index):
        CountingLoader.batches += 1
        return super().collate_fn(index)


config = Config(model="BPR", dataset="tiny", config_dict=settings)
init_seed(config["seed"], config["reproducibility"])
dataset = create_dataset(config)
built = dataset.build()
train_dataset, valid_dataset, test_dataset = built
sampler = LowestItems(["train", "valid", "test"], built, "uniform")
train_data = CountingLoader(config, train_dataset, sampler.set_phase("train"), shuffle=True)
valid_data = FullSortEvalDataLoader(config, valid_dataset, sampler.set_phase("valid"), shuffle=False)
test_data = FullSortEvalDataLoader(config, test_dataset, sampler.set_phase("test"), shuffle=False)
model = BPR(config, train_data.dataset).to(config["device"])
trainer = Trainer(config, model)
best_valid_score, best_valid_result = trainer.fit(train_data, valid_data)
test_result = trainer.evaluate(test_data)
"""

OWN_METRIC = """
import recbole.evaluator.register as register
from recbole.evaluator.base_metric import AbstractMetric, TopkMetric
from recbole.quick_start import run_recbole
from recbole.utils import EvaluatorType


class FirstHit(TopkMetric):
    def calculate_metric(self, dataobject):
        hits, _ = self.used_info(dataobject)
        return {f"firsthit@{k}": round(hits[:, 0].mean(), self.decimal_place) for k in self.topk}


class HitTwice(TopkMetric):
    def calculate_metric(self, dataobject):
        hits, _ = self.used_info(dataobject)
        return self.topk_result("hittwice", self.metric_info(hits))

    def metric_info(self, pos_index):
        return 2.0 * (pos_index.cumsum(axis=1) > 0)


class Listed(AbstractMetric):
    metric_type = EvaluatorType.RANKING
    metric_need = ["rec.items", "data.num_users"]
    smaller = True

    def calculate_metric(self, dataobject):
        return {"listed": len(set(dataobject.get("rec.items").flatten().tolist())) / dataobject.get("data.num_users")}


for metric in (FirstHit, HitTwice, Listed):
    name = metric.__name__.lower()
    register.metrics_dict[name] = metric
    register.metric_information[name] = metric.metric_need
    register.metric_types[name] = metric.metric_type
register.smaller_metrics.append("listed")

result = run_recbole(model="BPR", dataset="tiny", config_dict={
    **settings, "metrics": ["Hit", "FirstHit", "HitTwice", "Listed"], "valid_metric": "Listed"
})
"""


def new_places() -> dict[tuple[str, str], str]:
    """(module of RecBole, name) -> the module it is imported from now, as the table of docs/recbole.md says."""
    found = {}
    for names, old, new in re.findall(r"^\| (`.*`) \| `(recbole\.[\w.]+)` \| `([\w.]+)` \|$", TABLE.read_text(), re.M):
        found |= {(old, name): new for name in re.findall(r"`(\w+)`", names)}
    return found


def changed_imports(script: str) -> str:
    """The script with its imports changed, and nothing else."""
    places = new_places()
    lines = script.splitlines()
    for node in ast.walk(ast.parse(script)):
        if isinstance(node, ast.ImportFrom) and node.module:
            moved = [(places.get((node.module, each.name), node.module), each.name) for each in node.names]
            lines[node.lineno - 1] = "; ".join(f"from {module} import {name}" for module, name in moved)
    return "\n".join(lines)
