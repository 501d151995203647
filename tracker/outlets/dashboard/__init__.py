"""What browsers fetch: the dashboard, the widget, the JavaScript client.

All of it are files of this package, public and without any data: that comes over the
API, to whoever shows a token there. The modules may be loaded by pages from elsewhere,
which embed the widget.
"""

from tracker.outlets.dashboard.static import PATHS, front, routes

__all__ = ["PATHS", "front", "routes"]
