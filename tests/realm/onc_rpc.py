# SPDX-License-Identifier: Apache-2.0
"""A client of plain ONC RPC (RFC 5531) over a connected socket, that may have many calls in flight."""
import struct

CALL, VERSION = 0, 2
ACCEPTED, SUCCESS = 0, 0
LAST_FRAGMENT = 0x80000000


class Refused(Exception):
    """A reply without results: its words from "accepted or denied" on."""


def opaque(octets):
    return struct.pack(">I", len(octets)) + octets + bytes(-len(octets) % 4)


def record(message):
    return struct.pack(">I", LAST_FRAGMENT | len(message)) + message


def call_record(xid, program, version, procedure, arguments=b"", flavor=0, credential=b""):
    head = struct.pack(">7I", xid, CALL, VERSION, program, version, procedure, flavor)
    return record(head + opaque(credential) + struct.pack(">II", 0, 0) + arguments)


def read_reply(message):
    """The number of the call, and its results."""
    xid, _, denied = struct.unpack_from(">III", message)
    if denied:
        raise Refused("denied", *struct.unpack(f">{(len(message) - 12) // 4}I", message[12:]))
    size, = struct.unpack_from(">I", message, 16)
    status, = struct.unpack_from(">I", message, 20 + size)
    if status != SUCCESS:
        raise Refused("accepted", status)
    return xid, message[24 + size:]


class Caller:
    """Of one program, over a socket that others close."""

    def __init__(self, connected, program, version):
        self.socket, self.program, self.version = connected, program, version

    def send(self, numbers, procedure, arguments=b"", **credential):
        """Calls with these numbers, in one write."""
        self.socket.sendall(b"".join(call_record(xid, self.program, self.version, procedure, arguments, **credential)
                                     for xid in numbers))

    def receive(self):
        """The next reply."""
        message, more = b"", True
        while more:
            mark, = struct.unpack(">I", self._exactly(4))
            more = not mark & LAST_FRAGMENT
            message += self._exactly(mark & ~LAST_FRAGMENT)
        return read_reply(message)

    def call(self, procedure, arguments=b"", xid=1, **credential):
        self.send([xid], procedure, arguments, **credential)
        answered, results = self.receive()
        if answered != xid:
            raise AssertionError(f"call {xid} has the answer of {answered}")
        return results

    def _exactly(self, size):
        data = bytearray()
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                raise EOFError(f"the channel ended {len(data)} octets into {size}")
            data += part
        return bytes(data)
