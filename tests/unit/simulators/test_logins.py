"""Who a request is from, and how often it comes."""

from aiohttp import encode_basic_auth

from tracker.simulators.genesys import GenesysSimulator, SimulatorOptions
from tracker.simulators.genesys.counters import RequestCounters
from tracker.simulators.genesys.logins import Login, Logins
from tracker.simulators.genesys.model import Agent

ONE, TWO = GenesysSimulator(SimulatorOptions(agents=2)).agents


def basic(agent: Agent) -> str:
    return encode_basic_auth(agent.username, agent.password)


def cookie(login: Login | None) -> str:
    assert login is not None
    return f"other=1; JSESSIONID={login.session_id}"


def test_credentials_open_a_session_that_its_cookie_names() -> None:
    """With or without the credentials."""
    logins = Logins([ONE, TWO])
    login = logins.find(basic(ONE), None)
    assert login
    assert login.agent is ONE
    assert logins.find(None, cookie(login)) is login
    assert logins.find(basic(ONE), cookie(login)) is login


def test_credentials_go_before_a_cookie() -> None:
    """Another agent's cookie gives nobody's calls away."""
    logins = Logins([ONE, TWO])
    login = logins.find(basic(TWO), cookie(logins.find(basic(ONE), None)))
    assert login
    assert login.agent is TWO


def test_nobody_gets_in_without() -> None:
    """No headers, wrong credentials, a made-up cookie, an expired one."""
    logins = Logins([ONE, TWO])
    login = logins.find(basic(ONE), None)
    assert logins.find(None, None) is None
    assert logins.find(encode_basic_auth("login-0001", "guess"), cookie(login)) is None
    assert logins.find(None, "JSESSIONID=made-up") is None
    logins.expire(TWO.id)
    assert logins.find(None, cookie(login))
    logins.expire(ONE.id)
    assert logins.find(None, cookie(login)) is None


def test_sessions_of_clients_without_cookies_do_not_pile_up() -> None:
    """The newest sixteen of an agent stand."""
    logins = Logins([ONE])
    first = logins.find(basic(ONE), None)
    later = [logins.find(basic(ONE), None) for _ in range(16)]
    assert logins.find(None, cookie(first)) is None
    assert [logins.find(None, cookie(login)) for login in later] == later


def test_a_rotated_token_is_another() -> None:
    """The session stays."""
    logins = Logins([ONE])
    login = logins.find(basic(ONE), None)
    assert login
    before = login.csrf_token
    logins.rotate_csrf()
    assert login.csrf_token != before


def test_peaks_are_of_any_second() -> None:
    """Not of the clock's full seconds; per agent, of the busiest, in total."""
    times_s = iter([0.0, 0.6, 0.9, 1.5, 1.55, 9.0])
    counters = RequestCounters(lambda: next(times_s))
    for agent in ("a", "a", "b", "a", None, "a"):
        counters.note(agent)
    assert counters.peak_per_s() == 4
    assert counters.peak_per_s("a") == 2
    assert counters.busiest_agent_per_s() == 2
    assert (counters.total, counters.per_agent["a"], counters.per_agent[""]) == (
        6,
        4,
        1,
    )
    counters.reset()
    assert counters.peak_per_s() == 0
