"""The contract suite's rig does what its words say."""

from functools import partial
from pathlib import Path

import pytest

from tests.contract.observer import Observer, observing
from tests.contract.vonage_cc_rig import VonageCcRig, vonage_cc
from tracker.providers.vonage_cc.source import open_account


async def test_changes_are_shown_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though a poller sees only what lasts; and whatever befalls it passes."""
    async with (
        vonage_cc(tmp_path, monkeypatch) as rig,
        open_account(rig.settings) as account,
    ):
        rig.begin()
        async with observing(account.sources()[rig.source]) as observer:
            await observer.until_complete()
            await rig.until_quiet()
            rig.change()
            rig.change_again()
            states = ["recording", "paused", "recording"]
            await observer.until(lambda: observer.states(rig.key) == states)
            for befall in (rig.cut, rig.hang, rig.throttle, rig.garble, rig.lose_next):
                befall()
                asked, count = rig.requests, len(observer.readings)
                await rig.until_asked(asked + 1)
                await observer.until(partial(_has_more, observer, count))
            rig.say_again()
            assert observer.locked is None
            rig.say_nonsense()
            await observer.until(lambda: observer.states(rig.key)[-1] == "unknown")
            rig.refuse()
            await observer.until(lambda: observer.locked)
        _holds_no_secret(rig, str(observer.locked) + str(observer.failures))


def _has_more(observer: Observer, count: int) -> bool:
    return len(observer.readings) > count


def _holds_no_secret(rig: VonageCcRig, text: str) -> None:
    assert not any(secret in text for secret in rig.secrets)
