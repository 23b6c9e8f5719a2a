"""The connection between browser and kernel, without the wait of 40 ms that a picture under a slider would meet.

Several short messages answer each move of a slider.  As TCP starts (Nagle's algorithm), the second one waits until the
browser has confirmed the first, and browsers confirm late.  `install.py` names this class in the server's settings.
"""

from typing import Any

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection


class PromptConnection(ZMQChannelsWebsocketConnection):
    """Jupyter's own connection to a kernel; each message is sent at once."""

    async def connect(self) -> Any:
        self.websocket_handler.set_nodelay(True)
        return await super().connect()
