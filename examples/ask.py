#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""ask.py SERVICE QUESTION: opens a channel to a service, sends the question, shows the answer."""
import socket
import sys

import broker


def ask(service, question):
    opened, channel = broker.open_channel(service)
    print(f"ask: {opened['peer']}, this is {opened['self']}", file=sys.stderr)
    with channel:
        channel.sendall(question.encode())
        channel.shutdown(socket.SHUT_WR)
        print(broker.read_all(channel).decode(errors="replace"), end="", flush=True)
        # The end of a stream may have been forged, unless the daemon says that the peer proved it.
        end = broker.verdict(channel)
    if end == "authenticated":
        return 0
    print(f"ask: the answer may be incomplete: the stream's end is {end}", file=sys.stderr)
    return 1


def main():
    if len(sys.argv) != 3:
        print("usage: ask.py SERVICE QUESTION", file=sys.stderr)
        return 2
    try:
        return ask(sys.argv[1], sys.argv[2])
    except broker.Refused as error:
        broker.show("ask", error)
    except OSError as error:
        print(f"ask: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
