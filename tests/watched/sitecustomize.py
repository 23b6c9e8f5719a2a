"""Python imports this before anything else where this folder is on its path: each request to another machine is noted.

In the file that GAN_TUTORIAL_REQUESTS names, a line each: what was asked for. A test reads it.
"""

import os
import sys

HERE = ("127.", "localhost", "::1", "0.0.0.0")
PLACES = {"urllib.Request": 0, "http.client.connect": 1, "socket.getaddrinfo": 0, "socket.connect": 1}


def note(event: str, args: tuple) -> None:
    if event not in PLACES:
        return
    place = args[PLACES[event]]
    host = place[0] if isinstance(place, tuple) else place
    if isinstance(host, bytes):
        host = host.decode(errors="replace")
    if isinstance(host, str) and host and not host.startswith(("/", "\0", *HERE)):  # a path: a socket of this machine
        with open(os.environ["GAN_TUTORIAL_REQUESTS"], "a") as file:
            file.write(f"{event} {host}\n")


if "GAN_TUTORIAL_REQUESTS" in os.environ:
    sys.addaudithook(note)
