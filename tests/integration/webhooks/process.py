"""A process that delivers: to a file, which is as good a receiver as any, and faster.

A line of the file is one request: ``<status> <webhook-id> <entity> <sequence>``. What
the process is told on stdin: ``down``, ``up`` (how the receiver answers), and ``speed
N`` and ``jump SECONDS``, of its clock.
"""

import asyncio
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import uvloop

from tests.integration.webhooks.rig import PARTITIONS, SETTINGS, Rig, rigged
from tracker.outlets.webhooks.sender import Answer

CONCURRENCY: Final = 256
_FIELDS: Final = re.compile(rb'"subject":"([^"]+)".*?"sequence":"(\d+)"')


class FileReceiver:
    """What is written is received, also when the process dies before it knows."""

    def __init__(self, file: Path) -> None:
        self.down = True
        self._file = file.open("a", buffering=1)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Take it, or not."""
        del url
        found = _FIELDS.search(body)
        assert found is not None
        entity, sequence = (part.decode() for part in found.groups())
        status = 503 if self.down else 200
        line = f"{status} {headers['webhook-id']} {entity} {int(sequence)}\n"
        self._file.write(line)
        await asyncio.sleep(0)
        return Answer(status, 1, error=None if status == 200 else f"HTTP {status}")


async def obey(rig: Rig, receiver: FileReceiver) -> None:
    """Do what stdin says, until it ends."""
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async for line in lines:
        word, *rest = line.decode().split()
        if word == "speed":
            rig.clock.run(float(rest[0]))
        elif word == "jump":
            rig.clock.jump(float(rest[0]))
        else:
            receiver.down = word == "down"


async def main(url: str, file: Path) -> None:
    """Deliver until stdin ends."""
    receiver = FileReceiver(file)
    settings = SETTINGS.model_copy(update={"concurrency": CONCURRENCY})
    async with (
        rigged(url, PARTITIONS) as rig,
        rig.dispatching(settings, f"p{id(rig)}", receiver),
    ):
        await obey(rig, receiver)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], Path(sys.argv[2])))
