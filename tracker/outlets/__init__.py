"""What leaves tracker: HTTP and the WebSocket, on one port.

``auth`` says who asks, ``payload`` is what all outlets share, each outlet offers
``routes()``, and ``server`` puts them behind one middleware and one socket.
"""
