#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""serve.py SERVICE: answers the question of each peer that opens a channel to the service, each in its own thread."""
import sys
import threading

import broker


def serve(accepted, channel):
    """The peer's name was proved by Kerberos, and mutuald's configuration admitted it."""
    peer = accepted["peer"]
    try:
        with channel:
            question = broker.read_all(channel)
            if broker.verdict(channel) != "authenticated":  # only a proven end makes the question a whole one
                print(f"serve: no whole question from {peer}", file=sys.stderr)
                return
            channel.sendall(f"{peer} asked '{question.decode(errors='replace')}'\n".encode())
    except broker.Refused as error:
        broker.show("serve", error)
    except OSError as error:
        print(f"serve: {peer}: {error}", file=sys.stderr)


def main():
    if len(sys.argv) != 2:
        print("usage: serve.py SERVICE", file=sys.stderr)
        return 2
    try:
        while True:
            threading.Thread(target=serve, args=broker.accept_channel(sys.argv[1]), daemon=True).start()
    except broker.Refused as error:
        broker.show("serve", error)
        return 1


if __name__ == "__main__":
    sys.exit(main())
