"""Outside parties: whom sources see beside the legs that they speak for."""

import pytest

from tests.unit.domain.life import T0, Life
from tracker.domain.call import Leg
from tracker.domain.parties import others_of
from tracker.domain.reading import OtherParty

Seen = list[str | None]

CALLS: list[tuple[dict[str, Seen], list[str | None]]] = [
    # number of the leg: numbers that it sees       who is outside
    ({"15000": ["15001"]}, ["15001"]),
    ({"15000": ["15001"], "15001": ["15000"]}, []),
    ({"15000": ["…01"], "15001": ["…00"]}, []),
    ({"15000": [None], "15001": [None]}, []),
    ({"15000": [None, None], "15001": [None, None]}, [None]),
    ({"15000": ["…99", "…01"], "15001": ["…99", "…00"]}, ["…99"]),
    ({"15000": ["…99", "…01"], "15001": []}, ["…99"]),
    ({"15000": ["…01", "…01"], "15001": ["…00"]}, ["…01"]),
    ({"15000": ["…98"], "15001": ["…99"]}, ["…98", "…99"]),
    ({"15000": []}, []),
]


@pytest.mark.parametrize(("seen", "outside"), CALLS)
def test_a_party_that_has_a_leg_is_not_outside(
    seen: dict[str, Seen], outside: list[str | None]
) -> None:
    """Whichever of the legs comes first."""
    legs = [leg(number, others) for number, others in seen.items()]
    assert [party.number for party in others_of(legs)] == outside
    backwards = [party.number for party in others_of(legs[::-1])]
    assert sorted(backwards, key=str) == sorted(outside, key=str)


def leg(number: str, others: Seen) -> Leg:
    """The leg of *number*, which sees *others*."""
    return Leg(
        source=f"genesys/acme/{number}",
        token=1,
        number=1,
        leg_id=number,
        state="active",
        last_seen_at=T0,
        joined_at=T0,
        number_shown=number,
        others=tuple(OtherParty(number=other) for other in others),
    )


def test_an_outside_party_stays_when_a_message_says_nothing_of_it() -> None:
    """And goes with the last leg that saw it; of an ended call it stays."""
    life = Life()
    customer = (OtherParty(number="…99"),)
    life.at(0).told("a", "active", others=customer)
    assert life.at(1).told("a", "active") == []
    life.at(2).told("b", "active")
    life.at(3).told("a", "ended")
    assert [p.role for p in life.shown.call.parties] == ["agent", "agent"]
    life.at(4).told("b", "active", others=customer)
    life.at(5).told("b", "ended")
    assert [p.number for p in life.shown.call.parties] == [None, None, "…99"]
