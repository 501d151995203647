"""Webhook endpoints: who is told of what, made, changed and removed."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from aiohttp import web

from tracker.outlets.endpoint import (
    MAX_ENDPOINTS,
    MAX_SECRETS,
    Disabled,
    Endpoint,
    Unreadable,
    new_endpoint_id,
    new_secret,
    parse_endpoint,
)
from tracker.outlets.http.body import (
    BODY_PROBLEMS,
    LOCATION,
    answer_headers,
    parse_body,
)
from tracker.outlets.http.endpoints import (
    ChangedEndpoint,
    EndpointPage,
    EndpointProblem,
    EndpointQuery,
    Rotation,
    WantedEndpoint,
    WebhookEndpoint,
    WebhookEndpointWithSecret,
)
from tracker.outlets.http.managing import (
    NEWER,
    ONE,
    PATH,
    SCOPE,
    Managing,
    snapshot_of,
    with_secret,
)
from tracker.outlets.http.operation import (
    Operation,
    json_answer,
    json_model,
)
from tracker.outlets.http.paging import page_of
from tracker.outlets.http.query import parse_query
from tracker.outlets.payload import (
    ProblemError,
    join_items,
)


async def post_endpoint(request: web.Request) -> web.Response:
    """Make an endpoint."""
    managing = Managing(request)
    wanted = await parse_body(WantedEndpoint, request, managing.vet)
    since = await managing.begin(wanted.since)
    endpoints = managing.webhooks.endpoints
    if len((await endpoints.known()).endpoints) >= MAX_ENDPOINTS:
        raise ProblemError(409, f"there are {MAX_ENDPOINTS} endpoints already")
    secret = new_secret()
    endpoint = Endpoint(
        **wanted.model_dump(exclude={"since", "filter"}),
        id=new_endpoint_id(),
        filter=wanted.filter,
        visible=managing.principal.visibility,
        created_by=managing.principal.subject,
        created_at=datetime.now(UTC),
        since=str(since),
        secrets=(secret,),
    )
    raw = endpoint.model_dump_json().encode()
    await endpoints.change(endpoint.id, lambda _: raw)
    managing.id = endpoint.id
    managing.audit("add", "done")
    location = answer_headers(f"{PATH}/{endpoint.id}")
    return await with_secret(managing, endpoint, secret, 201, location)


async def list_endpoints(request: web.Request) -> web.Response:
    """All endpoints that the caller may manage."""
    managing = Managing(request)
    wanted = parse_query(EndpointQuery, request.query)
    known = await managing.webhooks.endpoints.known()
    parsed = (parse_endpoint(*each) for each in sorted(known.endpoints.items()))
    found = [endpoint for endpoint in parsed if managing.may(endpoint)]
    page, following = page_of(request, found, wanted, lambda endpoint: endpoint.id)
    raws, problems = [], []
    for endpoint in page:
        if isinstance(endpoint, Unreadable):
            problem = EndpointProblem(endpoint=endpoint.id, detail=NEWER)
            problems.append(problem.model_dump())
        else:
            shown = await snapshot_of(managing, endpoint)
            raws.append(shown.model_dump_json().encode())
    return json_answer(join_items(raws, next=following, problems=problems))


async def get_endpoint(request: web.Request) -> web.Response:
    """One endpoint."""
    managing = Managing(request)
    return json_model(await snapshot_of(managing, await managing.endpoint()))


async def patch_endpoint(request: web.Request) -> web.Response:
    """Change an endpoint; its creator's own change goes by what they may see now."""
    managing = Managing(request)
    await managing.endpoint()
    wanted = await parse_body(ChangedEndpoint, request, managing.vet)
    changes = _changes(wanted)

    def into(endpoint: Endpoint) -> Endpoint:
        more: dict[str, Any] = dict(changes)
        if endpoint.created_by == managing.principal.subject:
            more["visible"] = managing.principal.visibility
        if wanted.state == "disabled" and endpoint.disabled is None:
            by, at = managing.principal.subject, datetime.now(UTC)
            more["disabled"] = Disabled(at=at, why="asked", by=by)
        elif wanted.state == "enabled":
            more["disabled"] = None
        return endpoint.changed(**more)

    endpoint = await managing.change(into)
    if wanted.state == "enabled":
        await managing.webhooks.endpoints.recovered(endpoint.id)
    managing.audit("change", "done")
    return json_model(await snapshot_of(managing, endpoint))


async def delete_endpoint(request: web.Request) -> web.Response:
    """Remove an endpoint, and what it is owed."""
    managing = Managing(request)
    await managing.remove()
    await managing.webhooks.endpoints.recovered(managing.id)
    managing.audit("delete", "done")
    return web.Response(status=204)


async def rotate_secret(request: web.Request) -> web.Response:
    """Give an endpoint a new secret; the old one signs for a while, too."""
    managing = Managing(request)
    await managing.endpoint()
    wanted = await parse_body(Rotation, request)
    secret, now = new_secret(), datetime.now(UTC)
    until = now + timedelta(seconds=wanted.overlap_s)

    def into(endpoint: Endpoint) -> Endpoint:
        old = [
            each if each.until and each.until < until else each.but(until=until)
            for each in endpoint.secrets
            if each.until is None or each.until > now
        ]
        kept = [each for each in old if each.until and each.until > now]
        return endpoint.changed(secrets=(secret, *kept)[:MAX_SECRETS])

    endpoint = await managing.change(into)
    managing.audit("rotate", "done")
    return await with_secret(managing, endpoint, secret)


def _changes(wanted: ChangedEndpoint) -> dict[str, Any]:
    """What is named, but the state."""
    names = wanted.model_fields_set - {"state"}
    return {name: getattr(wanted, name) for name in names}


OPERATIONS: Final = (
    Operation(
        PATH,
        list_endpoints,
        "Webhook endpoints",
        EndpointPage,
        query=EndpointQuery,
        problems=(400,),
        scope=SCOPE,
    ),
    Operation(
        PATH,
        post_endpoint,
        "Have events sent to an address",
        WebhookEndpointWithSecret,
        problems=(409, 410, *BODY_PROBLEMS),
        scope=SCOPE,
        method="POST",
        body=WantedEndpoint,
        statuses=(201,),
        tells=(LOCATION,),
    ),
    Operation(
        ONE,
        get_endpoint,
        "One webhook endpoint",
        WebhookEndpoint,
        problems=(404, 409),
        scope=SCOPE,
    ),
    Operation(
        ONE,
        patch_endpoint,
        "Change, disable or enable a webhook endpoint",
        WebhookEndpoint,
        problems=(404, 409, *BODY_PROBLEMS),
        scope=SCOPE,
        method="PATCH",
        body=ChangedEndpoint,
    ),
    Operation(
        ONE,
        delete_endpoint,
        "Remove a webhook endpoint",
        None,
        problems=(404,),
        scope=SCOPE,
        method="DELETE",
        statuses=(204,),
    ),
    Operation(
        f"{ONE}/rotate",
        rotate_secret,
        "Give a webhook endpoint a new secret",
        WebhookEndpointWithSecret,
        problems=(404, 409, *BODY_PROBLEMS),
        scope=SCOPE,
        method="POST",
        body=Rotation,
    ),
)
