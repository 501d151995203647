"""What holds for every call: `Life` checks each step, these make up the lives."""

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.domain.life import CALL, Life, second, source_of
from tracker.domain.call import Call
from tracker.domain.changes import Policy
from tracker.domain.describe import snapshot
from tracker.domain.reading import Told

AGENTS = ("a", "b", "c")
POLICY = Policy(lost_after_s=60, paused_long_after_s=10)

Move = Callable[[Life], object]

agents = st.sampled_from(AGENTS)
live_states = st.sampled_from(["ringing", "dialing", "active", "active", "held"])
states = st.one_of(live_states, live_states, st.just("ended"))
claims = st.sampled_from(["recording", "paused", "stopped", "unknown", None])
ages_s = st.sampled_from([0.0, 0.4, 3.0, 20.0])
fields: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "exact": st.booleans(),
        "age_s": ages_s,
        "answered_age_s": ages_s,
        "no_proof": st.booleans(),
        "hands_over": st.booleans(),
        "expected": st.sampled_from(["always", "never", "on_demand"]),
        "actions": st.sampled_from([("pause", "resume"), ("start",), ()]),
        "token": st.integers(1, 2),
    },
)


@st.composite
def moves(draw: st.DrawFn) -> Move:
    """One input, and the time that passes before it."""
    passes = draw(st.sampled_from([0.0, 0.001, 1.0, 7.5, 30.0]))
    agent, action = draw(agents), draw(st.sampled_from(["pause", "stop", "resume"]))
    ago = draw(ages_s)
    state, claim, more = draw(states), draw(claims), draw(fields)
    result: Any = draw(
        st.sampled_from(["accepted", "accepted", "refused", "lost", "not_taken"])
    )
    kinds: list[Move] = [
        lambda life: life.told(agent, state, claim, **more),
        lambda life: life.blind(agent, life.now_s - ago),
        lambda life: life.absent(agent, life.now_s - ago),
        lambda life: life.tick(),
        lambda life: life.media(f"m/{agent}"),
        lambda life: life.ask(action, id_=f"c{life.now_s}"),
        lambda life: command(life, lambda id_: life.send(agent, id_=id_)),
        lambda life: command(
            life, lambda id_: life.result(agent, result, attempt=None, id_=id_)
        ),
    ]
    weights = [0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 6, 7, 7]
    kind = kinds[draw(st.sampled_from(weights))]

    def move(life: Life) -> object:
        life.at(life.now_s + passes)
        return kind(life)

    return move


def command(life: Life, then: Callable[[str], object]) -> None:
    """Do something about the newest command, if there is one."""
    if life.call is not None and life.call.command is not None:
        then(life.call.command.id)


@given(st.lists(moves(), max_size=30))
def test_every_step_of_every_life_follows_the_rules(steps: Sequence[Move]) -> None:
    """No event without a change, none the other way; versions, timeline, totals."""
    life = Life(POLICY)
    for step in steps:
        step(life)


@given(st.lists(moves(), min_size=5, max_size=20))
@settings(max_examples=30)
def test_time_alone_changes_a_call_only_when_it_said_so(steps: Sequence[Move]) -> None:
    """Until it is due a tick does nothing; then it does something, and is done."""
    life = Life(POLICY)
    for step in steps:
        step(life)
    life.tick()
    for _ in range(10):
        due_s = life.next_due_s() if life.call and not life.call.ended_at else None
        if due_s is None:
            break
        assert due_s > life.now_s
        assert life.at(due_s - 0.001).tick() == []
        before = life.known
        life.at(due_s).tick()
        assert life.known != before
    assert life.at(life.now_s + 1e6).tick() == []


Claim = tuple[str, str | None]
stories = st.lists(
    st.one_of(
        st.tuples(states, claims),
        st.tuples(states, claims),
        st.tuples(states, claims),
        st.just(("blind", None)),
        st.just(("absent", None)),
    ),
    min_size=1,
    max_size=4,
)


@given(stories, stories, stories, st.randoms(use_true_random=False))
def test_the_order_among_sources_does_not_matter(
    a: list[Claim], b: list[Claim], c: list[Claim], random: Any
) -> None:
    """Never within one; however they interleave, the call comes to the same.

    What must agree: whether the call is known, lives and was answered; its state, its
    parties with their states and what they say of the recording; the recording state
    and why it is unknown; the actions; the expectation; the issues that are due at
    once. What may not, as it says how the call came to it: instants, versions, totals,
    causes, `last_known`, `observed_by`, `end_reason`, the order of the parties.
    """
    told = {"a": a, "b": b, "c": c}
    order = [agent for agent, story in told.items() for _ in story]
    first = _interleaved(told, order)
    random.shuffle(order)
    assert _came_to(_interleaved(told, order)) == _came_to(first)


def _interleaved(told: dict[str, list[Claim]], order: Sequence[str]) -> Life:
    life = Life(POLICY)
    stories = {agent: iter(story) for agent, story in told.items()}
    for s, agent in enumerate(order):
        state, claim = next(stories[agent])
        life.at(s)
        if state == "blind":
            life.blind(agent, s - 0.5)
        elif state == "absent":
            life.absent(agent, s - 0.2)
        else:
            life.told(agent, state, claim, expected="always")
    return life


def _came_to(life: Life) -> object:
    if life.call is None:
        return None
    shown = life.shown
    parties = sorted(
        (
            party.agent,
            party.state,
            party.recording and party.recording.state,
            party.allowed_actions,
        )
        for party in shown.call.parties
    )
    return (
        shown.call.state,
        shown.call.answered_at is None,
        shown.call.ended_at is None,
        parties,
        (shown.recording.state, shown.recording.unknown_reason),
        shown.allowed_actions,
        shown.recording.expected,
        "unseen" in life.issues,
    )


@given(stories, stories)
def test_repeats_and_old_news_change_nothing(a: list[Claim], b: list[Claim]) -> None:
    """Whatever a source has told already may be told again at any later time."""
    life = Life(POLICY)
    said: list[Told] = []
    for s, (agent, (state, claim)) in enumerate(
        (agent, claim) for agent, story in (("a", a), ("b", b)) for claim in story
    ):
        if state in ("blind", "absent"):
            continue
        told = life.telling(agent, state, claim)
        life.at(s).feed(told)
        said.append(told)
        for again in said:
            if _knows(life.call, again):
                assert life.at(s + 0.5).feed(again) == []


def _knows(call: Call | None, told: Told) -> bool:
    """A leg remembers it; an end that nobody saw begin leaves nothing."""
    return call is not None and call.leg_of(told.stamp.source) is not None


def test_the_same_inputs_make_the_same_bytes() -> None:
    """Nothing in a decision depends on anything but its arguments."""
    made = []
    for _ in range(2):
        life = Life()
        life.at(0).told("a", "active", "recording", attributes={"y": "1", "x": "2"})
        life.at(1).told("b", "active", "paused")
        life.at(9).blind("a", since_s=3)
        made.append(snapshot(life.known, second(10)).model_dump_json())
    assert made[0] == made[1]
    assert CALL in made[0]
    assert source_of("a") in made[0]
