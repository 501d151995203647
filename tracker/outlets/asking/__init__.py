"""Asking for commands and watches: one place for HTTP and the WebSocket.

What an asker may not see is absent to them.
"""

from tracker.outlets.asking.asker import Asked, Asker
from tracker.outlets.asking.flow import Asking
from tracker.outlets.asking.problems import problem_of

__all__ = ["Asked", "Asker", "Asking", "problem_of"]
