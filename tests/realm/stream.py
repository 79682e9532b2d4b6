# SPDX-License-Identifier: Apache-2.0
"""A channel to a service that echoes, never idle: what comes back is hashed against what was sent."""
import contextlib
import hashlib
import os
import socket
import threading

from programs import eventually


class Stream:
    """Takes the channel's descriptor over. `pace`: seconds between two blocks, so that a small machine has some left."""

    def __init__(self, descriptor, block=65536, pace=0.01):
        self.socket = socket.socket(fileno=descriptor)
        self.socket.settimeout(20)
        self.block, self.pace = os.urandom(block), pace
        self.sent, self.echoed = hashlib.sha256(), hashlib.sha256()
        self.octets, self.error = 0, None
        self._end = threading.Event()
        self._sender, self._receiver = threading.Thread(target=self._send), threading.Thread(target=self._receive)
        self._sender.start()
        self._receiver.start()

    def _send(self):
        with contextlib.suppress(OSError):
            while not self._end.wait(self.pace):
                self.socket.sendall(self.block)
                self.sent.update(self.block)
            self.socket.shutdown(socket.SHUT_WR)

    def _receive(self):
        try:
            while data := self.socket.recv(65536):
                self.echoed.update(data)
                self.octets += len(data)
        except OSError as error:
            self.error = error

    def flows(self):
        """Waits until octets have come back that were not there before."""
        before = self.octets
        eventually(lambda: self.octets > before + 4 * len(self.block), 10, "octets that come back")

    def ends(self, bound=5):
        """Waits for the end that a dead channel has."""
        self._receiver.join(bound)
        return not self._receiver.is_alive()

    def finish(self):
        """Ends our direction; true if the peer ended its own and all that was sent came back, to the last octet."""
        self._end.set()
        for thread in (self._sender, self._receiver):
            thread.join(10)
        ended = not self._sender.is_alive() and not self._receiver.is_alive()
        whole = ended and self.error is None and self.sent.digest() == self.echoed.digest()
        self.socket.close()
        return whole
