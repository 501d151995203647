"""Who is on a call beside those whom sources speak for."""

from collections.abc import Sequence

from tracker.domain.call import Leg
from tracker.domain.reading import OtherParty


def others_of(legs: Sequence[Leg]) -> tuple[OtherParty, ...]:
    """The parties that *legs* see and that are none of *legs*, each once.

    Two agents on one internal call see each other: neither is an outside party.
    """
    found: list[OtherParty] = []
    for leg in legs:
        left = list(leg.others)
        for other in legs:
            if left and other is not leg:
                _take(left, other.number_shown)
        missing = list(found)
        for party in left:
            if party in missing:
                missing.remove(party)
            else:
                found.append(party)
    return tuple(found)


def _take(left: list[OtherParty], seat: str | None) -> None:
    """Remove who sits on *seat*: its number, else somebody without any."""
    for party in left:
        if _may_be(party.number, seat):
            left.remove(party)
            return
    for party in left:
        if party.number is None:
            left.remove(party)
            return


def _may_be(number: str | None, seat: str | None) -> bool:
    """A number shown as ``…01`` may be 15001."""
    return bool(number and seat and seat.endswith(number.lstrip("…")))
