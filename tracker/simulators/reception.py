"""Where all requests of a simulated platform arrive, and how it is put on a port."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.typedefs import Handler

from tracker.simulators.faults import FaultBoard, reset_connection
from tracker.simulators.journal import Journal

_SHUTDOWN_S = 1.0


class News:
    """Lets somebody wait for something that a simulator does or is asked."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def tell(self) -> None:
        """Say that something happened."""
        self._event.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something: it is asked again whenever something happened."""
        while not condition():
            self._event.clear()
            await self._event.wait()


class Reception:
    """Writes down what arrives, and has it answered.

    Args:
        journal: Where.
        faults: Ended with the reception, so that nobody hangs on.
        answer: Answers.
        news: Is called when a request arrives, and when it was answered.
    """

    def __init__(
        self,
        journal: Journal,
        faults: FaultBoard,
        answer: Handler,
        news: Callable[[], None],
    ) -> None:
        self._journal = journal
        self._faults = faults
        self._answer = answer
        self._news = news
        self._under_way: dict[int, web.Request] = {}

    async def receive(self, request: web.Request) -> web.StreamResponse:
        """Answer whatever comes, and write it down."""
        query = request.rel_url.raw_query_string
        number = self._journal.note(request.method, request.path, query)
        self._under_way[number] = request
        self._news()
        try:
            answer = await self._answer(request)
        finally:
            del self._under_way[number]
        if request.transport and not request.transport.is_closing():
            self._journal.settle(number, answer.status)
        self._news()
        return answer

    def close(self) -> None:
        """End the faults; reset the connections of requests that are under way."""
        self._faults.clear()
        for request in list(self._under_way.values()):
            reset_connection(request.transport)


@asynccontextmanager
async def on_port(
    reception: Reception, control: Sequence[web.RouteDef], host: str, port: int
) -> AsyncIterator[str]:
    """Answer requests; yields the base URL, without a slash at the end.

    On leaving, faults end and connections are reset.

    Args:
        reception: Receives what is no control.
        control: The simulator's own control, which no fault strikes.
        host: Where to listen.
        port: Which; 0: any free one.
    """
    app = web.Application()
    app.add_routes(control)
    app.add_routes([web.route("*", "/{rest:.*}", reception.receive)])
    runner = web.AppRunner(
        app, access_log=None, shutdown_timeout=_SHUTDOWN_S, handle_signals=False
    )
    await runner.setup()
    listener = web.TCPSite(runner, host, port)
    try:
        await listener.start()
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await listener.stop()
        reception.close()
        await runner.cleanup()


def too_many(retry_after_s: int | None) -> web.Response:
    """The answer 429; None: without a Retry-After."""
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return web.Response(status=429, headers=headers, text="Too Many Requests")
