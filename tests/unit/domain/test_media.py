"""What is told of stored recordings and exports, and what is not told again."""

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.domain.life import second
from tests.unit.domain.stored import export, recording
from tracker.domain.archive import ExportSnapshot, MediaQuery
from tracker.domain.media import KnownMedia, decide_export, decide_media
from tracker.domain.reading import Exported, Saved

saved = st.builds(
    Saved,
    media=st.sampled_from([recording(audio=a) for a in ("pending", "absent", "ready")]),
    gone=st.booleans(),
    old=st.booleans(),
)


def lived(stories: list[Saved]) -> list[tuple[str, int, dict[str, object]]]:
    """The events that a keeper would tell: type, version, change."""
    known: KnownMedia | None = None
    told: list[tuple[str, int, dict[str, object]]] = []
    for one in stories:
        changes = decide_media(known, one, second(0))
        media = changes.entity
        assert media is not None
        told += [(c.type, media.version, c.detail) for c in changes.changes]
        if changes.kept:
            known = KnownMedia(version=media.version, audio=media.audio, gone=one.gone)
        else:
            assert not changes.changes
    return told


def test_a_recording_is_announced_and_again_when_it_can_be_heard() -> None:
    """Its file comes after it; what is repeated is told once."""
    pending, ready = (Saved(media=recording(audio=a)) for a in ("pending", "ready"))
    assert lived([pending, pending, ready, ready]) == [
        ("media.available", 1, {"from": None, "to": "pending"}),
        ("media.available", 2, {"from": "pending", "to": "ready"}),
    ]


def test_audio_that_is_given_up_is_not_announced() -> None:
    """Nor is one that is gone for a while; what can be heard after all is."""
    pending, absent, ready = (
        Saved(media=recording(audio=audio)) for audio in ("pending", "absent", "ready")
    )
    assert lived([pending, absent, absent, ready, pending, ready]) == [
        ("media.available", 1, {"from": None, "to": "pending"}),
        ("media.available", 2, {"from": "pending", "to": "ready"}),
    ]
    gone = Saved(media=recording(audio="absent"), gone=True)
    assert lived([absent, gone]) == [
        ("media.available", 1, {"from": None, "to": "absent"}),
        ("media.deleted", 2, {"from": "absent", "to": None}),
    ]


def test_a_deletion_is_told_once_and_a_return_anew() -> None:
    """By whoever finds it first; the versions go on."""
    here, gone = (Saved(media=recording(), gone=gone) for gone in (False, True))
    assert lived([here, gone, gone, here]) == [
        ("media.available", 1, {"from": None, "to": "ready"}),
        ("media.deleted", 2, {"from": "ready", "to": None}),
        ("media.available", 3, {"from": None, "to": "ready"}),
    ]
    assert lived([gone]) == [("media.deleted", 1, {"from": "ready", "to": None})]


def test_what_was_there_before_is_told_nobody() -> None:
    """Also when it is told again as if it were new; its deletion is news."""
    media = recording()
    story = [Saved(media=media, old=True), Saved(media=media)]
    assert lived(story) == []
    assert lived([*story, Saved(media=media, gone=True)]) == [
        ("media.deleted", 2, {"from": "ready", "to": None})
    ]


@given(st.lists(saved, max_size=12))
def test_every_event_follows_from_the_one_before(stories: list[Saved]) -> None:
    """Versions rise; nothing is deleted twice, or available twice in the same way."""
    last = 0
    state: object = "untold"
    for kind, version, change in lived(stories):
        assert version > last
        last = version
        assert change["from"] != change["to"]
        if state != "untold" and not any(s.old for s in stories):
            assert change["from"] == state
        state = change["to"]
        assert (kind == "media.deleted") == (change["to"] is None)


def story_of(*exports: ExportSnapshot) -> list[tuple[str, int, object]]:
    """The events of an export that somebody asked for."""
    known: ExportSnapshot | None = None
    told: list[tuple[str, int, object]] = []
    for number, one in enumerate(exports):
        changes = decide_export(
            known, Exported(export=one, asked=not number), second(0)
        )
        assert changes.entity is not None
        told += [(c.type, changes.entity.version, c.detail) for c in changes.changes]
        known = changes.entity
    return told


def test_an_export_is_told_as_it_comes_on() -> None:
    """Each time that a file more is done; and how it ended."""
    assert story_of(
        export(), export(), export(done=3), export("completed", done=9)
    ) == [
        ("export.progressed", 1, {"from": None, "to": "running"}),
        ("export.progressed", 2, {"from": "running", "to": "running"}),
        ("export.completed", 3, {"from": "running", "to": "completed"}),
    ]
    for state in ("failed", "expired"):
        events = story_of(export(), export(state))
        assert events[-1] == ("export.failed", 2, {"from": "running", "to": state})


def test_an_export_keeps_what_was_asked_for() -> None:
    """The platform does not say it again."""
    query = MediaQuery(agent="1001")
    first = Exported(export=export(filters=query), asked=True)
    asked = decide_export(None, first, second(0)).entity
    later = decide_export(asked, Exported(export=export(done=1)), second(1)).entity
    assert later is not None
    assert later.filters == query


def test_an_export_that_was_never_shown_keeps_its_jobs() -> None:
    """Who gives it up does not know them."""
    first = Exported(export=export(), asked=True)
    asked = decide_export(None, first, second(0)).entity
    given_up = Exported(export=export("expired").but(jobs=()))
    expired = decide_export(asked, given_up, second(1)).entity
    assert expired is not None
    assert (expired.state, expired.jobs) == ("expired", export().jobs)


def test_an_export_that_nobody_asked_for_is_nothing() -> None:
    """A late look at one that is settled, say."""
    assert decide_export(None, Exported(export=export()), second(0)).entity is None
