"""Seeded random settings for a made data set: models of every task, splits, filters, cut-offs, and some mistakes."""

from typing import Any

import numpy as np

from tests.fuzz.made_data import MadeData

SMALL = ["--epochs=1", "--train_batch_size=64", "--show_progress=False", "--device=cpu", "--torch_threads=1"]
SEQUENCES = ["SS4Rec", "Mamba4Rec", "SASRec", "GRU4Rec", "NARM", "STAMP", "BERT4Rec", "FPMC", "TransRec"]
GENERAL = ["BPR", "Pop", "ItemKNN", "EASE", "LightGCN", "NeuMF", "DMF", "MultiVAE", "Random"]
RATINGS = ["HybridVAE"]
CLICKS = ["MDAFMamba", "FM", "DeepFM", "DCNV2", "LR"]
RANKING_METRICS = ["Recall", "MRR", "NDCG", "Hit", "Precision", "MAP", "GiniIndex", "ItemCoverage", "AveragePopularity",
                   "ShannonEntropy", "TailPercentage"]  # fmt: skip
SIZES = {
    "SS4Rec": ["--hidden_size=8", "--s5_state_size=4", "--d_state=4", "--num_layers=1"],
    "Mamba4Rec": ["--hidden_size=8", "--d_state=4"],
    "SASRec": ["--hidden_size=8", "--n_heads=2", "--n_layers=1", "--inner_size=8"],
    "BERT4Rec": ["--hidden_size=8", "--n_heads=2", "--n_layers=1", "--inner_size=8"],
    "MDAFMamba": ["--hidden_size=8", "--embedding_size=4", "--d_state=4", "--attention_heads=2"],
    "HybridVAE": ["--embedding_size=4"],
}
SPLITS = [
    "{split: {LS: valid_and_test}, order: TO, group_by: user}",
    "{split: {RS: [0.8, 0.1, 0.1]}, order: RO, group_by: user}",
    "{split: {RS: [0.6, 0.2, 0.2]}, order: TO, group_by: user}",
    "{split: {RS: [0.7, 0.3]}, order: RO, group_by: none}",
    "{split: {LS: test_only}, order: TO, group_by: user}",
    "{split: {LS: valid_only}, order: RO, group_by: user}",
]
MODES = ["full", "full", "full", "uni1", "uni3", "pop2", "uni50", "labeled"]
MISTAKES = [
    "--topk=[0]", "--topk=ten", "--valid_metric=NDGC@10", "--metrics=[RMSE]", "--metrics=[AUC]", "--epochs=-1",
    "--user_inter_num_interval=5", "--user_inter_num_interval=[3,1]", "--val_interval={rating: '>=4'}",
    "--eval_args={split: {LS: last}}", "--eval_args={split: {RS: [0.9, -0.1, 0.2]}}", "--eval_args={mode: uni0}",
    "--eval_args={order: time}", "--train_neg_sample_args={uniform: 2}", "--train_neg_sample_args={sample_num: 0}",
    "--encoding=utf99", "--learning_rate=fast", "--load_col={inter: [user, item]}", "--threshold={nothing: 3}",
    "--threshold=4", "--normalize_field=[nothing]", "--selected_features=[nothing]", "--numerical_features=price",
    "--epochz=3", "--benchmark_filename=[train, test]", "--seed=x", "--MAX_ITEM_LIST_LENGTH=0", "--load_col=5",
    "--eval_args=full", "--filter_seen_items=maybe", "--baselines=[nothing]", "--embedding_size=0",
]  # fmt: skip


def make_command(seed: int, data: MadeData, runs: Any) -> list[str]:
    """The words of a training command."""
    rng = np.random.default_rng([seed, 2])
    family = [SEQUENCES, GENERAL, RATINGS, CLICKS][rng.choice(4, p=[0.4, 0.3, 0.15, 0.15])]
    model = str(rng.choice(family))
    words = [f"--model={model}", f"--dataset={data.name}", f"--data_path={data.root}", f"--runs_dir={runs}"]
    words += [*SMALL, *SIZES.get(model, []), *data.options, f"--seed={int(rng.integers(1, 99))}"]
    if family in (SEQUENCES, GENERAL):
        words += _ranking(rng, family is SEQUENCES)
    words += _split(rng, family)
    words += _filters(rng, data)
    words += _of_family(rng, family, data)
    if rng.random() < 0.15:
        words = _with_mistake(words, str(rng.choice(MISTAKES)))
    return words


def _ranking(rng: np.random.Generator, sequential: bool) -> list[str]:
    cutoffs = [[1], [1, 2, 5], [2, 8], [10], [3]][int(rng.integers(5))]
    names = sorted({str(name) for name in rng.choice(RANKING_METRICS, int(rng.integers(1, 5)))})
    chosen = "NDCG" if rng.random() < 0.5 else "MRR"
    words = [f"--topk={cutoffs}", f"--metrics=[{', '.join([chosen, *(n for n in names if n != chosen)])}]"]
    words += [f"--valid_metric={chosen}@{cutoffs[0]}"]
    if sequential and rng.random() < 0.3:
        words += [f"--filter_seen_items={rng.random() < 0.5}", "--MAX_ITEM_LIST_LENGTH=5"]
    if sequential and rng.random() < 0.2:
        words += [f"--protocol={rng.choice(['recbole', 'recbole_time', 'no_time', 'time_aware'])}"]
    return words


def _split(rng: np.random.Generator, family: list[str]) -> list[str]:
    if rng.random() < 0.5:
        return []
    split = str(rng.choice(SPLITS if family is not SEQUENCES else SPLITS[:1] + SPLITS[4:5]))
    if family in (SEQUENCES, GENERAL):
        split = f"{split[:-1]}, mode: {rng.choice(MODES)}}}"
    return [f"--eval_args={split}"]


def _filters(rng: np.random.Generator, data: MadeData) -> list[str]:
    words = []
    if rng.random() < 0.2:
        words += [f"--user_inter_num_interval=[{int(rng.integers(1, 5))},inf)"]
    if rng.random() < 0.15:
        words += [f"--item_inter_num_interval=[{int(rng.integers(1, 4))},inf)"]
    if rng.random() < 0.15 and "rating" in data.columns:
        words += [f"--val_interval={{{data.columns['rating']}: '[2,inf)'}}"]
    if rng.random() < 0.1:
        words += [f"--rm_dup_inter={rng.choice(['first', 'last'])}"]
    return words


def _of_family(rng: np.random.Generator, family: list[str], data: MadeData) -> list[str]:
    if family is CLICKS and "rating" in data.columns:
        return [f"--threshold={{{data.columns['rating']}: {[1, 3, 4][int(rng.integers(3))]}}}"]
    if family is RATINGS and rng.random() < 0.3 and data.features:
        return [f"--side_features=[{rng.choice(data.features)}]"]
    if family is SEQUENCES and rng.random() < 0.15:
        return ["--loss_type=BPR", "--train_neg_sample_args={distribution: uniform, sample_num: 1}"]
    return []


def _with_mistake(words: list[str], mistake: str) -> list[str]:
    key = mistake.partition("=")[0]
    return [word for word in words if word.partition("=")[0] != key] + [mistake]
