"""Log lines without credentials, and the metrics of a process."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from prometheus_client import generate_latest

from tracker.telemetry import REDACTED, LogSettings, Metrics, configure_logging, redact


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_lines_are_json_with_time_level_and_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Both structlog's and the standard library's records become one JSON line each."""
    configure_logging(LogSettings(format="json"))
    structlog.get_logger("a.b").info("source lost", source="genesys/acme/jdoe")
    logging.getLogger("c.d").warning("it is %s", "so")
    first, second = lines(capsys)
    assert first["event"] == "source lost"
    assert first["source"] == "genesys/acme/jdoe"
    assert (first["level"], first["logger"]) == ("info", "a.b")
    assert first["timestamp"].endswith("Z")
    assert (second["event"], second["level"]) == ("it is so", "warning")


def test_the_level_is_a_threshold(capsys: pytest.CaptureFixture[str]) -> None:
    """What is below the level is not written, whoever logs it."""
    configure_logging(LogSettings(format="json", level="error"))
    structlog.get_logger("a").warning("one")
    logging.getLogger("b").warning("two")
    structlog.get_logger("a").error("three")
    assert [line["event"] for line in lines(capsys)] == ["three"]


@pytest.mark.parametrize("form", ["json", "console"])
def test_credentials_are_blanked(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither a credential by its name, nor one in a URL or a traceback's locals."""
    configure_logging(LogSettings.model_validate({"format": form}))
    password = "hunter2"  # noqa: S105 it must not be seen
    try:
        int("boom")
    except ValueError:
        structlog.get_logger("a").exception(
            "failed",
            password=password,
            headers={"Authorization": password, "Accept": "x"},
            cookies=[password],
            url=f"redis://user:{password}@host/0",
            token=7,
        )
    written = capsys.readouterr().err
    assert password not in written
    assert "boom" in written
    assert "host/0" in written


def test_redaction_keeps_what_is_no_secret() -> None:
    """Fencing tokens are numbers, and other values stay as they are."""
    event = redact(
        None, "info", {"token": 7, "access_token": "x", "source": "a", "n": [1, "b"]}
    )
    assert event == {"token": 7, "access_token": REDACTED, "source": "a", "n": [1, "b"]}


def test_every_process_has_its_own_registry() -> None:
    """Two sets of metrics do not meet, and each shows the process itself."""
    first, second = Metrics(), Metrics()
    first.put_aside.labels(7).inc()
    text = generate_latest(first.registry).decode()
    assert 'tracker_inputs_put_aside_total{partition="7"} 1.0' in text
    assert "process_resident_memory_bytes" in text
    assert 'partition="7"' not in generate_latest(second.registry).decode()


def test_nothing_is_left_of_a_webhook_that_is_no_more() -> None:
    """All its series go, those of others stay; once more changes nothing."""
    metrics = Metrics()
    for id_ in ("ep_a", "ep_b"):
        metrics.webhook_owed.labels(id_).set(1)
        metrics.webhook_oldest.labels(id_).set(1)
        metrics.webhook_breaker.labels(id_).set(1)
        metrics.webhook_attempts.labels(id_, "succeeded").inc()
        metrics.webhook_attempts.labels(id_, "failed").inc()
        metrics.webhook_lost.labels(id_, "dropped").inc()
    before = generate_latest(metrics.registry).decode()
    metrics.forget_webhook("ep_a")
    metrics.forget_webhook("ep_a")
    text = generate_latest(metrics.registry).decode()
    assert "ep_a" not in text
    assert text.count("ep_b") == before.count("ep_b")
