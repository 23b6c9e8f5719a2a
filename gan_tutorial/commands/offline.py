"""A kernel that has no network: `python -m gan_tutorial.commands.offline -f CONNECTION_FILE`, as ipykernel is started.

Whatever its Python asks of another machine is refused at once and remembered in `asked`: connections, names to look up.
What a library opens by itself, without Python, is not seen; proxies that refuse stand in for it.
"""

from __future__ import annotations

import ipaddress
import os
import runpy
import sys

REFUSES = "http://127.0.0.1:9"  # the discard port: nothing listens
asked: list[str] = []  # names and addresses, in the order in which they were wanted


def _refuse(event: str, args: tuple) -> None:
    if event in ("socket.connect", "socket.sendto"):
        host = str(args[1][0]) if isinstance(args[1], tuple) else ""  # the sockets of a file system are this machine's
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = args[0].decode(errors="replace") if isinstance(args[0], bytes) else str(args[0])
    else:
        return
    if not _is_here(host):
        asked.append(host)
        raise OSError(f"no network while the room is tried (to {host})")


def _is_here(host: str) -> bool:
    # Whether a name or an address means this machine; None and nothing at all do.
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host in ("", "None", "localhost")
    return address.is_loopback or address.is_unspecified


def leave_the_network() -> None:
    """From here on this process reaches nothing but its own machine; there is no way back."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        os.environ[name] = os.environ[name.upper()] = REFUSES
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = "127.0.0.1,localhost"
    sys.addaudithook(_refuse)


if __name__ == "__main__":
    sys.modules["gan_tutorial.commands.offline"] = sys.modules["__main__"]  # one list, whoever asks for it
    leave_the_network()
    runpy.run_module("ipykernel_launcher", run_name="__main__")
