"""Logging set-up and the names of all metrics.

Log lines go to stderr, one per event: on the edge (lost, recovered), never per attempt.
No secret, access token, phone number or user data belongs in one; what looks like a
credential is redacted all the same.
"""

import logging
import re
import sys
from collections.abc import Mapping
from typing import Literal

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from pydantic import BaseModel, ConfigDict, Field
from structlog.typing import EventDict, Processor, WrappedLogger

REDACTED = "[redacted]"

_SECRET = re.compile(
    r"secret|passw|token|authorization|cookie|csrf|credential|api_?key|bearer",
    re.IGNORECASE,
)
_USER_INFO = re.compile(r"(?<=://)[^/@\s]*@")
_QUIET = {
    "aiohttp.server": "CRITICAL",  # a line for every request that is not HTTP
    "asyncio": "WARNING",
    "websockets": "WARNING",
}

LATENCY_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)


class LogSettings(BaseModel):
    """What is logged, and in which form."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "console"] = Field(
        default="auto", description="auto: console on a terminal, else JSON lines"
    )


class HealthSettings(BaseModel):
    """Where a process tells how it is, whatever its roles; without a port, nowhere."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int | None = Field(default=None, ge=1, le=65535)


def configure_logging(settings: LogSettings) -> None:
    """Send structlog's and the standard library's records to stderr, redacted."""
    console = settings.format == "console" or (
        settings.format == "auto" and sys.stderr.isatty()
    )
    first: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
    ]
    last: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        *([] if console else [structlog.processors.format_exc_info]),
        redact,
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if console
        else structlog.processors.JSONRenderer(),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(processors=last, foreign_pre_chain=first)
    )
    logging.basicConfig(level=settings.level.upper(), handlers=[handler], force=True)
    for name, level in _QUIET.items():
        logging.getLogger(name).setLevel(level)
    structlog.configure(
        processors=[*first, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(settings.level),
        cache_logger_on_first_use=True,
    )


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Blank the values under credential-like keys, and user info inside URLs.

    Numbers stay: a fencing token is no credential.
    """
    return {key: _clean(key, value) for key, value in event.items()}


def _clean(key: str, value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _clean(str(name), inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(key, inner) for inner in value]
    if isinstance(value, str | bytes) and _SECRET.search(key):
        return REDACTED
    return _USER_INFO.sub(f"{REDACTED}@", value) if isinstance(value, str) else value


class Metrics:
    """Every metric of a process, in a registry of its own.

    Attributes:
        http_requests: Answered requests by method, route and status.
        http_seconds: Time to answer, without ``/v1/stream``.
        stream_connections: Open WebSockets.
        stream_closed: Closed WebSockets by close code.
        unreadable: Messages of a provider that nobody could read, by kind.
        put_aside: Inputs on which `decide` raised.
        inputs: Inputs that took effect.
        commands: Commands that reached a stage, by account.
        handled_seconds: From an input's inbox time to its commit.
        sources: Sources owned by this process, by account and state.
        live: 1 while what this process serves is current.
        webhook_owed, webhook_oldest: Deliveries owed to an endpoint, and for how long.
        webhook_limit: How many may be.
        webhook_attempts: By endpoint and outcome.
        webhook_lost: Deliveries given up or dropped, by endpoint and which of it.
        webhook_breaker: 1 while only probes are made.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        registry = self.registry
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        self.http_requests = Counter(
            "tracker_http_requests_total",
            "Answered HTTP requests.",
            ("method", "route", "status"),
            registry=registry,
        )
        self.http_seconds = Histogram(
            "tracker_http_request_seconds",
            "Time to answer an HTTP request.",
            ("method", "route"),
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        self.stream_connections = Gauge(
            "tracker_stream_connections", "Open WebSockets.", registry=registry
        )
        self.stream_closed = Counter(
            "tracker_stream_closed_total",
            "Closed WebSockets.",
            ("code",),
            registry=registry,
        )
        self.unreadable = Counter(
            "tracker_unreadable_messages_total",
            "Provider messages that could not be understood.",
            ("account", "what"),
            registry=registry,
        )
        self.put_aside = Counter(
            "tracker_inputs_put_aside_total",
            "Inputs that no decision could be made on.",
            ("partition",),
            registry=registry,
        )
        self.inputs = Counter(
            "tracker_inputs_total",
            "Inputs that took effect.",
            ("partition",),
            registry=registry,
        )
        self.commands = Counter(
            "tracker_commands_total",
            "Commands that reached a stage.",
            ("account", "stage"),
            registry=registry,
        )
        self.handled_seconds = Histogram(
            "tracker_input_handled_seconds",
            "From an input's inbox time to its commit.",
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        self.sources = Gauge(
            "tracker_sources",
            "Sources owned by this process.",
            ("account", "state"),
            registry=registry,
        )
        self.live = Gauge(
            "tracker_live",
            "1 while what this process serves is current.",
            registry=registry,
        )
        self.webhook_owed = Gauge(
            "tracker_webhook_owed",
            "Deliveries owed to a webhook endpoint.",
            ("endpoint",),
            registry=registry,
        )
        self.webhook_oldest = Gauge(
            "tracker_webhook_oldest_owed_seconds",
            "How long the oldest of them has been owed.",
            ("endpoint",),
            registry=registry,
        )
        self.webhook_limit = Gauge(
            "tracker_webhook_owed_limit",
            "How many may be owed to one endpoint.",
            registry=registry,
        )
        self.webhook_attempts = Counter(
            "tracker_webhook_attempts_total",
            "Requests to a webhook endpoint.",
            ("endpoint", "outcome"),
            registry=registry,
        )
        self.webhook_lost = Counter(
            "tracker_webhook_lost_total",
            "Deliveries that a webhook endpoint did not get.",
            ("endpoint", "how"),
            registry=registry,
        )
        self.webhook_breaker = Gauge(
            "tracker_webhook_breaker_open",
            "1 while a webhook endpoint is only probed.",
            ("endpoint",),
            registry=registry,
        )

    def forget_webhook(self, endpoint: str) -> None:
        """The endpoint is no more."""
        for metric in (
            *(self.webhook_owed, self.webhook_oldest, self.webhook_breaker),
            *(self.webhook_attempts, self.webhook_lost),
        ):
            metric.remove_by_labels({"endpoint": endpoint})
