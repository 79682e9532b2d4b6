#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The server program of the example service: reads who its peer is from the PROXY v2 header, answers each line."""
import os
import socketserver
import struct
import sys

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
ADDRESS_SIZES = {0x00: 0, 0x11: 12, 0x21: 36, 0x31: 216}
PEER = 0xE0


class NoHeader(Exception):
    pass


def exactly(file, size):
    data = file.read(size)
    if len(data) != size:
        raise NoHeader("the connection ended within the header")
    return data


def peer_of(file):
    """The peer's principal, from the header that mutuald writes before the channel's bytes."""
    signature, version, family, size = struct.unpack(">12sBBH", exactly(file, 16))
    if signature != SIGNATURE or version != 0x21:
        raise NoHeader("this is no PROXY v2 header")
    values = exactly(file, size)[ADDRESS_SIZES[family]:]
    while values:
        kind, length = struct.unpack(">BH", values[:3])
        if kind == PEER:
            return values[3:3 + length].decode()
        values = values[3 + length:]
    raise NoHeader("the header names no peer")


class Ledger(socketserver.StreamRequestHandler):
    def handle(self):
        try:
            peer = peer_of(self.rfile)
        except NoHeader as error:
            print(f"ledger: {error}", flush=True)
            return
        print(f"ledger: {peer} is here", flush=True)
        for line in self.rfile:
            words = line.decode(errors="replace").strip()
            self.wfile.write(f"ledger on {os.uname().nodename}: {peer} says '{words}'; the balance is 42\n".encode())


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 128


def main():
    path = sys.argv[1]
    if os.path.exists(path):
        os.unlink(path)
    with Server(path, Ledger) as server:
        os.chmod(path, 0o666)
        server.serve_forever()


if __name__ == "__main__":
    main()
