"""Intervals for a share. Pure."""

from math import sqrt


def wilson(successes: int, trials: int, z: float = 1.959964) -> tuple[float, float]:
    """The score interval of Wilson (1927) for a share, both ends in 0..1; 95 % at the given z. (0, 1) where nothing was tried.

    (p + z²/2n ± z √(p(1 − p)/n + z²/4n²)) / (1 + z²/n), p = successes / trials. For a fixed number of trials: looked at again and
    again it misses more often than 5 %.
    """
    if not trials:
        return 0.0, 1.0
    share, square = successes / trials, z * z / trials
    middle = (share + square / 2) / (1 + square)
    reach = z * sqrt(share * (1 - share) / trials + square / (4 * trials)) / (1 + square)
    return max(0.0, middle - reach), min(1.0, middle + reach)
