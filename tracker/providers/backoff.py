"""How long to wait after the n-th failure in a row."""


def backoff_s(
    failures: int, luck: float, *, base_s: float = 1.0, cap_s: float = 30.0
) -> float:
    """Return a delay that doubles with every failure, up to a ceiling.

    The jitter takes away up to half, so that thousands who failed together do not
    come back together, and nobody comes back at once.

    Args:
        failures: In a row, from 1; 0 waits not at all.
        luck: Uniform in [0, 1), a call of ``random()``.
        base_s: The longest first delay.
        cap_s: The longest delay ever.
    """
    if failures <= 0:
        return 0.0
    ceiling_s = min(cap_s, base_s * 2.0 ** min(failures - 1, 60))
    return ceiling_s * (0.5 + luck / 2)
