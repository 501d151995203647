import json
from datetime import UTC, datetime

import pytest

from tests.unit.providers.vonage_business.captures import capture, changed
from tracker.providers.vonage_business.wire import (
    DEFAULT_LIFETIME_S,
    Job,
    Listed,
    ListedJobs,
    Recording,
    Token,
    parse_job,
    parse_job_ids,
    parse_jobs,
    parse_message,
    parse_recording,
    parse_recordings,
    parse_token,
)
from tracker.providers.wire import Garbled, parse_oauth_error

NEW_YEAR = datetime(2019, 1, 1, tzinfo=UTC)
JOB = "afa725fb-d418-4eaf-b3f9-0e66396fafdc"


def recording(**fields: object) -> Recording:
    read = parse_recording(changed("company-recording", **fields))
    assert isinstance(read, Recording)
    return read


@pytest.mark.parametrize("name", ["company-recording", "on-demand-recording"])
def test_a_captured_recording_is_read(name: str) -> None:
    """Numbers as texts; and rules that are empty objects are none."""
    read = parse_recording(capture(name))
    assert isinstance(read, Recording)
    assert (read.id, read.caller_id, read.extensions) == (
        "193228",
        "17325550100",
        ("999",),
    )
    assert (read.start, read.end, read.duration) == (NEW_YEAR, NEW_YEAR, 60_000)
    rules = ("1989", "2012", "449") if name == "company-recording" else ()
    assert read.rule_ids == rules
    assert read.download_url is not None
    assert read.download_url.endswith("/audio/recording/193228")


@pytest.mark.parametrize("name", ["company-recordings", "on-demand-recordings"])
def test_a_captured_page_is_read(name: str) -> None:
    """Its links are not."""
    page = parse_recordings(capture(name))
    assert isinstance(page, Listed)
    assert page.items == [parse_recording(capture("company-recording"))]
    assert (page.counts.page_size, page.counts.total_items) == (1, 1)
    assert page.counts.total_pages == 1


def test_captured_jobs_are_read() -> None:
    """One, and a page of them."""
    job, page = parse_job(capture("job")), parse_jobs(capture("jobs"))
    assert isinstance(job, Job)
    assert isinstance(page, ListedJobs)
    assert page.items == [job]
    assert (job.id, job.status, job.valid_until) == (JOB, "complete", NEW_YEAR)
    assert (job.files_completed, job.files_total) == (1, 10)


@pytest.mark.parametrize("name", ["company-exported", "on-demand-exported"])
def test_a_captured_answer_to_an_export_is_read(name: str) -> None:
    """It names the jobs."""
    assert parse_job_ids(capture(name)) == (JOB,)


def test_a_captured_token_is_read() -> None:
    """And is not shown."""
    token = parse_token(capture("token"))
    assert isinstance(token, Token)
    assert (token.access_token, token.lifetime_s) == ("xyz", 82_566)
    assert token.refresh_token is not None
    assert token.refresh_token not in repr(token)
    assert "xyz" not in repr(token)


@pytest.mark.parametrize("lifetime", [0, -1, None, "soon", 1e400, [], True])
def test_a_lifetime_that_is_none_is_the_documented_one(lifetime: object) -> None:
    """Unless a number can be meant by it."""
    token = parse_token(changed("token", expires_in=lifetime))
    assert isinstance(token, Token)
    expected = 1.0 if lifetime is True else DEFAULT_LIFETIME_S
    assert token.lifetime_s == expected


@pytest.mark.parametrize(
    ("fields", "name", "read"),
    [
        ({"caller_id": "17325550100"}, "caller_id", "17325550100"),
        ({"caller_id": None}, "caller_id", None),
        ({"caller_id": {}}, "caller_id", None),
        ({"caller_id": True}, "caller_id", None),
        ({"cnam": " "}, "cnam", None),
        ({"id": "abc"}, "id", "abc"),
        ({"extensions": ["999", 7, None, ""]}, "extensions", ("999", "7")),
        ({"extensions": 999}, "extensions", ("999",)),
        ({"extensions": None}, "extensions", ()),
        ({"duration": -1}, "duration", None),
        ({"duration": "60000"}, "duration", 60_000),
        ({"duration": 10**18}, "duration", None),
        ({"end": "9999-12-31T23:59:59Z"}, "end", None),
        ({"end": "2019-01-01T01:00:00+0100"}, "end", NEW_YEAR),
        ({"end": "2019-01-01T00:00:00.000Z"}, "end", NEW_YEAR),
        ({"end": "2019-01-01T00:00:00"}, "end", NEW_YEAR),
        ({"end": "yesterday"}, "end", None),
        ({"end": 1546300800}, "end", None),
        ({"end": "0001-01-01T00:00:00+2300"}, "end", None),
        ({"download_url": 7}, "download_url", "7"),
    ],
)
def test_fields_may_be_of_another_type(
    fields: dict[str, object], name: str, read: object
) -> None:
    """Or missing, or null."""
    assert getattr(recording(**fields), name) == read


@pytest.mark.parametrize(
    "fields",
    [
        {"id": None},
        {"id": ""},
        {"id": 1.5},
        {"start": None},
        {"start": "x"},
        {"start": "0001-01-01T00:00:00Z"},
        {"start": "9999-12-31T23:59:59Z"},
    ],
)
def test_a_recording_needs_an_id_and_a_start(fields: dict[str, object]) -> None:
    """Without, it could neither be found again nor put in order."""
    garbled = parse_recording(changed("company-recording", **fields))
    assert isinstance(garbled, Garbled)
    assert "17325550100" not in garbled.shape


def test_one_that_is_garbled_does_not_spoil_the_page() -> None:
    """The others are read."""
    good = json.loads(capture("company-recording"))
    embedded = {"recordings": [good, {"id": 1}, "x", None]}
    page = parse_recordings(changed("company-recordings", _embedded=embedded))
    assert isinstance(page, Listed)
    assert ([it.id for it in page.items], len(page.garbled)) == (["193228"], 3)


@pytest.mark.parametrize("empty", [{}, {"recordings": []}, {"recordings": None}])
def test_a_page_may_be_empty(empty: object) -> None:
    """In any of these ways."""
    page = parse_recordings(changed("company-recordings", _embedded=empty))
    assert isinstance(page, Listed)
    assert page.items == []


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b"{}", b'{"a":1}'])
def test_garbage_is_a_value(body: bytes) -> None:
    """Whatever should have been there."""
    for parse in (
        parse_recording,
        parse_recordings,
        parse_job,
        parse_jobs,
        parse_job_ids,
        parse_token,
    ):
        assert isinstance(parse(body), Garbled)
    assert parse_message(body) is None
    assert parse_oauth_error(body) is None


def test_refusals_are_read() -> None:
    """In the words of several APIs; and only known ones of the token's."""
    assert parse_message(b'{"code":401,"message":"No"}') == "No"
    assert parse_message(b'{"msg":"No","status":400}') == "No"
    assert len(parse_message(b'{"title":"%s"}' % (b"x" * 999)) or "") == 200
    assert parse_oauth_error(b'{"error":"invalid_grant"}') == "invalid_grant"
    assert parse_oauth_error(b'{"error":"secret words"}') is None
