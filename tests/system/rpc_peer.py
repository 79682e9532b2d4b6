# SPDX-License-Identifier: Apache-2.0
"""The far end of wire `rpcsec_gss` (RFC 2203), written anew over python3-gssapi: contexts are made, and no more.

What gss_peer.Peer calls a frame is here the token in a call of INIT or CONTINUE_INIT, or in its reply.
"""
import struct

import gssapi.raw as gss

import onc_rpc
from gss_peer import Peer
from peers import PROGRAM, VERSION

RPCSEC_GSS = 6
INIT, CONTINUE_INIT = 1, 2
PRIVACY = 3
WINDOW = 128


class Words:
    """XDR's units of a message, one after the other."""

    def __init__(self, octets):
        self._octets, self._at = octets, 0

    def number(self):
        self._at += 4
        return struct.unpack_from(">I", self._octets, self._at - 4)[0]

    def opaque(self):
        size = self.number()
        begin, self._at = self._at, self._at + size + -size % 4
        return self._octets[begin:begin + size]


def credential(procedure, handle=b""):
    return struct.pack(">4I", 1, procedure, 0, PRIVACY) + onc_rpc.opaque(handle)


class Denied(Exception):
    """A reply that denies the call: its words."""


class RpcPeer(Peer):
    def __init__(self, connected, bound=15.0):
        super().__init__(connected, bound)
        self.handle, self.xid, self.major = b"", 1, 0

    def next_record(self):
        """The next record's words, or None at the end of the connection."""
        mark = self.next_length()
        return None if mark is None else Words(self.exactly(mark & ~onc_rpc.LAST_FRAGMENT))

    # The initiator's side

    def frame(self, token):
        self.xid += 1
        self.raw(onc_rpc.call_record(self.xid, PROGRAM, VERSION, 0, onc_rpc.opaque(token), RPCSEC_GSS,
                                     credential(CONTINUE_INIT if self.handle else INIT, self.handle)))

    def next_frame(self):
        """The reply's token, with its handle and status; None at the end of the connection or without a token."""
        reply = self.next_record()
        if reply is None:
            return None
        numbers = [reply.number() for _ in range(3)]
        if numbers != [self.xid, 1, 0]:
            raise Denied(numbers)
        self.verifier_flavor, self.verifier, status = reply.number(), reply.opaque(), reply.number()
        if status != 0:
            raise Denied(status)
        self.handle, self.major, self.minor, self.window = reply.opaque(), reply.number(), reply.number(), reply.number()
        return reply.opaque() or None

    # The acceptor's side

    def take(self, keytab):
        """Reads the initiator's call of INIT and completes the context, without an answer yet."""
        call = self.next_record()
        self.init_xid = call.number()
        for _ in range(5):  # that it is a call, of which version, program, its version and procedure
            call.number()
        flavor, self.credential, _, _ = call.number(), call.opaque(), call.number(), call.opaque()
        if flavor != RPCSEC_GSS:
            raise AssertionError(f"the first call has flavor {flavor}")
        return self.complete(call.opaque(), keytab)

    def accept(self, keytab):
        self.answer_init(self.take(keytab))

    def answer_init(self, token, handle=b"a handle", verifier=None):
        """Its reply, with the proof of the window unless another is given."""
        window = struct.pack(">I", WINDOW)
        proof = gss.get_mic(self.context, window) if verifier is None else verifier
        self.raw(onc_rpc.record(struct.pack(">4I", self.init_xid, 1, 0, RPCSEC_GSS) + onc_rpc.opaque(proof)
                                + struct.pack(">I", 0) + onc_rpc.opaque(handle) + struct.pack(">2I", 0, 0) + window
                                + onc_rpc.opaque(token)))
