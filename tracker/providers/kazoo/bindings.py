"""What the blackhole is asked to tell, and whether it still does.

A binding is asked for by itself: some servers take no several at once. Nothing tells
when bindings are lost. So the one for documents, whose month is fixed when it is made,
is unmade and made again from time to time: the answer says which others are left.
"""

from typing import Final, NamedTuple

from tracker.providers.kazoo.blackhole import Blackhole

LIFE: Final = tuple(
    f"call.{name}.*" for name in ("CHANNEL_CREATE", "CHANNEL_ANSWER", "CHANNEL_DESTROY")
)
RECORDS: Final = ("call.RECORD_START.*", "call.RECORD_STOP.*")
"""Stock servers refuse these."""

PAUSES: Final = tuple(
    f"call.RECORD_{name}.*" for name in ("PAUSE", "RESUME", "MASK", "UNMASK")
)
DOCUMENTS: Final = "object.doc_created.*"


class Bindings(NamedTuple):
    """What a connection is told.

    Attributes:
        made: All of them.
        records: Starts and stops of recordings are told.
        pauses: And all that lies between.
    """

    made: frozenset[str]
    records: bool
    pauses: bool


async def bind(hole: Blackhole) -> Bindings:
    """Have everything told that the server tells.

    Raises:
        ProviderUnavailableError: It does not even tell of channels.
    """
    for binding in LIFE:
        if not await hole.subscribe(binding):
            msg = f"the binding {binding} is refused"
            raise hole.trouble(msg)
    records = [it for it in RECORDS if await hole.subscribe(it)]
    tells = len(records) == len(RECORDS)
    pauses = [it for it in PAUSES if tells and await hole.subscribe(it)]
    documents = [it for it in (DOCUMENTS,) if await hole.subscribe(it)]
    made = frozenset([*LIFE, *records, *pauses, *documents])
    return Bindings(made, tells, len(pauses) == len(PAUSES))


async def verify(hole: Blackhole, bindings: Bindings) -> None:
    """See that everything is still told, and documents of the month that it is.

    Raises:
        ProviderUnavailableError: It is not.
    """
    if DOCUMENTS not in bindings.made:
        return
    left = await hole.unsubscribe(DOCUMENTS)
    if not await hole.subscribe(DOCUMENTS):
        msg = f"the binding {DOCUMENTS} is refused"
        raise hole.trouble(msg)
    if left is not None and not bindings.made - {DOCUMENTS} <= set(left):
        raise hole.trouble("bindings are lost")
