"""Deliveries to real receivers: what they get, in which order, and when again."""

import asyncio
import time

import pytest
from aiohttp import web
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from cloudevents.core.formats.json import JSONFormat
from standardwebhooks.webhooks import Webhook

from tests.integration.servers import until
from tests.integration.webhooks.receiver import Got, Receiver, ok, receiving
from tests.integration.webhooks.rig import CHANGED, SETTINGS, Rig
from tracker.fanout.filters import Filter, Visibility
from tracker.outlets.webhooks.schedule import LEAST

A, B, C = "genesys/acme/a", "genesys/acme/b", "genesys/other/c"


async def test_every_event_arrives_signed_and_in_order(
    rig: Rig, receiver: Receiver
) -> None:
    """As independent libraries see it: a Standard Webhook and a CloudEvent."""
    await rig.tell(A)
    endpoint = await rig.add(receiver.url)
    async with rig.dispatching():
        for _ in range(20):
            for call in (A, B, C):
                await rig.tell(call)
        await receiver.until(lambda: len(receiver.taken) == 60)
    assert receiver.versions(A) == list(range(2, 22))
    assert receiver.versions(B) == receiver.versions(C) == list(range(1, 21))
    webhook = Webhook(endpoint.secrets[0].value)
    for got in receiver.taken:
        webhook.verify(got.body, dict(got.headers))
        assert got.headers["content-type"] == "application/cloudevents+json"
        message = HTTPMessage(dict(got.headers), got.body)
        event = from_http_event(message, JSONFormat())
        assert event.get_id() == got.id
        assert event.get_subject() == got.entity
    assert len({got.id for got in receiver.taken}) == 60
    assert (await rig.deliveries.summary(endpoint.id)).succeeded == 60


async def test_who_fails_holds_back_only_itself(rig: Rig) -> None:
    """500 for one call: the others go on; it catches up in order."""
    failing = True

    def answer(got: Got) -> web.Response:
        return web.Response(status=500 if failing and got.entity == A else 200)

    async with receiving(answer) as receiver:
        endpoint = await rig.add(receiver.url)
        async with rig.dispatching():
            for _ in range(5):
                for call in (A, B, C):
                    await rig.tell(call)
            await receiver.until(lambda: len(receiver.taken) == 10)
            await rig.until_owed(endpoint, 5)
            assert [got.version for got in receiver.got if got.entity == A] == [1]
            failing = False
            rig.clock.run(speed=50)
            await receiver.until(lambda: len(receiver.taken) == 15)
        assert receiver.versions(A) == [1, 2, 3, 4, 5]
        [first] = [got for got in receiver.got if got.entity == A][:1]
        listed = await rig.listed(endpoint, owed=False)
        [delivery] = [one for one in listed if one.event == first.id]
        assert [attempt.status for attempt in delivery.attempts] == [500, 200]
        assert len({got.id for got in receiver.taken}) == 15


async def test_each_event_names_the_one_before_it(rig: Rig, receiver: Receiver) -> None:
    """Of its entity, at this endpoint: what its filter keeps back is no hole."""
    await rig.add(receiver.url, Filter(types=frozenset({"tracker.recording.paused"})))
    async with rig.dispatching():
        for kind in ("tracker.recording.paused", CHANGED) * 3:
            await rig.tell(A, 1, kind)
        await rig.tell(B, 1, "tracker.recording.paused", "tracker.call.changed")
        await receiver.until(lambda: len(receiver.taken) == 4)
    mine = [got for got in receiver.taken if got.entity == A]
    before = [got.headers.get("tracker-previous-id") for got in mine]
    assert before == [None, mine[0].id, mine[1].id]
    assert receiver.versions(A) == [1, 3, 5]


async def test_what_is_given_up_is_a_hole_that_shows(rig: Rig) -> None:
    """Past the bound of those it holds back: the next one names it."""

    def answer(got: Got) -> web.Response:
        return web.Response(status=500 if got.version == 1 else 200)

    settings = SETTINGS.model_copy(update={"max_held": 3})
    async with receiving(answer) as receiver:
        endpoint = await rig.add(receiver.url)
        await rig.tell(A, 5)
        async with rig.dispatching(settings):
            await receiver.until(lambda: len(receiver.taken) == 4)
            await rig.until_owed(endpoint, 0)
        assert receiver.versions(A) == [2, 3, 4, 5]
        lost = receiver.got[0].id
        assert receiver.taken[0].headers["tracker-previous-id"] == lost
        failed = (await rig.listed(endpoint, owed=False))[-1]
        assert (failed.event, failed.status) == (lost, "failed")
        assert failed.problem == "it held back others"
        name = "tracker_webhook_lost_total"
        assert rig.value(name, endpoint=endpoint.id, how="failed") == 1


async def test_attempts_end_and_say_so(rig: Rig) -> None:
    """Ten of them over days; what comes behind goes on."""

    def answer(got: Got) -> web.Response:
        text = "x" * 5000
        return web.Response(status=500 if got.version == 1 else 200, text=text)

    async with receiving(answer) as receiver:
        endpoint = await rig.add(receiver.url)
        await rig.tell(A, 2)
        rig.clock.run(speed=200_000)
        async with rig.dispatching():
            await receiver.until(lambda: len(receiver.taken) == 1)
            await rig.until_owed(endpoint, 0)
        done, failed = await rig.listed(endpoint, owed=False)
        assert (done.status, failed.status) == ("delivered", "failed")
        assert failed.attempted == len(failed.attempts) == 10
        assert {len(attempt.answer) for attempt in failed.attempts} == {1024}
        begun = [attempt.at for attempt in failed.attempts]
        assert (begun[-1] - begun[0]).total_seconds() >= 76 * 3600 - 60


async def test_a_breaker_spends_no_attempt(rig: Rig) -> None:
    """While it is open, one probe now and then is all; then everything arrives."""
    down = True

    def answer(_: Got) -> web.Response:
        return web.Response(status=503 if down else 200)

    calls = [f"genesys/acme/c{number}" for number in range(40)]
    settings = SETTINGS.model_copy(update={"concurrency": 4})
    async with receiving(answer) as receiver:
        endpoint = await rig.add(receiver.url)
        for call in calls:
            await rig.tell(call, 2)
        async with rig.dispatching(settings):
            name = "tracker_webhook_breaker_open"
            await until(lambda: rig.value(name, endpoint=endpoint.id) > 0)
            tried = len(receiver.got)
            assert LEAST <= tried <= LEAST + 4
            rig.clock.run(speed=2000)
            await receiver.until(lambda: len(receiver.got) >= tried + 8)
            owed = await rig.listed(endpoint, owed=True)
            assert sum(one.attempted for one in owed) >= tried + 7
            down = False
            await receiver.until(lambda: len(receiver.taken) == 80)
            assert len(receiver.got) < 80 + tried + 30
        assert all(receiver.versions(call) == [1, 2] for call in calls)


async def test_gone_disables_and_nothing_is_lost(rig: Rig) -> None:
    """410: no more is sent, until somebody enables it."""
    gone = True

    def answer(_: Got) -> web.Response:
        return web.Response(status=410 if gone else 200)

    async with receiving(answer) as receiver:
        endpoint = await rig.add(receiver.url)
        async with rig.dispatching():
            await rig.tell(A)
            await receiver.until(lambda: receiver.got)
            assert (await rig.until_disabled(endpoint)).why == "gone"
            await rig.tell(A)
            await rig.until_owed(endpoint, 2)
            assert len(receiver.got) == 1
            gone = False
            await rig.put((await rig.get(endpoint)).changed(disabled=None))
            await receiver.until(lambda: len(receiver.taken) == 2)
        assert receiver.versions(A) == [1, 2]


async def test_days_of_failure_disable(rig: Rig) -> None:
    """Five of them without a success."""
    async with receiving(lambda _: web.Response(status=500)) as receiver:
        endpoint = await rig.add(receiver.url)
        settings = SETTINGS.model_copy(update={"owed_for_s": 30 * 86_400})
        await rig.tell(A)
        async with rig.dispatching(settings):
            rig.clock.run(speed=200_000)
            for number in range(20):
                await rig.tell(f"genesys/acme/{number}")
            disabled = await rig.until_disabled(endpoint)
        assert disabled.why == "failing"
        [first] = [
            one for one in await rig.listed(endpoint, owed=True) if one.entity == A
        ]
        assert (disabled.at - first.owed_at).total_seconds() >= 5 * 86_400


async def test_retry_after_stops_the_whole_endpoint(rig: Rig) -> None:
    """429: nothing of any call is sent before that."""
    busy = True

    def answer(_: Got) -> web.Response:
        headers = {"Retry-After": "600"}
        return web.Response(status=429, headers=headers) if busy else web.Response()

    async with receiving(answer) as receiver:
        settings = SETTINGS.model_copy(update={"concurrency": 1})
        endpoint = await rig.add(receiver.url)
        await rig.tell(A, 3)
        await rig.tell(B, 3)
        async with rig.dispatching(settings):
            await receiver.until(lambda: receiver.got)
            busy = False
            await rig.until_owed(endpoint, 6)
            stopped_s = rig.clock.now_s()
            rig.clock.run(speed=1000)
            await receiver.until(lambda: len(receiver.taken) == 6)
            assert rig.clock.now_s() - stopped_s > 500
        assert len(receiver.got) == 7


async def test_a_rate_is_kept_to(rig: Rig, receiver: Receiver) -> None:
    """So many a second, whatever is owed."""
    await rig.add(receiver.url, rate_per_s=20)
    calls = [f"genesys/acme/c{number}" for number in range(30)]
    for call in calls:
        await rig.tell(call)
    begin_s = time.monotonic()
    async with rig.dispatching():
        await receiver.until(lambda: len(receiver.taken) == 30)
    assert time.monotonic() - begin_s > 0.4  # a second's worth may come at once


async def test_two_secrets_sign_until_the_old_one_is_over(
    rig: Rig, receiver: Receiver
) -> None:
    """A receiver has a day to learn the new one."""
    endpoint = await rig.add(receiver.url)
    [old] = endpoint.secrets
    until = endpoint.created_at.replace(year=endpoint.created_at.year + 1)
    [new] = (await rig.add(receiver.url, disabled=None)).secrets
    both = endpoint.changed(secrets=(new, old.but(until=until)))
    await rig.put(both)
    verify = {each.value: Webhook(each.value) for each in (old, new)}
    async with rig.dispatching():
        await rig.tell(A)
        await receiver.until(lambda: len(receiver.taken) == 2)
    signed = [g for g in receiver.taken if " " in g.headers["webhook-signature"]]
    for webhook in verify.values():
        webhook.verify(signed[0].body, dict(signed[0].headers))


async def test_nobody_is_told_what_their_creator_may_not_see(
    rig: Rig, receiver: Receiver
) -> None:
    """The filter is within what was allowed when it was made."""
    allowed = Visibility(accounts=frozenset({"genesys/other"}))
    await rig.add(receiver.url, Filter(), allowed)
    async with rig.dispatching():
        await rig.tell(A)
        await rig.tell(C)
        await receiver.until(lambda: receiver.taken)
        await rig.tell(A)
        await rig.tell(C)
        await receiver.until(lambda: len(receiver.taken) == 2)
    assert {got.entity for got in receiver.got} == {C}


async def test_an_endpoint_begins_where_it_says(rig: Rig, receiver: Receiver) -> None:
    """Behind its cursor, although its dispatcher is far beyond it, or far behind."""
    await rig.tell(A, 3)
    since = await rig.cursor()
    await rig.tell(A, 3)
    async with rig.dispatching():
        await rig.add(receiver.url, since=since)
        await rig.tell(A, 3)
        await receiver.until(lambda: len(receiver.taken) == 6)
    assert receiver.versions(A) == [4, 5, 6, 7, 8, 9]
    await rig.tell(B, 2)
    await rig.add(receiver.url)
    await rig.tell(B, 1)
    async with rig.dispatching():
        await receiver.until(lambda: len(receiver.taken) == 6 + 3 + 1)
    assert sorted(receiver.versions(B)) == [1, 2, 3, 3]


async def test_a_slow_receiver_is_cut_off(rig: Rig) -> None:
    """After the time limit, and tried again."""
    held = asyncio.Event()

    async def answer(got: Got) -> web.Response:
        if len(receiver.got) == 1:
            await held.wait()
        return ok(got)

    async with receiving(answer) as receiver:
        settings = SETTINGS.model_copy(update={"timeout_s": 0.2})
        endpoint = await rig.add(receiver.url)
        await rig.tell(A)
        async with rig.dispatching(settings):
            await receiver.until(lambda: receiver.got)
            await asyncio.sleep(0.3)
            rig.clock.run(speed=50)
            await receiver.until(lambda: len(receiver.got) == 2)
            held.set()
            await rig.until_owed(endpoint, 0)
        [delivery] = await rig.listed(endpoint, owed=False)
        assert delivery.attempts[0].error == "no answer in time"


@pytest.mark.parametrize(
    ("status", "headers", "why"),
    [
        (302, {"Location": "http://127.0.0.1:1/"}, "redirects are not followed"),
        (200, {"X-Long": "x" * 20_000}, "no answer that can be read"),
        (404, {}, "HTTP 404"),
    ],
)
async def test_what_is_no_good_answer_is_a_failure(
    rig: Rig, status: int, headers: dict[str, str], why: str
) -> None:
    """Nothing is followed, and nothing endless is read."""

    def answer(_: Got) -> web.Response:
        return web.Response(status=status, headers=headers)

    async with receiving(answer) as receiver:
        endpoint = await rig.add(receiver.url)
        await rig.tell(A)
        async with rig.dispatching():
            name = "tracker_webhook_attempts_total"
            labels = {"endpoint": endpoint.id, "outcome": "failed"}
            await until(lambda: rig.value(name, **labels) > 0)
        [delivery] = await rig.listed(endpoint, owed=True)
        assert why in str(delivery.attempts[0].error)
        assert len(receiver.got) == 1


async def test_what_is_too_much_is_dropped_and_counted(rig: Rig) -> None:
    """The oldest first; the bound can be seen beside it."""
    settings = SETTINGS.model_copy(update={"max_owed": 20})
    async with receiving(lambda _: web.Response(status=500)) as receiver:
        endpoint = await rig.add(receiver.url)
        await rig.tell(A, 50)
        async with rig.dispatching(settings):
            name = "tracker_webhook_lost_total"
            labels = {"endpoint": endpoint.id, "how": "dropped"}
            await until(lambda: rig.value(name, **labels) == 40)
            await rig.until_owed(endpoint, 10)
        listed = await rig.listed(endpoint, owed=False)
        assert len(listed) == 40
        assert {one.problem for one in listed} == {"too many were owed"}
        left = await rig.listed(endpoint, owed=True)
        assert len(left) == 10
        assert rig.value("tracker_webhook_owed_limit") == 20
