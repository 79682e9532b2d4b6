# SPDX-License-Identifier: Apache-2.0
"""A DNS server over UDP that knows SRV records only: dns_server.py ADDRESS NAME=PRIORITY:WEIGHT:PORT:TARGET...

Every other question is answered with "no such name". Says `serving` when it does.
"""
import socket
import struct
import sys

SRV, NO_SUCH_NAME, AUTHORITATIVE_ANSWER = 33, 3, 0x8400


def encoded(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.strip(".").split(".")) + b"\0"


def record(text):
    priority, weight, port, target = text.split(":")
    data = struct.pack(">HHH", int(priority), int(weight), int(port)) + encoded(target)
    return b"\xc0\x0c" + struct.pack(">HHIH", SRV, 1, 60, len(data)) + data  # 0xc00c: the question's name


def question(packet):
    """Name, type, and the octets of the first question."""
    labels, at = [], 12
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode())
        at += 1 + packet[at]
    return ".".join(labels).lower(), struct.unpack_from(">H", packet, at + 1)[0], packet[12:at + 5]


def answer(packet, records):
    name, kind, asked = question(packet)
    found = records.get(name, []) if kind == SRV else []
    flags = AUTHORITATIVE_ANSWER | (0 if name in records else NO_SUCH_NAME)
    return packet[:2] + struct.pack(">HHHHH", flags, 1, len(found), 0, 0) + asked + b"".join(found)


def main(address, *texts):
    records = {}
    for text in texts:
        name, _, value = text.partition("=")
        records.setdefault(name.lower(), []).append(record(value))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((address, 53))
        print("serving", flush=True)
        while True:
            packet, client = server.recvfrom(512)
            server.sendto(answer(packet, records), client)


if __name__ == "__main__":
    main(*sys.argv[1:])
