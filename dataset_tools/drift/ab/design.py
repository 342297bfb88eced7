"""What can be said of a trial apart from its outcome: sizes of the groups, and the effects that they can show."""

import math

from scipy import stats


def sample_ratio_p(users_a: int, users_b: int, fraction_a: float) -> float:
    """p value of Pearson's chi-square test that users were assigned to A with a probability.

    Args:
        users_a, users_b: of the groups.
        fraction_a: the probability of A, strictly between 0 and 1.
    """
    n = users_a + users_b
    return float(stats.chisquare([users_a, users_b], [n * fraction_a, n * (1 - fraction_a)]).pvalue)


def detectable_effect(error: float, significance: float, power: float) -> float:
    """The smallest true difference that is found with a probability: (z(1 - significance / 2) + z(power)) * error.

    Args:
        error: standard error of the difference.
        significance: of the two-sided test.
        power: the probability.
    """
    return float(stats.norm.ppf(1 - significance / 2) + stats.norm.ppf(power)) * error


def power_of(effect: float, error: float, significance: float) -> float:
    """The probability that a true difference `effect` is found; see `detectable_effect`."""
    if not error:
        return float(effect != 0)
    z, size = stats.norm.ppf(1 - significance / 2), abs(effect) / error
    return float(stats.norm.cdf(size - z) + stats.norm.cdf(-size - z))


def users_needed(effect: float, error: float, users: int, significance: float, power: float) -> int:
    """Users of both groups at which `effect` is found with the power, divided between the groups as they are now.

    The error falls with the square root of the users.

    Args:
        effect: not 0.
        error: standard error of the difference with `users` users.
    """
    return math.ceil(users * (detectable_effect(error, significance, power) / abs(effect)) ** 2 - 1e-9)
