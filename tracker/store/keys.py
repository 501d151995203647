"""Every key name. What belongs to one partition shares its hash tag, so one slot."""

ROOT = "tracker:"

CLUSTER_META = ROOT + "{meta}"
"""Hash: ``epoch``, ``partitions``, ``schema``, ``secret``."""

KEEP_LEASE = "keep"
"""The lease on a partition's one writer, among the partition's leases."""

DISPATCH_LEASE = "dispatch"
"""The lease on whoever delivers a partition's events to webhooks."""

ENDPOINTS = ROOT + "{webhooks}"
"""Hash: a webhook endpoint's id to its JSON, signing secrets included."""

FAILING = ROOT + "{webhooks}:failing"
"""Hash: an endpoint's id to the ms of its first failure since its last success."""

WISHES = ROOT + "{webhooks}:wishes"
"""Hash: a random id to a delivery that somebody wants made."""


def processes(role: str) -> str:
    """The sorted set of a role's processes, by the ms of their last signs of life."""
    return f"{ROOT}{{meta}}:processes:{role}"


class PartitionKeys:
    """The keys of one partition.

    Attributes:
        inbox, outbox: Streams.
        asks: Stream of what its keeper asks of those who ingest.
        open: Hash: a call's key to its open command's `Order`.
        watches: Hash: id to the watch's JSON.
        meta: Hash: ``epoch offset batch schema``; ``written asked``, the numbers of
            the last entries of *outbox* and *asks*; ``lost``, the ms when inputs were
            last found lost; ``s:<source>`` (its last stamp, and who tells it),
            ``p:<process>`` (its last sign of life) and ``v:<source or account>`` (the
            last version of one that is no more).
        leases: Hash: lease name to ``token|until_ms|holder``.
        calls, sources, accounts: Hashes: key to the entity's JSON.
        tombs: Hash: a forgotten call's key to ``version``; *tomb_ages* sorts by end.
        media: Hash: a stored recording's key to what is remembered of it;
            *media_ages* sorts by when it was last told.
        exports: Hash: key to the JSON of an export that somebody waits for.
        polled: Hash: a source's key to when the last full read began, in ms.
        aside: Stream of the inputs on which `decide` raised.
        dispatch: Hash of the dispatcher: ``epoch offset batch`` as in *meta*, of the
            outbox; and ``r:<endpoint>:<replay>``, how far a replay is, or ``done``.
        bodies: Hash: an event's id to the bytes that are owed to endpoints.
        previous: Hash: endpoint and entity to the last event's id owed there; of long
            ago, and of what is gone, none is kept.
    """

    def __init__(self, partition: int) -> None:
        self.partition = partition
        base = f"{ROOT}{{p{partition}}}:"
        self._timeline = base + "timeline:"
        self._commands = base + "commands:"
        self._links = base + "links:"
        self.inbox = base + "inbox"
        self.outbox = base + "outbox"
        self.asks = base + "asks"
        self.open = base + "open"
        self.watches = base + "watches"
        self.meta = base + "meta"
        self.leases = base + "leases"
        self.calls = base + "calls"
        self.sources = base + "sources"
        self.accounts = base + "accounts"
        self.tombs = base + "tombs"
        self.tomb_ages = base + "tombs:ages"
        self.media = base + "media"
        self.media_ages = base + "media:ages"
        self.exports = base + "exports"
        self.polled = base + "polled"
        self.aside = base + "aside"
        self._webhook = base + "webhook:"
        self.dispatch = base + "dispatch"
        self.bodies = base + "bodies"
        self.previous = base + "previous"

    def timeline(self, key: str) -> str:
        """The list of a call's closed intervals, oldest first."""
        return self._timeline + key

    def commands(self, key: str) -> str:
        """The hash of a call's commands of the last day.

        A command's id to its public form; ``key:`` and subject/idempotency key to the
        command's id; ``view`` to how the call was seen last.
        """
        return self._commands + key

    def links(self, key: str) -> str:
        """The hash of a call's stored recordings, by their keys."""
        return self._links + key

    def owed(self, endpoint: str) -> str:
        """The sorted set of events owed to an endpoint, by the ms since when."""
        return f"{self._webhook}{endpoint}:owed"

    def deliveries(self, endpoint: str) -> str:
        """The hash of what is owed to an endpoint: an event's id to its delivery."""
        return f"{self._webhook}{endpoint}:deliveries"

    def delivered(self, endpoint: str) -> str:
        """The stream of an endpoint's deliveries that are over, however they ended."""
        return f"{self._webhook}{endpoint}:over"

    def tally(self, endpoint: str) -> str:
        """The hash of an endpoint's attempts: ``<hour> <outcome>`` to how many."""
        return f"{self._webhook}{endpoint}:tally"
