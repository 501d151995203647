"""`tracker webhook`: endpoints, made and looked after, and their deliveries."""

from typing import Annotated, Final

import typer

from tracker.cli.ending import STOPPED, end_as
from tracker.cli.options import LOCAL, Token, Url
from tracker.cli.printing import (
    AsJson,
    Json,
    Limit,
    page_of,
    print_each,
    print_whole,
)
from tracker.cli.which import filter_of, instant
from tracker.client import Filter, RefusedError, Tracker, UnansweredError

Id = Annotated[str, typer.Argument(help="The endpoint's id.")]
Many = list[str] | None

_DISABLED: Final = {
    "gone": "it answered 410: it is gone",
    "failing": "it took nothing for days",
}

webhook = typer.Typer(help="Where events are sent to, and what became of them.")


def add_to(commands: typer.Typer) -> None:
    """Put this module's commands into *commands*."""
    commands.add_typer(webhook, name="webhook", no_args_is_help=True)


@webhook.command()
def add(  # noqa: PLR0913, PLR0917 its arguments are the command's options
    address: Annotated[str, typer.Argument(help="Where to send: https://…")],
    description: Annotated[str, typer.Option(help="For people.")] = "",
    type_: Annotated[
        Many, typer.Option("--type", help="Only events of this type; repeatable.")
    ] = None,
    provider: Annotated[Many, typer.Option(help="Likewise.")] = None,
    account: Annotated[Many, typer.Option(help="As provider/account.")] = None,
    team: Annotated[Many, typer.Option(help="Likewise.")] = None,
    agent: Annotated[Many, typer.Option(help="Likewise.")] = None,
    state: Annotated[Many, typer.Option(help="Of the recording.")] = None,
    rate: Annotated[
        float | None,
        typer.Option(help="Requests a second at most.", show_default="no limit"),
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="A cursor.", show_default="now")
    ] = None,
    url: Url = LOCAL,
    token: Token = None,
) -> None:
    """Have events sent to an address; prints its secret, which is not shown again."""
    wanted = filter_of(
        types=type_,
        providers=provider,
        accounts=account,
        teams=team,
        agents=agent,
        states=state,
    )

    async def ask() -> None:
        tracker = Tracker(url, token)
        added = await tracker.add_webhook(
            address, wanted, description=description, rate_per_s=rate, since=since
        )
        typer.echo(f"{added['id']}  {added['secret']}")
        for name in await _unheard_of(tracker, wanted):
            typer.echo(f"tracker: no account {name} has been heard of yet", err=True)

    end_as(ask(), url)


@webhook.command("list")
def list_(as_json: AsJson = False, url: Url = LOCAL, token: Token = None) -> None:
    """List endpoints, a line each."""
    found = Tracker(url, token).webhooks()
    end_as(print_each(found, line, as_json=as_json), url, STOPPED)


@webhook.command()
def show(id_: Id, url: Url = LOCAL, token: Token = None) -> None:
    """Print everything about an endpoint but its secret, as JSON."""

    async def ask() -> None:
        print_whole(await Tracker(url, token).webhook(id_))

    end_as(ask(), url, STOPPED)


@webhook.command()
def disable(id_: Id, url: Url = LOCAL, token: Token = None) -> None:
    """Send nothing to an endpoint until it is enabled; what it is owed waits."""
    _switch(id_, "disabled", url, token)


@webhook.command()
def enable(id_: Id, url: Url = LOCAL, token: Token = None) -> None:
    """Send to an endpoint again, what it is owed first."""
    _switch(id_, "enabled", url, token)


@webhook.command()
def delete(
    id_: Id,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    url: Url = LOCAL,
    token: Token = None,
) -> None:
    """Remove an endpoint, and what it is owed."""
    if not yes:
        typer.confirm(f"Remove {id_} and what it is owed?", abort=True)
    end_as(Tracker(url, token).delete_webhook(id_), url)


@webhook.command()
def rotate(
    id_: Id,
    overlap: Annotated[
        float | None,
        typer.Option(
            help="Seconds for which the old one counts.", show_default="a day"
        ),
    ] = None,
    url: Url = LOCAL,
    token: Token = None,
) -> None:
    """Print a new secret, which is not shown again."""

    async def ask() -> None:
        rotated = await Tracker(url, token).rotate_webhook(id_, overlap)
        typer.echo(f"{rotated['id']}  {rotated['secret']}")

    end_as(ask(), url)


@webhook.command("test")
def send_test(id_: Id, url: Url = LOCAL, token: Token = None) -> None:
    """Send an event that is none, and print its id."""

    async def ask() -> None:
        sent = await Tracker(url, token).test_webhook(id_)
        typer.echo(sent["event"])

    end_as(ask(), url)


@webhook.command()
def replay(
    id_: Id,
    since: Annotated[str | None, typer.Option(help="Behind this cursor; or")] = None,
    from_: Annotated[
        str | None, typer.Option("--from", help="from then on: 2026-11-21T09:00:00Z.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="Up to this cursor.", show_default="now")
    ] = None,
    url: Url = LOCAL,
    token: Token = None,
) -> None:
    """Deliver again what happened."""
    begin_at = instant("--from", from_)

    async def ask() -> None:
        asked = await Tracker(url, token).replay_webhook(
            id_, since=since, begin_at=begin_at, until=until
        )
        typer.echo(asked["id"])

    end_as(ask(), url)


@webhook.command()
def deliveries(  # noqa: PLR0913, PLR0917 its arguments are the command's options
    id_: Id,
    status: Annotated[
        str | None, typer.Option(help="owed, delivered, failed or dropped.")
    ] = None,
    event: Annotated[str | None, typer.Option(help="Of this event.")] = None,
    type_: Annotated[
        str | None, typer.Option("--type", help="Of events of this type.")
    ] = None,
    entity: Annotated[str | None, typer.Option(help="Of this key.")] = None,
    from_: Annotated[
        str | None, typer.Option("--from", help="Over, or owed, then or later.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="Over, or owed, then or earlier.")
    ] = None,
    limit: Limit = None,
    as_json: AsJson = False,
    url: Url = LOCAL,
    token: Token = None,
) -> None:
    """List what is owed, then what is over, newest first, a line each."""
    times = {"from": instant("--from", from_), "to": instant("--until", until)}
    given = {"status": status, "event": event, "type": type_, "entity": entity}
    wanted = {name: value for name, value in given.items() if value is not None}
    wanted |= {name: at.isoformat() for name, at in times.items() if at is not None}
    found = Tracker(url, token).deliveries(id_, wanted, page=page_of(limit))
    printing = print_each(found, delivery_line, as_json=as_json, limit=limit)
    end_as(printing, url, STOPPED)


@webhook.command()
def resend(
    id_: Id,
    event: Annotated[str, typer.Argument(help="The event's id.")],
    url: Url = LOCAL,
    token: Token = None,
) -> None:
    """Deliver an event once more, or at once when it is still owed."""

    async def ask() -> None:
        sent = await Tracker(url, token).resend(id_, event)
        typer.echo(sent["event"])

    end_as(ask(), url)


def line(endpoint: Json) -> str:
    """An endpoint in one line."""
    owed = f"{endpoint['owed']} owed"
    words = f"  {endpoint['description']}" if endpoint["description"] else ""
    state, reason = endpoint["state"], _reason(endpoint)
    why = f"  ({reason})" if reason else ""
    return f"{endpoint['id']}  {state:<8}  {owed:>12}  {endpoint['url']}{words}{why}"


def _reason(endpoint: Json) -> str:
    """Why it is disabled; else why what it has been owed longest has not arrived."""
    disabled, error = endpoint["disabled"], endpoint["oldest_owed_error"]
    if disabled is None:
        return f"the oldest: {error}" if error else ""
    return _DISABLED.get(disabled["why"], f"asked by {disabled['by']}")


def delivery_line(delivery: Json) -> str:
    """A delivery in one line."""
    at = delivery["settled_at"] or delivery["owed_at"]
    last = delivery["attempts"][-1] if delivery["attempts"] else {}
    why = delivery["problem"] or last.get("error") or ""
    tried = f"{delivery['attempted']} x"
    return (
        f"{at}  {delivery['status']:<9}  {tried:>4}  {delivery['type']:<26}"
        f"  {delivery['entity']}  {delivery['event']}  {why}"
    ).rstrip()


async def _unheard_of(tracker: Tracker, wanted: Filter) -> list[str]:
    """The accounts that are wanted and not there, as far as the token may know."""
    if not wanted.accounts:
        return []
    try:
        known = {account["key"] async for account in tracker.accounts()}
    except (RefusedError, UnansweredError):
        return []
    return sorted(wanted.accounts - known) if known else []


def _switch(id_: str, state: str, url: str, token: str | None) -> None:
    async def ask() -> None:
        changed = await Tracker(url, token).change_webhook(id_, state=state)
        typer.echo(line(changed))

    end_as(ask(), url)
