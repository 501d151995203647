"""One tree of settings: what wins, and what is said when it is wrong."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from tracker.domain.changes import Policy
from tracker.domain.placement import ROLES
from tracker.errors import ConfigError
from tracker.providers.genesys.settings import agents_of
from tracker.settings import Settings, load, with_roles

DEPLOY = Path(__file__).parents[2] / "deploy"
ACCOUNT = '[[genesys]]\naccount = "acme"\nbase_url = "https://gws.example"\n'


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def written(text: str, name: str = "tracker.toml") -> Path:
    file = Path(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def complaint(text: str) -> str:
    with pytest.raises(ConfigError) as wrong:
        load(written(text))
    assert "\n" not in str(wrong.value)
    return str(wrong.value)


def test_defaults_serve_on_loopback() -> None:
    """Without a file and variables everything has a default, and nothing is open."""
    settings = load()
    assert settings == Settings()
    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 8080)
    assert settings.auth.mode == "none"
    assert settings.roles == frozenset(ROLES)
    assert settings.store.url == "embedded"


def test_defaults_of_keep_are_those_of_the_domain() -> None:
    """Thresholds that nobody set are the domain's own."""
    assert load().keep.policy == Policy()


def test_the_file_here_is_found() -> None:
    """`tracker.toml` in the working directory counts without being named."""
    written("server.port = 9000\n" + ACCOUNT)
    settings = load()
    assert settings.server.port == 9000
    assert settings.genesys[0].account == "acme"


def test_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable replaces its own key and leaves its neighbours."""
    file = written('[server]\nport = 9000\nlive_grace_s = 3\n[log]\nlevel = "error"\n')
    monkeypatch.setenv("TRACKER_SERVER__PORT", "9001")
    monkeypatch.setenv("TRACKER_ROLES", '["serve"]')
    monkeypatch.setenv("TRACKER_STORE__URL", "redis://localhost")
    settings = load(file)
    assert (settings.server.port, settings.server.live_grace_s) == (9001, 3)
    assert settings.log.level == "error"
    assert settings.roles == {"serve"}


def test_paths_in_a_file_begin_at_the_file() -> None:
    """A relative path means the same wherever tracker is started."""
    file = written(
        '[store]\ndata_dir = "data"\n[auth]\nsecret_file = "/run/secret"\n'
        f'{ACCOUNT}agents_file = "agents.csv"\n',
        "etc/tracker.toml",
    )
    settings = load(file)
    assert settings.store.data_dir == Path("etc/data")
    assert settings.auth.secret_file == Path("/run/secret")
    assert settings.genesys[0].agents_file == Path("etc/agents.csv")


def test_an_agents_password_file_begins_at_the_file_that_names_it() -> None:
    """Settings or agents' file; what only looks like one is left as it is."""
    (agents := Path("agents")).mkdir()
    (agents / "agents.csv").write_text("id,username,password\nb,b,file:secret\n")
    (agents / "secret").write_text("of b")
    agent = '[[genesys.agents]]\nid = "{0}"\nusername = "x"\npassword = "{1}"\n'
    written("of a", "etc/secret")
    written("of d", "elsewhere")
    file = written(
        f'{ACCOUNT}agents_file = "../agents/agents.csv"\n'
        + agent.format("a", "file:secret")
        + agent.format("c", "profile:secret")
        + agent.format("d", f"file:{Path('elsewhere').absolute()}")
        + '[[vonage_business]]\naccount = "1"\nclient_id = "x"\nclient_secret = "x"\n'
        'username = "x"\npassword = "file:secret"\n',
        "etc/tracker.toml",
    )
    settings = load(file)
    found = agents_of(settings.genesys[0])
    passwords = {agent.id: agent.password.get_secret_value() for agent in found}
    assert passwords == {"a": "of a", "b": "of b", "c": "profile:secret", "d": "of d"}
    (business,) = settings.vonage_business
    assert business.password is not None
    assert business.password.get_secret_value() == "file:secret"


def test_settings_are_frozen() -> None:
    """Nobody changes a setting while tracker runs."""
    with pytest.raises(ValidationError):
        setattr(load().server, "port", 1)  # noqa: B010 mypy refuses it already


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[server\n", "tracker.toml is not TOML"),
        ("stream.cursor_interval_s = 6", "input should be less than or equal to 5"),
        ("server.prot = 1", "there is no setting server.prot: did you mean port?"),
        ("sever.port = 1", "there is no setting sever: did you mean server?"),
        ("[[zz]]", "there is no setting zz: there are auth, "),
        ('server.port = "x"', "tracker.toml: server.port: input should be a valid int"),
        ("server.port = 70000", "server.port: input should be less than"),
        ('auth.mode = "basic"', "auth.mode: input should be 'none' or 'jwt'"),
        ('auth.mode = "jwt"', "auth: mode jwt needs a secret: set secret_file"),
        (
            'auth.secret_env = "A"\nauth.secret_file = "b"',
            "auth: only one of secret_env and secret_file can count",
        ),
        ('server.host = "0.0.0.0"', 'set auth.mode = "jwt"'),
        ('store.url = "http://x"', "store.url must be"),
        ('store.fsync = "maybe"', "store.fsync: input should be"),
        ('roles = ["serve"]', "give store.url a server that all processes reach"),
        ('roles = ["serving"]', "roles"),
        ('[[genesys]]\naccount = "a"', "genesys[0].base_url: it is missing"),
        (f'{ACCOUNT}base_urls = "x"', "genesys[0].base_urls: did you mean base_url?"),
        ("genesys = 3", "genesys: write it as a list, or as [[tables]]"),
        ("server = 3", "server: write it as a table"),
        ("roles = []", "roles: there must be at least one"),
        (ACCOUNT + ACCOUNT, "the account acme is there twice"),
    ],
)
def test_a_wrong_file_is_one_sentence(text: str, says: str) -> None:
    """Each fault names the file's key and what would be right."""
    assert says in complaint(text)


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("TRACKER_SERVER__PORT", "x", "the variable TRACKER_SERVER__PORT: server.port"),
        ("TRACKER_SERVER__PROT", "1", "did you mean port?"),
        ("TRACKER_SEVER__PORT", "1", "did you mean TRACKER_SERVER?"),
        ("TRACKER_SERVER_PORT", "1", "names no setting: write TRACKER_SERVER__PORT"),
        (
            "TRACKER_GENESYS",
            "[",
            'a variable TRACKER_… is not JSON: error parsing value for field "genesys"',
        ),
    ],
)
def test_a_wrong_variable_is_one_sentence(
    variable: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each fault names the variable that it comes from."""
    monkeypatch.setenv(variable, value)
    assert says in complaint("")


def test_variables_of_others_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that only looks like ours, as a secret's may, is no fault."""
    monkeypatch.setenv("TRACKER_SECRET", "x")
    monkeypatch.setenv("MY_TRACKER__PORT", "x")
    load()


def test_a_missing_file_is_one_sentence() -> None:
    """A file that was asked for must be there."""
    with pytest.raises(ConfigError, match=r"nowhere\.toml does not exist"):
        load(Path("nowhere.toml"))


def test_an_unreadable_file_is_one_sentence(tmp_path: Path) -> None:
    """A directory in the place of the file is named."""
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)


def test_values_of_secrets_are_never_repeated() -> None:
    """Neither a complaint nor the settings' own text holds a secret."""
    secret = "tr0ub4dor" * 4
    said = complaint(f'auth.secret = "{secret}"\nauth.secret_env = "A"')
    assert secret not in said
    said = complaint(f'store.url = "redis://:{secret}@host:port:x"')
    assert secret not in said
    file = written(
        f'auth.secret = "{secret}"\nstore.url = "redis://u:{secret}@h"\n{ACCOUNT}'
        f'[[genesys.agents]]\nid = "a"\nusername = "a"\npassword = "{secret}"\n'
    )
    assert secret not in repr(load(file))


def test_roles_are_checked_against_the_store() -> None:
    """One role alone needs a store that others reach too."""
    with pytest.raises(ConfigError, match=r"store\.url"):
        with_roles(load(), frozenset({"serve"}))
    settings = load(written('store.url = "redis://localhost"'))
    assert with_roles(settings, frozenset({"keep"})).roles == {"keep"}


def test_what_a_team_s_calls_should_be_is_a_table_of_its_account() -> None:
    """By the team's name, in words that are checked like the account's own."""
    teams = '[genesys.teams]\nsales = "always"\non_file = "never"\nhelp_dir = "never"\n'
    (genesys,) = load(written(ACCOUNT + teams, "etc/tracker.toml")).genesys
    assert genesys.teams == {"sales": "always", "on_file": "never", "help_dir": "never"}
    says = complaint(ACCOUNT + '[genesys.teams]\nsales = "sometimes"\n')
    assert "genesys[0].teams.sales: " in says


@pytest.fixture
def _image(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables of the container's image."""
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    for name, value in re.findall(r"(TRACKER_\w+)=(\S+)", text):
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("_image")
def test_the_image_signs_with_a_secret_of_its_own() -> None:
    """Its file and its variables go together: it listens, and asks for tokens."""
    settings = load(DEPLOY / "tracker.toml")
    assert settings.server.host == "0.0.0.0"  # noqa: S104 of the container
    assert settings.auth.mode == "jwt"
    assert settings.auth.secret_file == Path("/var/lib/tracker/jwt.secret")


@pytest.mark.usefixtures("_image")
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("secret_env", "TOKENS"),
        ("public_key_file", "/etc/tracker/key.pem"),
        ("jwks_url", "https://login.example/keys"),
    ],
)
def test_the_image_takes_the_keys_of_others(key: str, value: str) -> None:
    """Another file in the place of its own needs nothing undone."""
    of = 'issuer = "https://login.example/"\naudience = "tracker"'
    settings = load(written(f'[auth]\n{key} = "{value}"\n{of}'))
    assert str(getattr(settings.auth, key)) == value


def test_what_the_image_is_built_of_is_sent_to_the_build() -> None:
    """A file that the build ignores could not be copied."""
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", text, re.MULTILINE)
    sent = (DEPLOY.parent / ".dockerignore").read_text("utf-8").splitlines()
    assert {f"!{one}" for line in copied for one in line.split()} <= set(sent)
