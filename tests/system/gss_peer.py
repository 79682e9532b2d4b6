# SPDX-License-Identifier: Apache-2.0
"""The far end of wire `gss`, written anew over python3-gssapi, so that the daemon talks to code that is not ours.

Frames are a 32-bit big-endian length and that many octets: first handshake tokens, then wrap tokens; an empty
plaintext ends a stream. Sockets are made inside a host's network namespace; every octet is the test's to choose.
"""
import contextlib
import ctypes
import os
import socket
import struct

import gssapi
import gssapi.raw as gss

import host

KERBEROS = gssapi.OID.from_int_seq("1.2.840.113554.1.2.2")
SPNEGO = gssapi.OID.from_int_seq("1.3.6.1.5.5.2")
FLAG = gss.RequirementFlag
USUAL = {FLAG.mutual_authentication, FLAG.out_of_sequence_detection}  # what knc asks for
MOST_RECORD = 66_048
LENGTH = struct.Struct(">I")

_libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def network_of(world, name):
    """Sockets made in this block belong to the host's network, and stay there."""
    with open("/proc/self/ns/net") as ours, open(f"/proc/{world.pids[name]}/ns/net") as theirs:
        if _libc.setns(theirs.fileno(), 0) != 0:
            raise OSError(ctypes.get_errno(), f"enter the network of {name}")
        try:
            yield
        finally:
            if _libc.setns(ours.fileno(), 0) != 0:
                raise OSError(ctypes.get_errno(), "return to the own network")


def connect(world, name, target, port, bound=15.0):
    with network_of(world, name):
        return socket.create_connection((host.ADDRESSES[target], port), bound)


def listen(world, name, port):
    with network_of(world, name):
        listener = socket.create_server((host.ADDRESSES[name], port))
    listener.settimeout(15.0)
    return listener


def use_realm(world):
    """Points the Kerberos library of this process to the realm; its KDC is only reachable inside network_of()."""
    path = f"{world.folder}/peer.conf"
    with open(path, "w") as file:
        file.write(world.krb5_conf.replace(f"kdc = {host.full_name('dc')}", f"kdc = {host.ADDRESSES['dc']}"))
    os.environ.update(KRB5_CONFIG=path, KRB5RCACHENAME="none:")


def leave_realm():
    for name in ("KRB5_CONFIG", "KRB5RCACHENAME"):
        os.environ.pop(name, None)


def framed(octets):
    return LENGTH.pack(len(octets)) + octets


def altered(token):
    return token[:-1] + bytes([token[-1] ^ 1])


def token_of(oid):
    """A first token (RFC 2743 3.1) of the mechanism, which goes no further than its name."""
    inner = b"\x06" + bytes([len(oid)]) + oid + b"\x01\x00rest"
    return b"\x60" + bytes([len(inner)]) + inner


class Peer:
    """One end of one connection."""

    def __init__(self, connected, bound=15.0):
        self.socket = connected
        self.socket.settimeout(bound)
        self.context = self.flags = self.name = self.delegated = None

    def close(self):
        self.socket.close()

    def end(self):
        """Sends no more, if the other side has not ended the connection by then."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)

    # Frames

    def raw(self, octets):
        self.socket.sendall(octets)

    def frame(self, octets):
        self.last_frame = framed(octets)
        self.raw(self.last_frame)

    def exactly(self, size):
        data = bytearray()
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                raise EOFError(f"the connection ended {len(data)} octets into {size}")
            data += part
        return bytes(data)

    def next_length(self):
        """The number before the next frame, or None at the end of the connection."""
        try:
            first = self.socket.recv(1)
        except ConnectionResetError:
            return None
        return LENGTH.unpack(first + self.exactly(3))[0] if first else None

    def next_frame(self):
        """The next frame's octets, or None at the end of the connection."""
        size = self.next_length()
        return None if size is None else self.exactly(size)

    def rest(self):
        """All that comes until the connection ends, and how it ends: "end" or "reset"."""
        data = b""
        while True:
            try:
                part = self.socket.recv(65536)
            except ConnectionResetError:
                return data, "reset"
            if not part:
                return data, "end"
            data += part

    # Handshakes

    def initiate(self, spn, cache, flags=USUAL, mechanism=KERBEROS):
        """The whole handshake; returns whether the acceptor answered all of it."""
        token = self.first_token(spn, cache, flags, mechanism)
        self.frame(token)
        while self.more:
            answer = self.next_frame()
            if answer is None:
                return False
            token = self.answer(answer)
            if token:
                self.frame(token)
        return True

    def first_token(self, spn, cache, flags=USUAL, mechanism=KERBEROS):
        self._target = gss.import_name(f"{spn}@{host.REALM}".encode(), gssapi.NameType.kerberos_principal)
        self._asked = {"creds": gss.acquire_cred_from({b"ccache": cache.encode()}, usage="initiate").creds,
                       "flags": flags, "mech": mechanism}
        return self.answer(None)

    def answer(self, token):
        done = gss.init_sec_context(self._target, **self._asked, context=self.context, input_token=token)
        self.context, self.flags, self.more = done.context, set(done.flags), done.more_steps
        return done.token

    def accept(self, keytab):
        """The acceptor's side; returns when the context is complete and the last token is sent."""
        self.last_token = self.take(keytab)
        self.frame(self.last_token)

    def take(self, keytab):
        """Reads the initiator's token and completes the context, without an answer yet."""
        token = self.next_frame()
        if token is None:
            raise EOFError("the initiator sent no token")
        return self.complete(token, keytab)

    def complete(self, token, keytab):
        """Accepts the initiator's token; returns the one that answers it."""
        creds = gss.acquire_cred_from({b"keytab": keytab.encode()}, usage="accept").creds
        done = gss.accept_sec_context(token, creds)
        self.context, self.flags, self.delegated = done.context, set(done.flags), done.delegated_creds
        self.name = gss.display_name(done.initiator_name, False).name.decode()
        return done.token

    # Records

    def seal(self, plaintext, confidential=True):
        return gss.wrap(self.context, plaintext, confidential).message

    def open(self, record):
        """Its plaintext; an exception if it is not exactly the next one, and confidential."""
        opened = gss.unwrap(self.context, record)
        if not opened.encrypted:
            raise AssertionError("a record was not encrypted")
        return opened.message

    def send(self, plaintext):
        for start in range(0, len(plaintext), 16384):
            self.frame(self.seal(plaintext[start:start + 16384]))

    def finish(self):
        """Says under protection that no more will be sent."""
        self.frame(self.seal(b""))

    def receive(self):
        """The next record's plaintext: empty for the authenticated end, None where the connection just ended."""
        record = self.next_frame()
        return None if record is None else self.open(record)

    def receive_all(self):
        """All records until the authenticated end; EOFError where the connection ends without one."""
        data = bytearray()
        while True:
            part = self.receive()
            if part is None:
                raise EOFError("the stream ended without an authenticated end")
            if not part:
                return bytes(data)
            data += part

    def receive_some(self, size):
        data = bytearray()
        while len(data) < size:
            part = self.receive()
            if not part:
                raise EOFError(f"the stream ended {len(data)} octets into {size}")
            data += part
        return bytes(data)
