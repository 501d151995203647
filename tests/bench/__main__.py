"""``python -m tests.bench NAME``: run one benchmark and print its figures.

Benchmarks report; they never gate. Every figure that depends on the machine stands
beside a reference measured in the same run.
"""

import sys
from importlib import import_module
from pathlib import Path

NAMES = sorted(
    path.stem
    for path in Path(__file__).parent.glob("*.py")
    if not path.stem.startswith("_") and path.stem != "figures"
)


def main() -> int:
    """Run the benchmark that the first argument names."""
    name, *rest = sys.argv[1:] or [""]
    if name not in NAMES:
        sys.stderr.write(f"name one of: {', '.join(NAMES)}\n")
        return 2
    import_module(f"tests.bench.{name}").main(rest)
    return 0


if __name__ == "__main__":
    sys.exit(main())
