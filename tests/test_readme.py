"""The README keeps up: what has a name in public has its line there."""

import typing
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from tracker.outlets.dashboard import PATHS
from tracker.outlets.http import (
    calls,
    commands,
    deliveries,
    documents,
    events,
    exports,
    health,
    recordings,
    sources,
    watches,
    webhooks,
)
from tracker.outlets.websocket.codes import MEANINGS
from tracker.settings import Settings
from tracker.telemetry import Metrics

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def settings(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """The dotted names of all settings below *model*."""
    for name, field in model.model_fields.items():
        annotation = field.annotation
        models = [
            inner
            for inner in (annotation, *typing.get_args(annotation))
            if isinstance(inner, type) and issubclass(inner, BaseModel)
        ]
        if models:
            yield from settings(models[0], f"{prefix}{name}.")
        else:
            yield prefix + name


def metrics() -> Iterator[str]:
    """The names of tracker's own metrics, as they are exposed."""
    for family in Metrics().registry.collect():
        if family.name.startswith("tracker_"):
            suffix = "_total" if family.type == "counter" else ""
            yield family.name + suffix


@pytest.mark.parametrize("name", list(settings(Settings)))
def test_every_setting_has_its_line(name: str) -> None:
    """A setting that nobody can find does not exist."""
    assert f"| `{name}` |" in README


@pytest.mark.parametrize("name", list(metrics()))
def test_every_metric_has_its_line(name: str) -> None:
    """An operator knows what a figure means."""
    assert f"| `{name}` |" in README


@pytest.mark.parametrize("code", list(MEANINGS))
def test_every_close_code_has_its_line(code: int) -> None:
    """A client knows whether to come back."""
    assert f"| `{code}` |" in README


OPERATIONS = [
    *calls.OPERATIONS,
    *commands.OPERATIONS,
    *watches.OPERATIONS,
    *events.OPERATIONS,
    *sources.OPERATIONS,
    *recordings.OPERATIONS,
    *exports.OPERATIONS,
    *webhooks.OPERATIONS,
    *deliveries.OPERATIONS,
    *health.operations(),
    *documents.document_operations({}),
]


@pytest.mark.parametrize("path", sorted({operation.path for operation in OPERATIONS}))
def test_every_route_has_its_line(path: str) -> None:
    """What can be asked is listed."""
    assert f"`{path}`" in README


@pytest.mark.parametrize("path", [path for path in PATHS if path.count("/") == 1])
def test_every_page_has_its_line(path: str) -> None:
    """So is what a browser can be sent to, or a page can load."""
    assert f"`{path}`" in README
