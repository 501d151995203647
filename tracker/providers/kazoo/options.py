"""The parameters of a recording, as the platform's table has them.

Each is checked before anything is sent. `action` is the command itself, `origin` is
read-only. `url` and `method` say where audio goes, which only the operator decides: a
command may choose among the values of the settings.
"""

from collections.abc import Callable, Mapping
from typing import Final

from tracker.domain.terms import Action
from tracker.errors import CommandRefusedError
from tracker.providers.base import Options
from tracker.providers.kazoo.settings import KazooSettings

LONGEST_TEXT: Final = 256

_Check = Callable[[object], bool]


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_TEXT


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_count(least: int) -> _Check:
    return lambda value: type(value) is int and value >= least


_TABLE: Final[Mapping[str, tuple[_Check, str]]] = {
    "format": (("mp3", "wav").__contains__, "mp3 or wav"),
    "label": (_is_text, f"a text of 1 to {LONGEST_TEXT} characters"),
    "media_name": (_is_text, f"a text of 1 to {LONGEST_TEXT} characters"),
    "method": (("put", "post").__contains__, "put or post"),
    "record_min_sec": (_is_count(0), "a whole number of seconds, not below 0"),
    "record_on_answer": (_is_flag, "true or false"),
    "record_on_bridge": (_is_flag, "true or false"),
    "record_sample_rate": (_is_count(1), "a whole number of hertz above 0"),
    "should_follow_transfer": (_is_flag, "true or false"),
    "skip_module": (_is_flag, "true or false"),
    "time_limit": (_is_count(1), "a whole number of seconds above 0"),
    "url": (_is_text, "one of the settings' upload_urls"),
}
"""What each may be, and that in words."""

_OF_STOP: Final = ("media_name",)


def check_options(action: Action, options: Options, settings: KazooSettings) -> None:
    """See that a command's options can be sent.

    Raises:
        CommandRefusedError: One cannot, and what would be right.
    """
    for name, value in options.items():
        _check_name(action, name)
        fits, meant = _TABLE[name]
        if not fits(value):
            msg = f"the option {name} must be {meant}"
            raise CommandRefusedError(msg)
    if options.get("url") not in (None, *settings.upload_urls):
        msg = "the option url must be one of the settings' upload_urls"
        raise CommandRefusedError(msg)
    if options.get("method") not in (None, *settings.upload_methods):
        msg = "the option method must be one of the settings' upload_methods"
        raise CommandRefusedError(msg)
    if "url" in options and options.get("method", "put") not in settings.upload_methods:
        msg = "the option url goes with one of the settings' upload_methods: name it"
        raise CommandRefusedError(msg)


def _check_name(action: Action, name: str) -> None:
    if name == "origin":
        msg = "the option origin is read-only: the platform sets it"
        raise CommandRefusedError(msg)
    if name == "action":
        msg = "the option action is the command's own"
        raise CommandRefusedError(msg)
    if name not in _TABLE:
        msg = f"there is no option of that name: there are {', '.join(_TABLE)}"
        raise CommandRefusedError(msg)
    if action == "start" or (action == "stop" and name in _OF_STOP):
        return
    msg = f"the option {name} is none of a {action}"
    raise CommandRefusedError(msg)
