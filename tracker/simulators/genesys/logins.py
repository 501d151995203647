"""Who a request is from: Basic credentials, JSESSIONID, CSRF token."""

import re
import secrets
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import encode_basic_auth

from tracker.simulators.genesys.model import Agent

SESSION_COOKIE = "JSESSIONID"
CSRF_HEADER = "X-CSRF-TOKEN"

_MOST_PER_AGENT = 16
_COOKIE = re.compile(rf"(?:^|;\s*){SESSION_COOKIE}=([^;]+)")


@dataclass(slots=True, eq=False)
class Login:
    """An HTTP session of an agent."""

    agent: Agent
    session_id: str
    csrf_token: str


class Logins:
    """Every agent's HTTP sessions; an agent's seventeenth ends the first.

    Args:
        agents: Who may log in.
    """

    def __init__(self, agents: Iterable[Agent]) -> None:
        self._by_credentials = {_basic(agent): agent for agent in agents}
        self._sessions: dict[str, Login] = {}
        self._of_agent: dict[str, deque[Login]] = {}

    def find(self, authorization: str | None, cookies: str | None) -> Login | None:
        """The session that a request's headers name, made when they only log in.

        Credentials go before a cookie: those of another agent get a new session.

        Returns:
            None when the headers name nobody, or credentials are wrong.
        """
        found = _COOKIE.search(cookies) if cookies else None
        login = self._sessions.get(found[1]) if found else None
        if authorization is None:
            return login
        agent = self._by_credentials.get(authorization)
        if agent is None or (login and login.agent is agent):
            return login if agent else None
        return self._open(agent)

    def expire(self, agent_id: str | None = None) -> None:
        """End the sessions of one agent or of all; their cookies are worthless."""
        for session_id, login in list(self._sessions.items()):
            if agent_id in (None, login.agent.id):
                del self._sessions[session_id]

    def rotate_csrf(self) -> None:
        """Every session's CSRF token is another from now on."""
        for login in self._sessions.values():
            login.csrf_token = secrets.token_hex(16)

    def _open(self, agent: Agent) -> Login:
        login = Login(agent, secrets.token_hex(16).upper(), secrets.token_hex(16))
        opened = self._of_agent.setdefault(agent.id, deque())
        opened.append(login)
        if len(opened) > _MOST_PER_AGENT:
            self._sessions.pop(opened.popleft().session_id, None)
        self._sessions[login.session_id] = login
        return login


def _basic(agent: Agent) -> str:
    return encode_basic_auth(agent.username, agent.password)
