"""A network of its own for an audited application: nothing but its own loopback, where the system allows it (Linux)."""

import contextlib
import ctypes
import os
import socket
import struct
from pathlib import Path
from typing import Any, Final, Literal

Network = Literal["namespace", "hooks"]
"""How outbound connections are held back: by the kernel, or by hooks in Python, which native code does not ask."""

_NEW_NETWORK: Final = 0x40000000
_NEW_USER: Final = 0x10000000
"""``CLONE_NEWNET`` and ``CLONE_NEWUSER`` of unshare(2)."""
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1
"""``SIOCGIFFLAGS``, ``SIOCSIFFLAGS`` and ``IFF_UP`` of netdevice(7)."""


def leave_the_network() -> Network:
    """Move this process, which must have one thread, into an empty network. ``hooks`` where the system does not allow it."""
    unshare = _unshare()
    if unshare is None:
        return "hooks"
    user, group = os.getuid(), os.getgid()
    if unshare(_NEW_NETWORK) != 0:
        if unshare(_NEW_USER | _NEW_NETWORK) != 0:
            return "hooks"
        _stay_who_we_are(user, group)
    with contextlib.suppress(OSError):
        _bring_up_loopback()
    return "namespace"


def _unshare() -> Any:
    try:
        return ctypes.CDLL(None, use_errno=True).unshare
    except (OSError, AttributeError, TypeError):
        return None


def _stay_who_we_are(user: int, group: int) -> None:
    """In a user namespace of our own our ids are nobody's until they are mapped (user_namespaces(7))."""
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with contextlib.suppress(OSError):
            Path("/proc/self", name).write_text(text, encoding="ascii")


def _bring_up_loopback() -> None:
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        asked = struct.pack("16sH14s", b"lo", 0, b"")
        flags = struct.unpack("16sH14s", fcntl.ioctl(control.fileno(), _GET_FLAGS, asked))[1]
        fcntl.ioctl(control.fileno(), _SET_FLAGS, struct.pack("16sH14s", b"lo", flags | _UP, b""))
