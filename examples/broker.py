# SPDX-License-Identifier: Apache-2.0
"""mutuald's API from Python with nothing but the standard library: one call, one reply, one descriptor.

The API is Varlink: JSON objects that end with a NUL, over a Unix socket; a channel comes as ancillary data. What can be
called is told by `mutualctl introspect org.mutuald.Broker`.
"""
import json
import os
import socket
import struct
import sys
import time

SOCKET = "/run/mutuald/mutuald.sock"
SO_COOKIE = 57  # the socket module does not name it


class Refused(Exception):
    """The daemon's answer is an error: its name, and what it tells."""

    def __init__(self, error, told):
        super().__init__(told.get("message", error))
        self.code = error.rpartition(".")[2]
        self.stage, self.hint = told.get("stage", "request"), told.get("hint", "")


def call(method, **parameters):
    """Calls org.mutuald.Broker's method. Returns the reply's parameters and the channel that came with it, or None."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as broker:
        try:
            broker.connect(SOCKET)
        except OSError as error:
            raise Refused("Unavailable", {"message": f"connect to {SOCKET}: {error.strerror}",
                                          "hint": "is mutuald running? systemctl start mutuald"}) from error
        request = {"method": f"org.mutuald.Broker.{method}", "parameters": parameters}
        broker.sendall(json.dumps(request).encode() + b"\0")
        text, descriptors = b"", []
        while not text.endswith(b"\0"):
            some, more, _, _ = socket.recv_fds(broker, 65536, 1)
            if not some:
                raise ConnectionResetError("the daemon went away before it answered")
            text += some
            descriptors += more
    reply = json.loads(text[:-1])
    if "error" in reply:
        raise Refused(reply["error"], reply.get("parameters", {}))
    return reply["parameters"], socket.socket(fileno=descriptors[0]) if descriptors else None


def open_channel(service, **narrow):
    """The peer has proved its name, and it has admitted us. `narrow`: host, keywords, timeoutMilliseconds and so on."""
    if "KRB5CCNAME" in os.environ:
        narrow.setdefault("credentialCache", os.environ["KRB5CCNAME"])
    return call("Open", request={"service": service, **narrow})


def accept_channel(service):
    """Waits until a peer opens a channel to a service of this host; asks again when the daemon restarts."""
    while True:
        try:
            return call("Accept", service=service)
        except ConnectionResetError:
            time.sleep(0.1)  # not in a hurry: a starting daemon has other things to do


def verdict(channel):
    """How the peer's stream ended: only "authenticated" means that nothing is missing. None: it goes on."""
    cookie, = struct.unpack("q", channel.getsockopt(socket.SOL_SOCKET, SO_COOKIE, 8))
    return call("WhoIs", cookie=cookie)[0]["channel"].get("verdict")


def read_all(channel):
    """Everything up to the peer's end."""
    text = b""
    while some := channel.recv(65536):
        text += some
    return text


def show(program, error):
    """What happened, where, and often what to do about it."""
    print(f"{program}: {error.code} at {error.stage}: {error}", file=sys.stderr)
    if error.hint:
        print(f"hint: {error.hint}", file=sys.stderr)
