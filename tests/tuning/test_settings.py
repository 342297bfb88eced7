from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.errors import UsageError
from recbole_ext.tuning.settings import NOT_TUNED, Settings, epochs_of, settings_of
from recbole_ext.tuning.space_file import read_space

Words = Callable[..., dict[str, Any]]


def test_they_are_read_back_as_they_were(settings: Settings, tmp_path: Path) -> None:
    settings.write(tmp_path)
    assert Settings.read(tmp_path) == settings
    assert [parameter.name for parameter in settings.parameters()] == ["learning_rate", "dropout_prob"]
    config = settings.config({"learning_rate": 0.05})
    assert (config["learning_rate"], config["valid_metric"], epochs_of(config)) == (0.05, "ndcg@5", 3)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"space": None}, "tune needs --space"),
        ({"model": None}, "tune needs --model; for instance: tune --model=SS4Rec"),
        ({"trials": 0}, r"--trials must be an integer of at least 1 \(got 0\)"),
        ({"trials": 2.5}, "--trials must be an integer"),
        ({"scheduler": "ahsa"}, r"--scheduler must be one of asha, none \(got 'ahsa'\); did you mean 'asha'"),
        ({"searcher": "grid"}, r"--searcher must be one of tpe, random \(got 'grid'\)"),
        ({"gpus_per_trial": -1}, "--gpus_per_trial must be a number of at least 0"),
        ({"reduction_factor": 1}, "--reduction_factor must be a number above 1"),
        ({"trails": 4}, "unknown key or option 'trails'; did you mean 'trials'"),
        ({"hidden_sise": 4}, "unknown key or option 'hidden_sise'; did you mean 'hidden_size'"),
        ({"runs_dir": "x"}, "--runs_dir has no meaning here.*--tune-dir"),
        ({"metric": "ndgc@5"}, "valid_metric 'ndgc@5' must be one of metrics"),
        ({"metric": "ndcg@10"}, "needs 10 among topk"),
        ({"learning_rate": 0.1}, "space.yaml:1: learning_rate is given on the command line too"),
    ],
    ids=str,
)
def test_words_that_are_refused(words: Words, more: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        settings_of(words(**more))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "lerning_rate: {uniform: [0.1, 0.2]}",
            "unknown key 'lerning_rate' of Mamba4Rec; did you mean 'learning_rate'",
        ),
        ("seed: {choice: [1, 2]}", "seed is not tuned: the best of several seeds is luck"),
        ("protocol: {choice: [recbole, no_time]}", "protocol is not tuned: it changes what is measured"),
        ("epochs: {randint: [1, 2]}", "epochs is not tuned: it is the budget of every trial"),
        ("dropout_prob: {choice: [0.1, 1.5]}", "with dropout_prob=1.5: dropout_prob must be at least 0 and below 1"),
        ("rm_dup_inter: {choice: [first, last]}", "rm_dup_inter is not tuned: it changes what is measured"),
        ("num_layers: {uniform: [1, 3]}", "num_layers must be of type int"),
        ("num_layers: {uniform: [1.0, 2.5]}", "num_layers must be of type int"),
        ("ssm_variant: {choice: [mamba1, mamba3]}", "with ssm_variant='mamba3'"),
    ],
)
def test_spaces_that_are_refused(words: Words, tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "space.yaml").write_text(line + "\n")
    with pytest.raises(UsageError, match=message):
        settings_of(words())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dropout_prob choice [1.5, 0.1]", "made.hyper:1: with dropout_prob=1.5: dropout_prob must be at least 0"),
        ("\nhead_dim choice ['[8]', '[16]']", r"made.hyper:2: with head_dim=\[8\]: head_dim must be of type"),
        ("num_layers choice [1]\ndropout_prob uniform 0.1,1.5", "made.hyper:2: with dropout_prob=1.5: dropout_prob"),
        ("num_layers choice [1]\n\nseed choice [1]", "made.hyper:3: seed is not tuned"),
        ("num_leyers choice [1]", "made.hyper:1: unknown key 'num_leyers' of Mamba4Rec"),
    ],
)
def test_faults_name_the_file_and_the_line(words: Words, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "made.hyper").write_text(text + "\n")
    with pytest.raises(UsageError, match=message):
        settings_of({**words(), "space": str(tmp_path / "made.hyper")})


def test_values_of_a_space_are_known_by_their_file(words: Words, tmp_path: Path) -> None:
    (tmp_path / "made.hyper").write_text("dropout_prob choice [0.3]\n")
    settings = settings_of({**words(), "space": str(tmp_path / "made.hyper")})
    config = settings.config({"dropout_prob": 0.3}, "made.hyper", {"dropout_prob": 1})
    assert (config["dropout_prob"], config.origins["dropout_prob"]) == (0.3, "made.hyper:1")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "dataset"), [("SS4Rec", "ml-100k"), ("HybridVAE", "ml-100k"), ("MDAFMamba", "ml-1m")]
)
def test_each_shipped_space_fits_its_model(model: str, dataset: str) -> None:
    settings = settings_of({"model": model, "dataset": dataset, "space": model, "device": "cpu"})
    assert len(settings.space) >= 5 and not set(settings.space) & set(NOT_TUNED)
    assert read_space(model)[0] == settings.parameters()


def test_a_model_of_recbole_with_a_hyper_file(words: Words, tmp_path: Path) -> None:
    (tmp_path / "bpr.hyper").write_text("learning_rate loguniform -8,0\nembedding_size choice [8,16]\n")
    given = words(model="BPR", space=str(tmp_path / "bpr.hyper"), hidden_size=None, d_state=None, metric=None)
    del given["MAX_ITEM_LIST_LENGTH"]
    settings = settings_of({**given, "valid_metric": "MRR@5"})
    assert settings.space["embedding_size"] == {"choice": [8, 16]} and settings.config({})["embedding_size"] == 64
