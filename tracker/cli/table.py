"""The live table of `tracker watch`: pure, from what is known to what is drawn."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from tracker.client import LiveCalls

STYLES: Final = {
    "recording": "bold red",
    "paused": "yellow",
    "stopped": "white",
    "unknown": "magenta",
}
GREY: Final = "bright_black"
NAMED: Final = 3
"""Sources or accounts that are not well; the others are only counted."""

SHOWN: Final = 8
"""Characters of a call's id."""

Json = Mapping[str, Any]


def draw(live: LiveCalls, server: str, rows: int) -> RenderableType:
    """Everything that is known, grey and unknown when it may be out of date.

    Args:
        live: The map.
        server: Its address.
        rows: How many calls there is room for.
    """
    calls = sorted(live.calls.values(), key=_order)
    parts: list[RenderableType] = [_banner(live, server), _table(live, calls[:rows])]
    if len(calls) > rows:
        parts.append(Text(f"… and {len(calls) - rows} more calls", GREY))
    parts += [_health("sources", live.sources), _health("accounts", live.accounts)]
    return Group(*parts)


def age(since: str, now: datetime) -> str:
    """How long ago *since* is, as a person reads it; never negative."""
    seconds = int((now - datetime.fromisoformat(since)) / timedelta(seconds=1))
    minutes, seconds = divmod(max(0, seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _banner(live: LiveCalls, server: str) -> Text:
    if live.current:
        return Text(f"{server}  {len(live.calls)} live calls", "bold")
    why = live.reason or "the server is not up to date"
    return Text(
        f"NOT LIVE  {server}: {why}; every state is unknown", "bold red reverse"
    )


def _table(live: LiveCalls, calls: Iterable[Json]) -> Table:
    table = Table(expand=True, style="" if live.current else GREY)
    table.add_column("call", no_wrap=True)
    table.add_column("agents", overflow="ellipsis", no_wrap=True, ratio=1)
    table.add_column("state", no_wrap=True, min_width=9)
    table.add_column("for", justify="right", no_wrap=True, min_width=5)
    table.add_column("command", no_wrap=True)
    table.add_column("issues", min_width=13)
    for call in calls:
        table.add_row(*_row(call, live), style=None if live.current else GREY)
    return table


def _row(call: Json, live: LiveCalls) -> tuple[str | Text, ...]:
    recording = call["recording"]
    if live.current:
        state = Text(recording["state"], STYLES[recording["state"]])
        if recording["state"] == "unknown" and recording["last_known"]:
            state.append(f" (was {recording['last_known']})", GREY)
        lasts = age(recording["since"], live.now())
    else:
        state, lasts = Text(f"unknown (was {recording['state']})"), ""
    issues = ", ".join(issue["type"] for issue in call["issues"])
    asked = Text(_command(call), "cyan")
    return _name(call), escape(_agents(call)), state, lasts, asked, Text(issues, "red")


def _name(call: Json) -> str:
    """The account's key and the end of the call's id: enough to tell calls apart."""
    call_id = call["call_id"]
    shown = call_id if len(call_id) <= SHOWN else f"…{call_id[-SHOWN:]}"
    return escape(f"{call['provider']}/{call['account']} {shown}")


def _command(call: Json) -> str:
    """The open command and how far it has come."""
    command = call["command"]
    if not command or command["settled_at"]:
        return ""
    return f"{command['action']} {command['stage']}"


def _agents(call: Json) -> str:
    present = [p for p in call["call"]["parties"] if p["agent"] and not p["left_at"]]
    return ", ".join(party["agent"] for party in present)


def _order(call: Json) -> tuple[bool, str]:
    """Calls with issues first; else by key, so that rows stay where they are."""
    return not call["issues"], call["key"]


def _health(what: str, known: Mapping[str, Json]) -> Text:
    """How many are in each state, and the first that are not well."""
    ill = [item for item in known.values() if item["state"] != "up"]
    text = Text(f"{what}: {len(known) - len(ill)} up", "green" if not ill else "")
    for item in sorted(ill, key=lambda item: str(item["key"]))[:NAMED]:
        reason = f" ({item['last_error']})" if item["last_error"] else ""
        text.append(f"  {item['key']} {item['state']}{reason}", "red")
    if len(ill) > NAMED:
        text.append(f"  … and {len(ill) - NAMED} more", "red")
    return text
