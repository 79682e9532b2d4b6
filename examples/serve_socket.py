#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""serve_socket.py PATH: the same server on a Unix socket of its own, to which mutuald connects for each channel.

The service's definition has `deliver = "unix"` and `socket = PATH`. Who the peer is comes first, in a PROXY protocol
header, version 2, so many servers understand it already.
"""
import os
import pwd
import socket
import socketserver
import struct
import sys

import broker

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
ADDRESSES = {0x11: 12, 0x21: 36}  # TCP over IPv4 and IPv6: octets of both addresses and ports
CHANNEL, PEER = 0x05, 0xE0  # which of the values after the addresses we want


class NotFromMutuald(Exception):
    pass


def connected_by_mutuald(connection):
    """Anybody can write a header. The kernel tells who connected."""
    _, uid, _ = struct.unpack("iII", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return uid == 0 or pwd.getpwuid(uid).pw_name == "mutuald"


def read_header(file):
    """The values of the header by their types."""
    signature, version, family, size = struct.unpack(">12sBBH", file.read(16).ljust(16, b"\0"))
    if signature != SIGNATURE or version != 0x21 or family not in ADDRESSES:
        raise NotFromMutuald("this is no PROXY header, version 2")
    rest, values = file.read(size)[ADDRESSES[family]:], {}
    while len(rest) >= 3:
        kind, length = struct.unpack(">BH", rest[:3])
        values[kind] = rest[3:3 + length].decode()
        rest = rest[3 + length:]
    if not {CHANNEL, PEER} <= values.keys():
        raise NotFromMutuald("the header names no peer")
    return values


class Serve(socketserver.StreamRequestHandler):
    def handle(self):
        try:
            if not connected_by_mutuald(self.connection):
                raise NotFromMutuald("somebody else connected")
            values = read_header(self.rfile)
            self.answer(values[PEER], values[CHANNEL])
        except (NotFromMutuald, OSError) as error:
            print(f"serve: {error}", file=sys.stderr)
        except broker.Refused as error:
            broker.show("serve", error)

    def answer(self, peer, channel):
        question = self.rfile.read()
        told, _ = broker.call("WhoIs", channel=channel)
        if told["channel"].get("verdict") != "authenticated":  # only a proven end makes the question a whole one
            print(f"serve: no whole question from {peer}", file=sys.stderr)
            return
        self.wfile.write(f"{peer} asked '{question.decode(errors='replace')}'\n".encode())


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 128


def main():
    if len(sys.argv) != 2:
        print("usage: serve_socket.py PATH", file=sys.stderr)
        return 2
    path = sys.argv[1]
    if os.path.exists(path):
        os.unlink(path)  # of an earlier run
    with Server(path, Serve) as server:
        os.chmod(path, 0o666)  # the folder's mode may keep others out; who connects is checked anyway
        server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
