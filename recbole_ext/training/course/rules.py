"""The table of warnings about a run that is going on: a name, a condition that is a pure function, and a sentence.

`diagnose` judges finished runs by the same conditions, so that a run and its diagnosis never disagree. It leaves the
plateau out: a run that has learned all that there is stands still too, and a curve cannot tell the two apart.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from recbole_ext.training.course.course import RATING_ERRORS, Course
from recbole_ext.training.course.limits import course_limit as limit

Evidence = Sequence[tuple[int, float]]


@dataclass(frozen=True)
class CourseRule:
    """One warning.

    Attributes:
        name: for events, and for programs that read them.
        evidence: (epoch, value) that show it; empty where the rule is silent.
        sentence: what is so, from the evidence.
        advice: what to do.
    """

    name: str
    evidence: Callable[[Course], Evidence]
    sentence: Callable[[Course, Evidence], str]
    advice: str


def _first_loss(course: Course) -> float | None:
    """The loss of untrained weights; of a file without it, that of the first epoch."""
    found = course.points.get("first_loss") or course.points.get("train_loss")
    return found[0][1] if found else None


def _is_above_start(course: Course, loss: float, times: float = 1.0) -> bool:
    """Whether a loss is above the first one, by so many times its size; losses may be negative."""
    first = _first_loss(course)
    return first is not None and loss > first + (times - 1) * abs(first)


def _diverged(course: Course) -> Evidence:
    last = course.last("train_loss")
    return [last] if last and _is_above_start(course, last[1], limit("divergence")) else []


def _growth(course: Course) -> Evidence:
    """Gradient norms in units of the first one; of a file without that, of the first epoch's."""
    norms = course.points.get("grad_norm", [])
    found = course.points.get("grad_norm_growth")
    return found or [(epoch, norm / norms[0][1]) for epoch, norm in norms if norms[0][1] > 0]


def _exploding(course: Course) -> Evidence:
    losses = dict(course.points.get("train_loss", []))
    return [
        (epoch, growth)
        for epoch, growth in _growth(course)
        if growth > limit("explosion") and epoch in losses and _is_above_start(course, losses[epoch])
    ]


def _collapsed(course: Course) -> Evidence:
    kl, active = course.points.get("kl", []), course.last("active_units")
    units = course.last("latent_units")
    if len(kl) < limit("collapse_epochs"):
        return []
    if active and units:
        return kl[-1:] if active[1] < limit("collapse_units") * units[1] else []
    return kl[-1:] if kl[-1][1] < limit("collapse") else []


def _collapse_sentence(course: Course, evidence: Evidence) -> str:
    active, units = course.last("active_units"), course.last("latent_units")
    counted = f"{active[1]:.0f} of {units[1]:.0f} latent units are active, " if active and units else ""
    return f"posterior collapse: {counted}KL is {evidence[-1][1]:.3g} nats in epoch {evidence[-1][0]}"


def is_large_gap(course: Course, gap: float, valid: float) -> bool:
    """Whether training rows are known far better than validation's, in the unit of the metric.

    Args:
        course: whose metric it is.
        gap: how much better, above 0.
        valid: the metric of validation.
    """
    metric = course.metric.lower()
    if "auc" in metric:
        return gap > limit("gap")
    return gap > (limit("gap_rating") if metric in RATING_ERRORS else limit("gap_share") * abs(valid))


def _gap(course: Course) -> Evidence:
    gap, valid = course.last("gap"), course.last("valid")
    return [gap] if gap and valid and gap[0] == valid[0] and is_large_gap(course, gap[1], valid[1]) else []


def _plateau(course: Course) -> Evidence:
    valid, count = course.valid, int(limit("plateau"))
    if len(valid) <= count or valid[-1][0] >= limit("plateau_epochs") or not _is_fast(course):
        return []
    before, window = valid[-count - 1], valid[-count:]
    best = min(value for _, value in valid[:-count])
    losses = dict(course.points.get("train_loss", []))
    start, end = losses.get(before[0]), losses.get(window[-1][0])
    if start is None or end is None or start - end > limit("plateau_loss") * abs(start):
        return []
    return window if min(value for _, value in window) >= best else []


def _is_fast(course: Course) -> bool:
    """Whether the learning rate is not on its way down."""
    rates = [rate for _, rate in course.points.get("learning_rate", [])]
    return not rates or rates[-1] >= limit("plateau_rate") * max(rates)


def _above_memory(column: str) -> Callable[[Course], Evidence]:
    def evidence(course: Course) -> Evidence:
        last = course.last(column)
        return [last] if last and last[1] > limit("memory") else []

    return evidence


def _memory_sentence(whose: str) -> Callable[[Course, Evidence], str]:
    return lambda course, evidence: f"{evidence[-1][1]:.0%} of {whose} memory is in use in epoch {evidence[-1][0]}"


_SMALLER = "a smaller train_batch_size with accumulate_batches, gradient_checkpointing, or a smaller eval_memory_gb"
DIVERGED = CourseRule(
    "diverged",
    _diverged,
    lambda course, evidence: (
        f"the run has diverged: the training loss is {evidence[-1][1]:.3g} in epoch {evidence[-1][0]}, that of "
        f"untrained weights is {_first_loss(course):.3g}; its weights and metrics mean nothing"
    ),
    "lower --learning_rate, or clip gradients with --clip_grad_norm='{max_norm: 1.0}'; start a new run",
)
EXPLODING = CourseRule(
    "exploding_gradients",
    _exploding,
    lambda course, evidence: (
        f"exploding gradients: the norm in epoch {evidence[0][0]} is {evidence[0][1]:,.0f} times that of the first "
        "step, and the loss is above that of untrained weights"
    ),
    "lower --learning_rate, give it a warm-up (--warmup_share=0.05), or clip with --clip_grad_norm='{max_norm: 1.0}'",
)
COLLAPSE = CourseRule(
    "posterior_collapse",
    _collapsed,
    _collapse_sentence,
    "lower --kl_weight, or give --free_bits or --kl_anneal_steps",
)
GAP = CourseRule(
    "train_valid_gap",
    _gap,
    lambda course, evidence: (
        f"overfitting to the training rows: {evidence[-1][1]:.4f} better than validation in epoch {evidence[-1][0]}"
    ),
    "more regularisation or a smaller model, one change at a time",
)
PLATEAU = CourseRule(
    "plateau",
    _plateau,
    lambda course, evidence: (
        f"a plateau before epoch {limit('plateau_epochs'):.0f}: no gain in the validations of epochs {evidence[0][0]} "
        f"to {evidence[-1][0]}, and the training loss stands still"
    ),
    "either all is learned, or another --learning_rate, --lr_schedule=plateau or more capacity helps: compare with the "
    "baselines",
)
MEMORY = CourseRule("memory", _above_memory("memory_share"), _memory_sentence("the machine's"), _SMALLER)
GPU_MEMORY = CourseRule("gpu_memory", _above_memory("gpu_memory_share"), _memory_sentence("the GPU's"), _SMALLER)

COURSE_RULES = (DIVERGED, EXPLODING, COLLAPSE, GAP, PLATEAU, MEMORY, GPU_MEMORY)
"""In the order in which they warn."""
