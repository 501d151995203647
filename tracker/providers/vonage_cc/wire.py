"""What Vonage Contact Center sends, in its own words.

Fields that are missing, null, new or of another type are let pass. An answer that is
no JSON object, or has nothing of what it should be, is `Garbled`.
"""

from typing import Annotated, Final, TypeVar

from pydantic import (
    AliasPath,
    BeforeValidator,
    Field,
    ValidationError,
)
from pydantic_core import from_json

from tracker.providers.wire import (
    Garbled,
    Number,
    Seconds,
    Shape,
    Text,
    outline,
    parse_object,
)

DEFAULT_LIFETIME_S: Final = 7200.0
"""Of a token whose answer does not say; the documents: always this."""

_NOBODY: Final = "00000000-0000-0000-0000-000000000000"
_LONGEST_MESSAGE: Final = 200


def _call_of(guid: object) -> str | None:
    return guid if isinstance(guid, str) and guid not in ("", _NOBODY) else None


def _current_call(links: object) -> str | None:
    """Out of the link ``{"rel": "currentCall", "href": "…/Calls/{guid}"}``."""
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and link.get("rel") == "currentCall":
            return _call_of(str(link.get("href", "")).rstrip("/").rsplit("/", 1)[-1])
    return None


class CallDetail(Shape):
    """A call, live or over.

    Attributes:
        status: In words; no list of them is documented.
        recording_status: Started, Paused or null.
        result: Of a call that is over, whatever it holds.
    """

    id: Text = None
    from_number: Text = Field(
        default=None, validation_alias=AliasPath("from", "telephoneNumber")
    )
    from_agent: Text = Field(
        default=None, validation_alias=AliasPath("from", "agentId")
    )
    to_number: Text = Field(
        default=None, validation_alias=AliasPath("to", "telephoneNumber")
    )
    status: Text = None
    recording_status: Text = None
    result: object = None

    @property
    def is_over(self) -> bool:
        """It has ended, or never came about."""
        return self.result is not None


class AgentDetail(Shape):
    """An agent, as far as calls go.

    Attributes:
        call: GUID of the current or the previous call; None = there never was one.
    """

    call: Annotated[str | None, BeforeValidator(_call_of)] = Field(
        default=None, validation_alias="currentCallGuid"
    )
    linked_call: Annotated[str | None, BeforeValidator(_current_call)] = Field(
        default=None, validation_alias="links"
    )

    @property
    def current_call(self) -> str | None:
        """Out of either field."""
        return self.call or self.linked_call


class AgentCount(Shape):
    """How many agents match."""

    count: Number = None


class Token(Shape):
    """An access token, which is a secret.

    Attributes:
        expires_in: Seconds of its whole life.
    """

    access_token: str = Field(min_length=1, repr=False, alias="access_token")
    expires_in: Seconds = Field(default=None, alias="expires_in")

    @property
    def lifetime_s(self) -> float:
        """Of the token."""
        return self.expires_in or DEFAULT_LIFETIME_S


S = TypeVar("S", bound=Shape)


def parse_call(body: bytes) -> CallDetail | Garbled:
    """Read the answer to ``GET calls/{guid}``."""
    return _parse(CallDetail, body, "call", {"id", "status", "recordingStatus"})


def parse_agent(body: bytes) -> AgentDetail | Garbled:
    """Read the answer to ``GET agents/{id}``."""
    return _parse(AgentDetail, body, "agent", {"id", "links", "currentCallGuid"})


def parse_count(body: bytes) -> AgentCount | Garbled:
    """Read the answer to ``GET agents/?…&fields=count``."""
    return _parse(AgentCount, body, "agents", {"count", "agents"})


def parse_token(body: bytes) -> Token | Garbled:
    """Read the token endpoint's answer."""
    return _parse(Token, body, "token", {"access_token"})


def parse_message(body: bytes) -> str | None:
    """Read why a request was refused; None when it is not said."""
    message = parse_object(body).get("message")
    if not isinstance(message, str):
        return None
    return message.strip()[:_LONGEST_MESSAGE] or None


def _parse(kind: type[S], body: bytes, what: str, any_of: set[str]) -> S | Garbled:
    try:
        answer = from_json(body)
    except ValueError:
        return Garbled(what, f"no JSON in {len(body)} bytes")
    if not isinstance(answer, dict) or not any_of & answer.keys():
        return Garbled(what, outline(answer))
    try:
        return kind.model_validate(answer)
    except ValidationError:
        return Garbled(what, outline(answer))
