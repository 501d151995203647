"""Stored recordings and exports, as platforms tell of them."""

from typing import Any

from tracker.domain.archive import ExportJob, ExportSnapshot, MediaSnapshot

ACCOUNT = "kazoo/acme"


def recording(name: str = "r1", call: str | None = None, **more: Any) -> MediaSnapshot:
    """One, of the *call* with this name, or of nobody knows which."""
    fields: dict[str, Any] = {
        "key": f"{ACCOUNT}/{name}",
        "provider": "kazoo",
        "account": "acme",
        "kind": "kazoo",
        "call_id": call,
        "call_key": call and f"{ACCOUNT}/{call}",
    }
    return MediaSnapshot.model_validate(fields | more)


def export(state: str = "running", done: int = 0, **more: Any) -> ExportSnapshot:
    """One of one job, of which *done* files are done."""
    job = ExportJob.model_validate({"id": "j1", "state": state})
    fields: dict[str, Any] = {
        "key": f"{ACCOUNT}/e1",
        "provider": "kazoo",
        "account": "acme",
        "state": state,
        "jobs": (job.but(files_completed=done, files_total=9),),
    }
    return ExportSnapshot.model_validate(fields | more)
