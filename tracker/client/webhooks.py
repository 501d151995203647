"""Webhook endpoints and their deliveries, managed through any tracker."""

from collections.abc import AsyncGenerator, Mapping
from datetime import datetime
from http import HTTPStatus

from yarl import URL

from tracker.client.asking import Json, ProblemError, given
from tracker.client.recordings import Recordings, following_of
from tracker.domain.key import make_key
from tracker.fanout.filters import Filter

_EVERYTHING = Filter()


class Webhooks(Recordings):
    """Endpoints, as one who manages them sees them.

    Every method raises `ProblemError` when the server says no, and
    `UnansweredError` when nobody knows what became of it.
    """

    async def webhooks(self) -> AsyncGenerator[Json, None]:
        """All endpoints that may be managed, by id.

        Raises:
            ProblemError: Behind everything else: there are some that a newer release
                wrote, which this server cannot read.
        """
        problems: list[Json] = []
        async for endpoint in self._pages("/v1/webhooks", {"limit": "100"}, problems):
            yield endpoint
        if problems:
            words = "; ".join(f"{one['endpoint']}: {one['detail']}" for one in problems)
            raise ProblemError({"detail": words}, HTTPStatus.CONFLICT)

    async def webhook(self, id_: str) -> Json:
        """One endpoint, and how it goes with it."""
        return await self._ask("GET", self._webhook(id_))

    async def add_webhook(
        self,
        url: str,
        wanted: Filter = _EVERYTHING,
        *,
        description: str = "",
        rate_per_s: float | None = None,
        since: str | None = None,
    ) -> Json:
        """Have events sent to *url*.

        Args:
            url: Of the receiver, https.
            wanted: Which ones.
            description: For people.
            rate_per_s: Requests a second at most.
            since: A cursor to begin behind; None = now.

        Returns:
            The endpoint with its ``secret``, which is not shown again.
        """
        body = given(
            {
                "url": url,
                "filter": wanted.model_dump(mode="json", exclude_none=True),
                "description": description,
                "rate_per_s": rate_per_s,
                "since": since,
            }
        )
        return await self._ask("POST", URL(f"{self._base}/v1/webhooks"), body, 0)

    async def change_webhook(self, id_: str, **changes: object) -> Json:
        """Give an endpoint another url, description, filter, rate_per_s or state.

        ``rate_per_s=None`` lifts the limit.
        """
        return await self._ask("PATCH", self._webhook(id_), changes)

    async def delete_webhook(self, id_: str) -> None:
        """Remove an endpoint, and what it is owed."""
        await self._ask("DELETE", self._webhook(id_), repeats=0)

    async def rotate_webhook(self, id_: str, overlap_s: float | None = None) -> Json:
        """Give an endpoint a new ``secret``; the old one signs for a while, too."""
        url, body = self._webhook(id_, "/rotate"), given({"overlap_s": overlap_s})
        return await self._ask("POST", url, body, 0)

    async def test_webhook(self, id_: str) -> Json:
        """Send an event that is none; its delivery as it begins."""
        return await self._ask("POST", self._webhook(id_, "/test"), repeats=0)

    async def replay_webhook(
        self,
        id_: str,
        *,
        since: str | None = None,
        begin_at: datetime | None = None,
        until: str | None = None,
    ) -> Json:
        """Deliver again what happened since a cursor, or from a time on."""
        begin = None if begin_at is None else begin_at.isoformat()
        body = given({"since": since, "from": begin, "until": until})
        return await self._ask("POST", self._webhook(id_, "/replay"), body, 0)

    async def deliveries(
        self, id_: str, wanted: Mapping[str, str] | None = None, *, page: int = 100
    ) -> AsyncGenerator[Json, None]:
        """What is owed, then what is over, the newest first.

        Args:
            id_: The endpoint's.
            wanted: The server's filters: status, event, type, entity, from, to.
            page: How many are asked for at once.
        """
        query = {**(wanted or {}), "limit": str(page)}
        path = self._webhook(id_, "/deliveries").raw_path
        async for delivery in self._pages(path, query):
            yield delivery

    async def resend(self, id_: str, event: str) -> Json:
        """Deliver an event once more, or at once; its delivery as it begins."""
        url = self._webhook(id_, f"/deliveries/{_part(event)}/resend")
        return await self._ask("POST", url, repeats=0)

    async def _pages(
        self, path: str, query: Mapping[str, str], problems: list[Json] | None = None
    ) -> AsyncGenerator[Json, None]:
        """Items of all pages; what the pages lack is put into *problems*."""
        first = URL(f"{self._base}{path}", encoded=True)
        url: URL | None = first.with_query(query)
        while url is not None:
            answer = await self._ask("GET", url)
            for item in answer["items"]:
                yield item
            if problems is not None:
                problems += answer.get("problems", ())
            url = following_of(url, answer)

    def _webhook(self, id_: str, more: str = "") -> URL:
        return URL(f"{self._base}/v1/webhooks/{_part(id_)}{more}", encoded=True)


def _part(text: str) -> str:
    """One part of a path.

    Raises:
        ValueError: It is empty.
    """
    if not text:
        message = "an endpoint, or an event, is named by its id"
        raise ValueError(message)
    return make_key(text)
