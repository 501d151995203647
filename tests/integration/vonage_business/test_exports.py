"""Exports: begun, followed, fetched."""

import hashlib
import zipfile
from io import BytesIO

import pytest

from tests.integration.vonage_business.site import Site, read, site
from tracker.domain.archive import MediaQuery
from tracker.errors import (
    CommandRefusedError,
    NotFoundError,
    ProviderUnavailableError,
)
from tracker.simulators.faults import FaultKind
from tracker.simulators.vonage_business import Job, VonageBusinessOptions


async def test_an_export_is_one_request_for_each_shelf() -> None:
    """Its zips hold what matches, and its key finds it again."""
    async with site() as at:
        made = [
            at.simulator.add_recording(user=user, extensions=("5",), size_bytes=100)
            for user in (None, "7", None)
        ]
        at.simulator.add_recording(extensions=("6",))
        begun = await at.archive.export(MediaQuery(agent="5"))
        assert (begun.state, len(begun.jobs)) == ("running", 3)
        done = await at.archive.export_job(begun.key)
        assert (done.key, done.state) == (begun.key, "completed")
        names: list[str] = []
        for job in done.jobs:
            async with at.archive.download(done.key, job.id) as stream:
                body = await read(stream)
            assert stream.file_name == f"{job.id}.zip"
            names += zipfile.ZipFile(BytesIO(body)).namelist()
        assert sorted(names) == sorted(it.file_name for it in made)
        with pytest.raises(CommandRefusedError, match="name one"):
            async with at.archive.download(done.key):
                pytest.fail("it opened")
        with pytest.raises(NotFoundError):
            async with at.archive.download(done.key, "another"):
                pytest.fail("it opened")


async def test_an_export_takes_no_more_than_was_asked_for() -> None:
    """Every filter is sent along."""
    query = {
        "kind": "company",
        "call": "c9",
        "caller_id": "17325550100",
        "cnam": "OFFICE",
        "dnis": "1",
        "direction": "inbound",
        "min_duration_ms": 1,
        "max_duration_ms": 60_000,
    }
    async with site() as at:
        made = at.simulator.add_recording(
            call_id="c9",
            caller_id="17325550100",
            cnam="OFFICE",
            dnis="1",
            call_direction="INBOUND",
            duration_ms=60_000,
        )
        at.simulator.fill(5)
        start = (await at.archive.recording(at.key(made))).started_at
        asked = MediaQuery.model_validate({**query, "from_at": start, "to_at": start})
        begun = await at.archive.export(asked)
        done = await at.archive.export_job(begun.key)
        assert [job.files_total for job in done.jobs] == [1]
        async with at.archive.download(done.key) as stream:
            digest = hashlib.sha256(await read(stream)).digest()
        async with at.archive.download(done.key, done.jobs[0].id) as stream:
            assert hashlib.sha256(await read(stream)).digest() == digest


async def test_jobs_go_on_fail_and_expire() -> None:
    """An export is as its jobs are together."""
    options = VonageBusinessOptions(job_file_s="never", files_per_job=2)
    async with site(options) as at:
        at.simulator.fill(4)
        begun = await at.archive.export(MediaQuery(kind="company"))
        one, two = (job.id for job in begun.jobs)

        async def state() -> str:
            return (await at.archive.export_job(begun.key)).state

        at.simulator.advance_job(one)
        assert (await at.archive.export_job(begun.key)).jobs[0].files_completed == 1
        with pytest.raises(CommandRefusedError, match="is running"):
            async with at.archive.download(begun.key, one):
                pytest.fail("it opened")
        at.simulator.complete_job(one)
        assert await state() == "running"
        at.simulator.complete_job(two)
        assert await state() == "completed"
        at.simulator.expire_job(one)
        assert await state() == "expired"
        with pytest.raises(NotFoundError, match="gone"):
            async with at.archive.download(begun.key, one):
                pytest.fail("it opened")


async def test_all_jobs_are_listed_once() -> None:
    """Whoever they are found under; a user who is not there hides none."""
    options = VonageBusinessOptions(users=("7",), job_file_s="never")
    async with site(options, users=("self", "745249", "7", "77")) as at:
        at.simulator.fill(1)
        company = MediaQuery(kind="company")
        begun = [await at.archive.export(company) for _ in range(120)]
        assert len((await at.archive.export(MediaQuery(kind="on_demand"))).jobs) == 3
        theirs = [job.id for job in _jobs(at, "7")]
        at.simulator.fail_job(theirs[0], "has errors")
        listed = await at.archive.export_jobs()
        ids = [job.id for it in listed for job in it.jobs]
        every = [job.id for user in ("745249", "7") for job in _jobs(at, user)]
        assert sorted(ids) == sorted(every)
        assert {job.id for it in begun for job in it.jobs} < set(ids)
        assert [it.state for it in listed].count("failed") == 1
        for shown in listed[-3:]:
            assert await at.archive.export_job(shown.key) == shown


def _jobs(at: Site, user: str) -> list[Job]:
    return at.simulator.site.jobs.all_of(user)


async def test_a_user_who_is_gone_keeps_nothing_from_being_exported() -> None:
    """Unless there is nothing else to export."""
    async with site(users=("77", "7")) as at:
        begun = await at.archive.export(MediaQuery())
        assert len(begun.jobs) == 2
        assert (await at.archive.export_job(begun.key)).key == begun.key
    async with site(users=("77",)) as at:
        with pytest.raises(NotFoundError):
            await at.archive.export(MediaQuery(kind="on_demand"))


async def test_an_export_that_breaks_off_says_what_has_begun() -> None:
    """So that it can be found, and the rest be asked for."""
    async with site() as at:
        at.fail(FaultKind.STATUS, "*/users/8/*", status=503, retry_after_s=7)
        with pytest.raises(ProviderUnavailableError) as caught:
            await at.archive.export(MediaQuery())
        assert caught.value.retry_after_s == 7
        key = str(caught.value).rpartition(" ")[2]
        assert len((await at.archive.export_job(key)).jobs) == 2


async def test_an_export_that_nothing_can_match_is_refused() -> None:
    """It would be empty for ever; and one that is unknown is not found."""
    async with site() as at:
        with pytest.raises(CommandRefusedError, match="no such recordings"):
            await at.archive.export(MediaQuery(kind="kazoo"))
        with pytest.raises(NotFoundError):
            await at.archive.export_job("vonage_business/549825/company%3Aabc")
