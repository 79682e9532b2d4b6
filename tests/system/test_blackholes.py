# SPDX-License-Identifier: Apache-2.0
"""A KDC, a directory and a peer that do not answer: they cost those who need them their deadline, and nobody else."""
import time

import host
import ledger
from chain import DIRECT, Chain
from harness import eventually, main

DEADLINE = 2000  # milliseconds
LATE = DEADLINE / 1000 + 1  # seconds: the deadline and what a busy machine adds
IN_TIME = DEADLINE / 1000 + 0.1  # seconds: what is promised; shown when one of a few tries keeps to it
TRIES = 4
LATE_SEARCH = ["TimedOut", "DiscoveryFailed"]  # as the directory's library puts it
SECOND = f"""
[service.two]
class = "ledger"
realm = "{host.REALM}"
discovery = ["static"]
keywords = ["two"]
trust = {{ hosts = [".{host.DOMAIN}"] }}
[[plugin.static.options.instances]]
class = "ledger"
keywords = ["two"]
host = "{host.full_name('app2')}"
port = {ledger.PORT}
priority = 1
[[plugin.static.options.instances]]
class = "ledger"
keywords = ["two"]
host = "{host.full_name('app1')}"
port = {ledger.PORT}
priority = 2
"""


class BlackHoles(Chain):
    hosts = ["app1", "app2", "client1"]
    client = ledger.client_config(more=DIRECT + SECOND)

    def setUp(self):
        for user in ("alice", "carol"):
            self.kinit("client1", user)
        self.opened(user="carol")  # her service ticket is in her cache now

    def costs_alice_only(self, codes, stage, message, hint, service="direct", **fields):
        """alice's request ends at its deadline with this error; carol's, made meanwhile, succeeds at once."""
        took = []
        while not took or (min(took) > IN_TIME and len(took) < TRIES):
            took.append(self.costs_alice_once(codes, stage, message, hint, service, **fields))
        print(f"{self.id().rpartition('.')[2]}: {', '.join(f'{each * 1000:.0f}' for each in took)} ms", flush=True)
        self.assertLess(min(took), IN_TIME)

    def costs_alice_once(self, codes, stage, message, hint, service, **fields):
        begun = time.monotonic()
        waiting = self.pending(service, timeoutMilliseconds=DEADLINE, **fields)
        self.opened(user="carol")
        self.assertLess(time.monotonic() - begun, DEADLINE / 1000 - 0.1)
        reply = waiting.receive()
        took = time.monotonic() - begun
        self.assertLess(took, LATE)
        self.assertIn(reply["error"].rpartition(".")[2], codes)
        self.refused(reply, reply["error"].rpartition(".")[2], stage, message, hint)
        return took

    def test_a_kdc_in_a_black_hole(self):
        with self.blackhole("client1", "dc"):
            self.costs_alice_only(["KdcUnreachable"], "credentials",
                                  f"ledger/app1.mutual.test@{host.REALM}.*no KDC.*answered", "KDC runs and can be reached")
        self.opened()

    def test_a_frozen_kdc(self):
        with self.frozen("kdc"):
            self.costs_alice_only(["KdcUnreachable"], "credentials",
                                  f"ledger/app1.mutual.test@{host.REALM}.*no KDC.*answered", "KDC runs and can be reached")
        self.opened()

    def test_a_frozen_directory(self):
        self.publish_scp()
        self.opened("ledger")
        with self.frozen("slapd"):
            self.costs_alice_only(LATE_SEARCH, "discovery", "plugin scp|ldap://dc", "can be reached", "ledger",
                                  keywords=["frozen"])
        self.opened("ledger")

    def test_a_directory_in_a_black_hole(self):
        self.request("ledger", method="Find", keywords=["warm"])  # the search identity has its tickets
        with self.blackhole("client1", "dc"):
            self.costs_alice_only(LATE_SEARCH, "discovery", "plugin scp|ldap://dc", "can be reached", "ledger",
                                  keywords=["hole"])

    def test_a_peer_in_a_black_hole_costs_its_share_and_the_next_candidate_is_tried(self):
        with self.blackhole("client1", "app2"):
            with self.within(6):
                opened = self.opened("two", timeoutMilliseconds=6000)
        self.assertEqual(opened["peer"], f"ledger/app1.mutual.test@{host.REALM}")
        lines = [(line["stage"], line["decision"]) for line in opened["explanation"]["lines"]]
        self.assertIn(("connect", "failed"), lines)
        self.assertEqual(lines.count(("spn", "chosen")), 2)

    def test_a_peer_in_a_black_hole_without_another_costs_the_deadline(self):
        self.opened()
        with self.blackhole("client1", "app1"):
            with self.within(LATE):
                reply = self.request(timeoutMilliseconds=DEADLINE)
        self.refused(reply, "Unreachable", "connect", "10.77.0.11.*7000.*no answer in time", "may we reach it")
        eventually(self.opens, what="a channel afterwards")


if __name__ == "__main__":
    main()
