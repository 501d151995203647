"""Where stored recordings are asked for: whose they are, and what a no becomes."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from math import ceil
from typing import Annotated, Final

from aiohttp import hdrs, web
from pydantic import BaseModel, Field

from tracker.domain.archive import Archive, MediaSnapshot
from tracker.domain.base import Model
from tracker.domain.key import account_of, make_key, split_key
from tracker.errors import (
    CommandRefusedError,
    NotFoundError,
    ProviderError,
    ProviderLockedError,
    ProviderUnavailableError,
    RangeError,
)
from tracker.outlets.asking import Asker
from tracker.outlets.http.operation import PRINCIPAL
from tracker.outlets.payload import SERVICES, ProblemError, Services, audit

ANSWER_S: Final = 30.0
"""For a platform to answer, however often its client asks again."""

MAX_WORDS: Final = 300
"""Characters of a platform's reason."""

PLATFORM_PROBLEMS: Final = (404, 409, 502, 504)
"""What may come of asking a platform."""

_LATE: Final = "the platform did not answer in time"
_MAYBE: Final = "; it may have been done all the same: look"
_WORDS: Final = r"(?<=\bthe )token: (?-i:[A-Z]?[a-z]{1,15})[,;:]? \w"
"""How tracker itself begins to say what became of a token: a plain word, and more."""

_SECRETS: Final = re.compile(
    r"[a-z][a-z0-9+.-]*://\S+|\b(?:bearer|basic)\s+\S+|\beyJ[\w-]+\.[\w.-]*"
    rf"|(?!{_WORDS})"
    r"[\w-]*(?:token|secret|password|api_?key|authorization)[\"']?\s*[=:]\s*\S+",
    re.IGNORECASE,
)


class AccountProblem(Model):
    """Why an account's part is missing."""

    account: Annotated[str, Field(description="provider/account")]
    detail: str


class Audited:
    """What is being done, for the line that is written when it ends.

    Attributes:
        outcome: What came of it; set by who does it.
        begun: Some of it was done.
    """

    def __init__(self) -> None:
        self.outcome = "broken off"
        self.begun = False


@contextmanager
def audited(request: web.Request, what: str, key: str) -> Iterator[Audited]:
    """Write down what becomes of *what*, however it ends."""
    done = Audited()
    try:
        yield done
    except ProblemError as error:
        done.outcome = f"{done.outcome}: {error}" if done.begun else str(error)
        raise
    finally:
        audit(request[PRINCIPAL].subject, what, key, done.outcome)


@asynccontextmanager
async def answered(*, changes: bool = False) -> AsyncIterator[None]:
    """Ask a platform within; what goes wrong becomes a problem.

    Args:
        changes: Something may have been done although no answer came.

    Raises:
        ProblemError: Not answered, or no.
    """
    try:
        async with asyncio.timeout(ANSWER_S):
            yield
    except TimeoutError as error:
        raise ProblemError(504, _LATE + (_MAYBE if changes else "")) from error
    except ProviderError as error:
        raise problem_from(error, changes=changes) from error


def problem_from(error: ProviderError, *, changes: bool = False) -> ProblemError:
    """What a platform's no is to the one who asked."""
    words, headers = plain_words(error), dict[str, str]()
    match error:
        case NotFoundError():
            return ProblemError(404, "the platform has no such thing")
        case RangeError(size=size):
            if size is not None:
                headers[hdrs.CONTENT_RANGE] = f"bytes */{size}"
            return ProblemError(416, words, headers=headers)
        case CommandRefusedError():
            return ProblemError(409, words)
        case ProviderLockedError():
            words = f"the platform refuses tracker's credentials: {words}"
        case ProviderUnavailableError(retry_after_s=after_s, taken=taken):
            if after_s is not None:
                headers[hdrs.RETRY_AFTER] = str(max(1, ceil(after_s)))
            words += _MAYBE if changes and taken else ""
        case _:
            pass
    late = isinstance(error.__cause__, TimeoutError)
    return ProblemError(504 if late else 502, words, headers=headers)


def plain_words(error: Exception) -> str:
    """What *error* says, without anything that could be an address or a secret."""
    return _SECRETS.sub("(hidden)", str(error))[:MAX_WORDS] or "no reason was given"


class Shelves:
    """The archives that one caller may ask.

    Args:
        request: Theirs; it has a principal.
    """

    def __init__(self, request: web.Request) -> None:
        self._services: Services = request.app[SERVICES]
        self._asker = Asker.of(request[PRINCIPAL])

    @property
    def subject(self) -> str:
        """Who asks."""
        return self._asker.subject

    @property
    def whole(self) -> bool:
        """They see all of an account, not only what some agents or teams had."""
        limits = self._asker.limits
        return limits.agents is None and limits.teams is None

    def chosen(self, provider: str | None, account: str | None) -> list[Archive]:
        """Those of a *provider* and *account*, by key; None = of all.

        An account is named alone, or as ``provider/account``.

        Raises:
            ProblemError: 404, those that were named are not there, or hidden.
        """
        found = [
            archive
            for key, archive in sorted(self._services.archives.items())
            if self._asker.has_account(key)
            and provider in (None, split_key(key)[0])
            and account in (None, key, split_key(key)[1])
        ]
        if not found and (provider or account):
            raise ProblemError(404, "no such account has stored recordings")
        return found

    def of(self, key: str) -> Archive:
        """The one where *key* is.

        Raises:
            ProblemError: 404, there is none, or it is hidden.
        """
        archive = self._services.archives.get(account_of(key))
        if archive is None or not self._asker.has_account(account_of(key)):
            raise ProblemError(404, "no such account")
        return archive

    def sees(self, media: MediaSnapshot) -> bool:
        """Who sees only some agents or teams sees the recordings of their known calls.

        Its account is known to be theirs.
        """
        if self.whole:
            return True
        if media.call_key is None:
            return False
        stored = self._services.projection.get("call", media.call_key)
        return stored is not None and self._asker.sees(stored.view)

    async def recording(self, key: str) -> MediaSnapshot:
        """One recording.

        Raises:
            ProblemError: It is not there, or hidden, or nobody could say.
        """
        async with answered():
            media = await self.of(key).recording(key)
        if not self.sees(media):
            raise ProblemError(404, "the platform has no such thing")
        return media

    async def allow(self, key: str) -> Archive:
        """The archive of a recording that they may see, which is only then looked at.

        Raises:
            ProblemError: As `recording`.
        """
        archive = self.of(key)
        if not self.whole:
            await self.recording(key)
        return archive


def key_in(request: web.Request, name: str) -> str:
    """The key that the request's path names; *name* is of its last part."""
    parts = request.match_info
    return make_key(parts["provider"], parts["account"], parts[name])


def missing(problems: Mapping[str, ProblemError]) -> tuple[AccountProblem, ...]:
    """What is told of the accounts that failed."""
    told = sorted(problems.items())
    return tuple(AccountProblem(account=key, detail=str(why)) for key, why in told)


def all_failed(problems: Iterable[ProblemError]) -> ProblemError:
    """The answer when nobody had one: the only problem, or all of them together."""
    told = list(problems)
    if len(told) == 1:
        return told[0]
    details = dict.fromkeys(str(problem) for problem in told)
    return ProblemError(502, "; ".join(details))


def told_by(model: BaseModel) -> bytes:
    """*model* as JSON, as an item of a page."""
    return model.model_dump_json(by_alias=True).encode()
