"""Close codes: 4000-4499 mean come back, 4500-4999 do not, as you are."""

from types import MappingProxyType
from typing import Final

GOING_AWAY: Final = 4001
EVENTS_LOST: Final = 4002
SLOW: Final = 4008
EXPIRED: Final = 4009
RIGHTS_CHANGED: Final = 4010
KEYS_AWAY: Final = 4011
TOO_MANY: Final = 4029
NOT_TEXT: Final = 4500
UNAUTHORIZED: Final = 4503

MEANINGS: Final = MappingProxyType(
    {
        1002: "What came was not the WebSocket protocol.",
        1007: "A text frame was not UTF-8.",
        1009: "A frame was larger than `max_frame_bytes`.",
        GOING_AWAY: "This process goes away; come back and resume by cursor.",
        EVENTS_LOST: "The store lost entries; come back and resume by cursor: what "
        "can no longer be told whole is told by a snapshot.",
        SLOW: "More was unsent than may be; come back and resume by cursor.",
        EXPIRED: "The access token has expired; come back with a new one.",
        RIGHTS_CHANGED: "The new token allows other things than the one before; come "
        "back and subscribe anew.",
        KEYS_AWAY: "Access tokens cannot be verified yet; come back.",
        TOO_MANY: "The token's subject has too many sockets; come back later.",
        NOT_TEXT: "A binary frame; send one JSON object per text frame.",
        UNAUTHORIZED: "No access token in time, or one that is not good.",
    }
)
"""Every code that this side closes with."""
