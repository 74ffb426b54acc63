"""Keeps a locustfile from loading hosts that the study does not allow. Loaded before everything else.

NEST_HOSTS names the hosts, separated by commas; this machine is always allowed. A locustfile is code and can
go around this: it is a rail against mistakes, not a wall.
"""

from __future__ import annotations

import ipaddress
import os
from typing import Any

import gevent.socket

import locust  # noqa: F401  # it has gevent take the place of the sockets

ALLOWED = {host.strip().lower() for host in os.environ.get("NEST_HOSTS", "").split(",") if host.strip()}
ADDRESSES: set[str] = set()  # of the hosts that are allowed


class HostNotAllowed(OSError):
    """The study does not allow this host."""

    def __init__(self, host: str) -> None:
        super().__init__(f"host {host} is not allowed: add it to allow_hosts of the study")


def is_here(host: str) -> bool:
    if host in ("", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host.split("%")[0]).is_loopback
    except ValueError:
        return False


def check(host: Any) -> bool:
    """Whether a host is allowed by name."""
    name = (host.decode() if isinstance(host, bytes) else str(host or "")).lower().strip("[]").rstrip(".")
    return is_here(name) or name in ALLOWED or name in ADDRESSES


def guard(module: Any) -> None:
    """Has a module look up and connect to allowed hosts only."""
    look_up = module.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        if not check(host):
            raise HostNotAllowed(str(host))
        found = look_up(host, *args, **kwargs)
        ADDRESSES.update(entry[4][0] for entry in found)
        return found

    module.getaddrinfo = getaddrinfo


def guard_connect(kind: Any, verb: str) -> None:
    connect = getattr(kind, verb)

    def guarded(self: Any, address: Any) -> Any:
        if isinstance(address, tuple) and not check(address[0]):
            raise HostNotAllowed(str(address[0]))
        return connect(self, address)

    setattr(kind, verb, guarded)


if os.environ.get("NEST_SOCKET"):
    import socket

    for place in (socket, gevent.socket):
        guard(place)
    for name in ("connect", "connect_ex"):
        guard_connect(gevent.socket.socket, name)
