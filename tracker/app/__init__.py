"""The composition root: the only place that names concrete classes.

`run` puts the roles of one process together, `demo` does it against simulators, `check`
and `replay` look at what there is and change nothing.
"""

from tracker.app.check import CheckLine, check
from tracker.app.demo import FEW_AGENTS, demo
from tracker.app.replay import replay
from tracker.app.run import Running, run

__all__ = ["FEW_AGENTS", "CheckLine", "Running", "check", "demo", "replay", "run"]
