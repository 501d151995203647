"""Faults that can tell a GET from a POST at the same path."""

from tracker.simulators.faults import ArmedFault, FaultBoard, FaultKind


class MethodFaultBoard(FaultBoard):
    """A board that is asked with the method before the path, `POST /v0/…`.

    Patterns may begin with a method, for things are read and changed at one path;
    those that don't strike every method.
    """

    def take(
        self,
        kinds: frozenset[FaultKind],
        path: str,
        agent: str | None,
        *,
        after: bool = False,
    ) -> ArmedFault | None:
        """The first armed fault that strikes here; those with a method go first."""
        _, _, bare = path.partition(" ")
        struck = super().take(kinds, path, agent, after=after)
        return struck or super().take(kinds, bare or path, agent, after=after)
