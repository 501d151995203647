"""The audio of recordings: any size, never held whole, and told apart by its bytes.

It is MP3, as the file names of the documents say: silent frames of MPEG-1 Layer III,
32 kbit/s, 32 kHz, mono, each 144 bytes and 36 ms long. What decoders skip in a silent
frame says whose and the how manieth frame it is, so that a shifted or mixed-up part of
a file is no part of it.
"""

from collections.abc import Iterator

CONTENT_TYPE = "audio/mpeg"
FRAME_BYTES = 144

_HEADER = bytes.fromhex("fffb18c0")
_SIDE_INFO = bytes(17)
_FRAMES = 1_820
_BLOCK_BYTES = _FRAMES * FRAME_BYTES
_NUMBER_AT = len(_HEADER) + len(_SIDE_INFO)
_NUMBER_BYTES = 12


def audio_chunks(recording_id: int, start: int, stop: int) -> Iterator[bytes]:
    """The bytes from *start* until before *stop*, in chunks of at most 256 KiB."""
    template = _template(recording_id)
    while start < stop:
        number, begin = divmod(start, _BLOCK_BYTES)
        end = min(_BLOCK_BYTES, begin + stop - start)
        yield _block(template, number)[begin:end]
        start += end - begin


def _template(recording_id: int) -> bytes:
    """A block of frames, each with its number within the block."""
    frames = []
    for frame in range(_FRAMES):
        mark = f"{0:0{_NUMBER_BYTES}}/{frame:04}/{recording_id}".encode()
        frame_bytes = _HEADER + _SIDE_INFO + mark
        frames.append(frame_bytes.ljust(FRAME_BYTES, b"\0")[:FRAME_BYTES])
    return b"".join(frames)


def _block(template: bytes, number: int) -> bytes:
    """The block of that number, which its first frame says."""
    mark = f"{number:0{_NUMBER_BYTES}}".encode()
    return template[:_NUMBER_AT] + mark + template[_NUMBER_AT + _NUMBER_BYTES :]
