"""How what was asked of a server ends: 0 as wanted, 1 not so, 2 it can be put right."""

import errno
import sys
from collections.abc import Coroutine
from http import HTTPStatus
from typing import Any, Final

import typer

from tracker.cli.until import run_until_signal
from tracker.client import ProblemError, RefusedError, UnansweredError
from tracker.errors import ConfigError

STOPPED: Final = "interrupted"
"""What is said of a question: nothing of it goes on."""

_TOKEN_WANTED: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_OUR_FAULT: Final = (
    *_TOKEN_WANTED,
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.UNPROCESSABLE_ENTITY,
)

_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""The place was good, and the disk was not."""


def end_as(
    asking: Coroutine[Any, Any, str | None],
    url: str,
    interrupted: str = "interrupted: what was taken goes on",
) -> None:
    """Run *asking* to its end, which says why it is no success, or None.

    Raises:
        ConfigError: What was asked for can be put right.
    """
    failure: str | None = interrupted

    async def ask() -> None:
        nonlocal failure
        failure = await asking

    try:
        run_until_signal(ask())
    except (ValueError, RefusedError) as error:
        if not isinstance(error, ProblemError) or error.code in _OUR_FAULT:
            raise _to_put_right(error, url) from error
        failure = _reason(error)
    except UnansweredError as error:
        failure = _unanswered(error, url)
    except BrokenPipeError:
        raise
    except OSError as error:
        failure = _unwritten(error)
    if failure:
        typer.echo(f"tracker: {failure}", err=True)
        sys.exit(1)


def _to_put_right(error: Exception, url: str) -> ConfigError:
    if not isinstance(error, RefusedError):
        return ConfigError(str(error))
    cure = ": give a good --token" if error.code in _TOKEN_WANTED else ""
    return ConfigError(f"{url} refused: {error}{cure}")


def _unanswered(error: UnansweredError, url: str) -> str:
    if error.taken:
        return f"nobody knows what became of it: {error}"
    return f"no answer of {url}: {error}"


def _unwritten(error: OSError) -> str:
    """That it could not be written.

    Raises:
        ConfigError: Not for want of room: another place would do.
    """
    words = f"{error.filename or 'the output'} cannot be written: {error.strerror}"
    if error.errno in _NO_ROOM:
        return words
    raise ConfigError(words) from error


def _reason(error: ProblemError) -> str:
    """The problem in one sentence."""
    command, id_ = error.problem.get("command"), error.problem.get("command_id")
    if isinstance(command, dict):
        return f"{error} ({command.get('action')} by {command.get('requested_by')})"
    return f"{error} ({id_})" if id_ else str(error)
