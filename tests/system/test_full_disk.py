# SPDX-License-Identifier: Apache-2.0
"""A full disk below each of the few things that are written: what needs it fails and says why, the rest goes on."""
import contextlib
import errno
import os
import subprocess

import host
import ledger
from chain import DIRECT, Chain
from harness import eventually, main
from running import service, static_instances

REPLAYS = "/run/mutuald-keys"  # of app1: the replay cache is all that lies there
TICKETS = "/home/alice/tickets"
CACHE = f"FILE:{TICKETS}/cache"
SIZE = 1 << 20
# Services that have a ticket, and nobody who listens: a ticket is got before it is connected.
CLOSED = {f"{kind}-{name}": (kind, host.full_name(name)) for kind, name in (
    ("host", "app1"), ("host", "client1"), ("host", "client2"), ("host", "dc"), ("ldap", "dc"), ("ledger", "client1"),
    ("ledger", "client2"))}


def closed(name):
    kind, where = CLOSED[name]
    definition = service(name, service_class=kind, discovery=["static"], keywords=[name], trust={"hosts": [f".{host.DOMAIN}"]})
    return definition + static_instances({"class": kind, "host": where, "port": 1, "keywords": [name]})


class FullDisk(Chain):
    hosts = ["app1", "client1", "client2"]
    client = ledger.client_config(users=("alice",), more=DIRECT + "".join(map(closed, CLOSED)))

    @classmethod
    def before_start(cls):
        for name, folder, owner in (("app1", REPLAYS, "mutuald-keys"), ("client1", TICKETS, "alice")):
            uid = host.ACCOUNTS[owner]
            cls.programs.must(name, "mkdir", folder)
            cls.programs.must(name, "mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0700,uid={uid},gid={uid}",
                              "small", folder)

    def setUp(self):
        self.kinit("client1", "alice")
        eventually(self.opens, 10, "a channel")

    @contextlib.contextmanager
    def full(self, name, folder):
        """Not an octet can be added below the folder but in pages that are there."""
        path = self.world.inside(name, f"{folder}/ballast")
        with open(path, "wb", buffering=0) as ballast:
            with contextlib.suppress(OSError):
                while ballast.write(b"0" * 4096) == 4096:
                    pass
            with self.assertRaises(OSError) as refused:
                ballast.write(b"0")
        self.assertEqual(refused.exception.errno, errno.ENOSPC)
        try:
            yield
        finally:
            os.unlink(path)

    def answers(self, program, word):
        program.sendall(word.encode() + b"\n")
        self.assertIn(f"alice@{host.REALM} says '{word}'", program.recv(4096).decode())

    def test_without_room_for_the_replay_cache_nobody_is_accepted_and_it_is_said_why(self):
        programs = self.pids("app1")
        channel = self.live_channel()
        os.unlink(self.world.inside("app1", f"{REPLAYS}/rcache"))  # else what fits into its pages is still accepted
        with self.full("app1", REPLAYS):
            before = len(self.log("app1"))
            for _ in range(3):
                self.refused(self.request(), "RefusedByPeer", "handshake",
                             f"authenticate ledger/{host.full_name('app1')}.*failed on its own side", "see the log of the peer")
            told = eventually(lambda: self.log("app1")[before:].partition("refused a peer")[2], what="a line about it")
            self.assertRegex(told, f"Unavailable at handshake: .*replay cache {REPLAYS}/rcache: No space left on device"
                                   " .*make room for that file")
            self.answers(channel, "still here")
        self.opened()
        self.answers(channel, "and still")
        self.assertEqual(self.pids("app1"), programs)

    def test_without_room_in_the_callers_cache_its_service_tickets_are_used_and_not_kept(self):
        self.kinit("client1", "alice", cache=CACHE)
        with self.full("client1", TICKETS):
            for name in CLOSED:  # more tickets than fit into a page, so one of them would be written in part
                reply = self.request(name, credentialCache=CACHE)
                self.refused(reply, "Unreachable", "connect", "Connection refused", "is the service running there")
            self.opened(credentialCache=CACHE)
        self.opened(credentialCache=CACHE)
        self.assertIn("ledger/app1", self.must("client1", "klist", "-c", CACHE, user="alice"))

    def test_without_room_for_its_log_everything_goes_on(self):
        self.kinit("client2", "alice")
        self.configure("client2", self.client)
        with open("/dev/full", "wb") as full:
            self.start_on("client2", f"{host.BUILD}/bin/mutuald", "--all", stdout=full, stderr=full)
        eventually(lambda: self.run_on("client2", f"{host.BUILD}/bin/mutualctl", "open", "direct", user="alice",
                                       input="hello\n").stdout, 20, "an answer through a channel")

    def test_mutualctl_tells_that_nothing_could_be_written(self):
        for words in (["status"], ["plan", "direct"], ["open", "direct"]):
            with self.subTest(words), open("/dev/full", "wb") as full:
                command = self.world.command("client1", "alice", [f"{host.BUILD}/bin/mutualctl", *words])
                done = subprocess.run(command, input=b"hello\n", stdout=full, stderr=subprocess.PIPE, timeout=20,
                                      env=self.world.environment("alice"))
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(b"No space left on device", done.stderr)


if __name__ == "__main__":
    main()
