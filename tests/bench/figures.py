"""How benchmarks print."""

from collections.abc import Sequence


def show(name: str, value: float, unit: str, note: str = "") -> None:
    """One line: a figure, its unit, and what it is held against."""
    figure = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    sys_line = f"  {name:<44}{figure:>12} {unit:<14}{note}"
    print(sys_line.rstrip())  # noqa: T201 - printing is what a benchmark is for


def title(name: str) -> None:
    """A line above some figures."""
    print(name)  # noqa: T201 - printing is what a benchmark is for


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which *share* (0 to 1) of *values* lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
