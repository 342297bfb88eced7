"""The thresholds of the rules about the course of a run, each with its reason; `diagnose` reads the same ones."""

COURSE_LIMITS: dict[str, tuple[float, str]] = {
    "explosion": (
        50,
        "times the norm of the first step's gradient, at a loss above the first one: the four own models' default runs "
        "and those of hosts, on ml-100k and made data, stay below 2.2, HybridVAE at a learning rate of 5 is at 500,000",
    ),
    "divergence": (2, "times the loss of untrained weights, after training: nothing was learned, and all was lost"),
    "collapse_units": (0.1, "fraction of latent units that are active (Burda et al. 2016); below it, z holds nothing"),
    "collapse": (0.01, "nats over all dimensions, where a file has no active units: z has no information"),
    "collapse_epochs": (3, "before, the means of an encoder that has just begun to learn vary little in every run"),
    "gap": (0.12, "an AUC of the training rows, in evaluation mode, that far above validation's is memorisation"),
    "gap_rating": (0.15, "the same for errors of ratings, in stars"),
    "gap_share": (0.5, "the same for other metrics, as a fraction of validation's: training 50 % better"),
    "plateau": (5, "validations in a row; fewer without a gain are noise"),
    "plateau_loss": (0.01, "a training loss that falls by more than 1 % still learns: that is over-fitting"),
    "plateau_epochs": (20, "a standstill before this epoch is of the model or its rate, not the end of learning"),
    "plateau_rate": (0.5, "of the highest learning rate: below it, the schedule brings the standstill about"),
    "memory": (0.90, "the rest is needed by the system and by a batch that is longer than the ones so far"),
}


def course_limit(name: str) -> float:
    """The number of a threshold."""
    return COURSE_LIMITS[name][0]
