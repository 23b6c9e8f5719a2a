"""Run a command where there is no network but this machine's own: `python no_network.py COMMAND ...`.

On Linux in a network namespace of its own.  Where that is not allowed, and elsewhere, proxies that refuse stand in for
it: what asks through urllib or requests is refused, what opens a socket by itself is not.
"""

import ctypes
import os
import socket
import struct
import sys

NEW_USER, NEW_NETWORK = 0x10000000, 0x40000000  # sched.h
SET_FLAGS, UP = 0x8914, 0x1  # SIOCSIFFLAGS, IFF_UP
REFUSES = "http://127.0.0.1:9"  # the discard port: nothing listens


def leave_the_network() -> bool:
    """Whether this process now has a network of its own, which ends at the loopback device."""
    if sys.platform != "linux":
        return False
    import fcntl  # not on Windows

    unshare = ctypes.CDLL(None).unshare
    if unshare(NEW_NETWORK) and unshare(NEW_USER | NEW_NETWORK):
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:  # kernels and their clients talk through it
        fcntl.ioctl(device, SET_FLAGS, struct.pack("16sH", b"lo", UP))
    return True


if __name__ == "__main__":
    leave_the_network()
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        os.environ[name] = os.environ[name.upper()] = REFUSES
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = "127.0.0.1,localhost"
    os.execvp(sys.argv[1], sys.argv[1:])
