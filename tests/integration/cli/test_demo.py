"""`tracker demo`, as a process."""

import signal
from pathlib import Path

from tests.integration.cli.test_commands import line_with, started
from tests.integration.servers import free_port
from tracker.client import Tracker


async def test_the_demo_takes_nothing_of_the_environment(tmp_path: Path) -> None:
    """What is set for production neither changes it nor is touched by it."""
    production, port = f"redis://127.0.0.1:{free_port()}", free_port()
    variables = {
        "TRACKER_SERVER__HOST": "0.0.0.0",  # noqa: S104 what must not count
        "TRACKER_SERVER__PORT": "abc",
        "TRACKER_STORE__URL": production,
        "TRACKER_AUTH__MODE": "jwt",
        "TRACKER_WEBHOOKS__TIMEOUT_S": "5",
    }
    arguments = ("demo", "--agents", "1", "--port", str(port))
    async with started(*arguments, cwd=tmp_path, **variables) as process:
        url = f"http://127.0.0.1:{port}"
        await line_with(f"{url}/ ", process.stdout)
        await Tracker(url).add_webhook("http://127.0.0.1:9/")
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0
    assert not (tmp_path / "tracker-data").exists()
