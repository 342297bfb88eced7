"""The templates of properties/experiment are accepted as they are."""

from typing import Any

import pytest

from recbole_ext.config.yaml_reader import read_yaml
from recbole_ext.experiments.template import OF_EXPERIMENT, described, plan
from recbole_ext.pipeline.configure import build_config
from recbole_ext.places import properties_folder

FOLDER = properties_folder() / "experiment"
TEMPLATES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
PHASES = ["1", "3", "3-revised"]


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_a_configuration_file_by_its_name(name: str) -> None:
    values = read_yaml(FOLDER / f"{name}.yaml")[0]
    config = build_config(values["model"], "ml-100k", [name.replace("-", "_")], {"device": "cpu"})
    for key, value in values.items():
        if key not in OF_EXPERIMENT and not isinstance(value, dict):
            assert config[key] == value
            assert config.origins[key].startswith(f"properties/experiment/{name}.yaml:")


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_makes_a_plan_and_says_why_and_whence(name: str) -> None:
    made = plan(name, [])
    assert made.seeds and made.settings["criteria"] and made.dataset and len(made.template_sha256) == 64
    head = described(FOLDER / f"{name}.yaml")
    assert len(head["reason"]) > 40 and len(head["source"]) > 40


def test_the_kl_weights_are_those_of_a_mean_divided_by_its_dimensions() -> None:
    there = {"a100-1": 0.008, "optimized": 0.008, "winning": 0.01, "failing-kl": 0.3, "failing-fit": 0.1}
    for name, weight in there.items():
        values = read_yaml(FOLDER / f"hybrid-vae-{name}.yaml")[0]
        assert values["kl_weight"] == pytest.approx(weight / values["latent_size"])


def test_a100_1_is_the_configuration_of_that_name() -> None:
    values = read_yaml(FOLDER / "hybrid-vae-a100-1.yaml")[0]
    named = {"train_batch_size": 6144, "pairwise_widths": [640, 384, 192], "latent_size": 80, "dropout_prob": 0.38}
    named |= {"learning_rate": 0.0002, "embedding_size": 160, "precision": "bf16", "clip_grad_norm": {"max_norm": 1.0}}
    optimized = read_yaml(FOLDER / "hybrid-vae-optimized.yaml")[0]
    assert {key for key in values if values[key] != optimized.get(key)} < named.keys()
    assert {key: values[key] for key in named} == named


REGULARISATION = ("dropout_prob", "weight_decay", "label_smoothing", "learning_rate")


def phases(prefix: str) -> list[dict[str, Any]]:
    return [read_yaml(FOLDER / f"{prefix}-{name}.yaml")[0] for name in PHASES]


def test_the_phases_on_ml_1m_differ_in_their_regularisation_alone() -> None:
    values = phases("mdaf-ml-1m-phase")
    differing = {key for key in values[0] if len({str(v[key]) for v in values}) > 1}
    assert differing == set(REGULARISATION)
    assert values[0]["seeds"] == [42, 123, 456, 789, 2024] and values[0]["epochs"] == 5


def test_the_phases_are_those_of_their_source_on_taobao() -> None:
    """Batches, clipping, epochs and criteria of the source; the regularisation is that of the templates on ML-1M."""
    values = phases("mdaf-phase")
    assert [v["epochs"] for v in values] == [5, 15, 5]
    for v, on_ratings in zip(values, phases("mdaf-ml-1m-phase"), strict=True):
        assert (v["dataset"], v["train_batch_size"], v["clip_grad_norm"]) == ("taobao-uniform", 2048, {"max_norm": 1.0})
        assert {key: v[key] for key in REGULARISATION} == {key: on_ratings[key] for key in REGULARISATION}
        criteria = " ".join(v["criteria"])
        for each in ("valid.auc >= 0.575", "gap in [0.03, 0.12]", "gap@epoch5 < 0.20", "gate_static_mean in"):
            assert each in criteria


@pytest.mark.parametrize("name", [f"{prefix}-{n}" for prefix in ("mdaf-phase", "mdaf-ml-1m-phase") for n in PHASES])
def test_a_phase_says_what_differs_from_its_source(name: str) -> None:
    assert "# What differs from it" in (FOLDER / f"{name}.yaml").read_text()
