# SPDX-License-Identifier: Apache-2.0
"""Clocks that jump while everything runs, and an hour without the KDC: what ends, what fails and why, and that all of it heals."""
import contextlib
import json
import os
import re
import socket
import time
import unittest

import clock
import host
import kerberos
import ledger
import world as realm
from chain import DIRECT, Chain
from harness import eventually, is_sanitized, main

APP = host.full_name("app1")
JUMP = 600  # seconds: twice what Kerberos tolerates
CLOCKS = "set the clocks of both hosts and the KDC"
PRELOADED = "the sanitizer wants nothing preloaded before it; CI runs this on the release build"
BATCH = f"""
[identity.batch]
keytab = "/etc/mutuald/keytabs/batch.keytab"
principal = "batch@{host.REALM}"
[service.batch]
class = "ledger"
realm = "{host.REALM}"
discovery = ["static"]
keywords = ["direct"]
trust = {{ hosts = [".{host.DOMAIN}"] }}
identity = "batch"
"""


class Live:
    """A channel with who asks through it; it is idle but when it is asked."""

    def __init__(self, test, user):
        link = test.varlink("client1", user=user)
        with contextlib.closing(link):
            reply = link.call("org.mutuald.Broker.Open", {"request": {"service": "direct"}})
        test.assertNotIn("error", reply)
        self.test, self.user, self.reply = test, user, reply["parameters"]
        self.descriptor = link.fds[0]
        test.addCleanup(os.close, self.descriptor)

    def answers(self):
        os.write(self.descriptor, b"are you there?\n")
        self.test.assertIn(b"'are you there?'", os.read(self.descriptor, 4096))

    def accepted(self):
        """The id that the accepting side gave it."""
        found = re.findall(rf"admitted {self.user}@{host.REALM} .* channel=(\w+)", self.test.log("app1"))
        return found[-1]

    def verdict(self):
        return self.test.verdict(self.reply["channel"], self.user)


class Clocks(Chain):
    client = ledger.client_config(more=DIRECT + BATCH)
    server = ledger.server_config(principals=("alice", "bob", "carol", "batch"))
    settable = ["app1", "client1"]

    @classmethod
    def before_start(cls):
        path = cls.world.keytab("client1", "batch")
        kerberos.batch(cls.world, ["addprinc -randkey batch", f"ktadd -norandkey -k {path} batch"])
        os.chown(path, 0, host.GROUPS["mutuald-keys"])
        os.chmod(path, 0o640)
        clock.make_settable(cls.world, *cls.settable)

    def setUp(self):
        for user in ("alice", "bob", "carol"):
            self.kdestroy("client1", user)
            self.kinit("client1", user)
        self.opened()  # alice has her service ticket now, bob not

    def verdict(self, channel, user, on="client1"):
        link = self.varlink(on, user=user)
        with contextlib.closing(link):
            reply = link.call("org.mutuald.Broker.WhoIs", {"channel": channel})
        self.assertNotIn("error", reply)
        return reply["parameters"]["channel"].get("verdict")


@unittest.skipIf(is_sanitized(), PRELOADED)
class Jumps(Clocks):
    def skewed(self, reply, cause):
        """Who notices that clocks differ, the KDC, the peer or we, depends on which tickets are there already."""
        self.assertTrue(reply["error"].endswith(".ClockSkew"), reply)
        self.refused(reply, "ClockSkew", reply["parameters"]["stage"], cause, CLOCKS)

    def test_of_a_client_cost_its_openings_while_they_last_and_nothing_else(self):
        for seconds, cause in ((JUMP, r"the peer's clock is (10 min \d|9 min 5\d) s behind this host's"), (-JUMP, "Ticket not yet valid")):
            with self.subTest(seconds):
                self.setUp()
                programs = self.pids()
                idle, busy = Live(self, "alice"), Live(self, "alice")
                self.opened("batch")
                with clock.ahead(self.world, seconds, "client1"):
                    busy.answers()
                    self.refused(self.request(), "ClockSkew", "handshake",
                                 rf"ledger/{APP}.*{cause}", CLOCKS)
                    self.refused(self.request(user="bob"), "ClockSkew", "credentials", f"ledger/{APP}.*[Cc]lock skew", CLOCKS)
                    self.skewed(self.request("batch"), f"ledger/{APP}|batch@")
                    busy.answers()
                for user, service in (("alice", "direct"), ("bob", "direct"), ("carol", "direct"), ("alice", "batch")):
                    self.opened(service, user)  # the first try
                idle.answers()
                busy.answers()
                self.assertEqual((idle.verdict(), busy.verdict()), (None, None))
                self.assertEqual(self.pids(), programs)

    def test_of_a_server_cost_what_it_would_accept_while_they_last_and_nothing_else(self):
        for seconds, difference in ((JUMP, "behind"), (-JUMP, "ahead of")):
            with self.subTest(seconds):
                self.setUp()
                programs = self.pids("app1")
                live = Live(self, "alice")
                with clock.ahead(self.world, seconds, "app1"):
                    before = len(self.log("app1"))
                    self.refused(self.request(), "ClockSkew", "handshake", f"ledger/{APP}.*the peer's clock is", CLOCKS)
                    told = eventually(lambda: self.log("app1")[before:].partition("refused a peer")[2], what="a line about it")
                    self.assertRegex(told, rf"ClockSkew .*the client's clock is (10 min \d|9 min 5\d) s {difference} this host's")
                    live.answers()
                self.opened()
                live.answers()
                self.assertEqual(self.pids("app1"), programs)

    def test_move_no_deadline(self):
        for seconds in (JUMP, -JUMP):
            self.setUp()
            with self.subTest(seconds, waits_for="the peer"), self.blackhole("client1", "app1"):
                self.refused(self.late(seconds, "alice", "-tnH", "SYN-SENT"), "Unreachable", "connect", "no answer in time", "may we reach it")
            with self.subTest(seconds, waits_for="the KDC"), self.frozen("kdc"):  # where libkrb5 counts on the wall clock
                self.refused(self.late(seconds, "bob", "-unH", ":88"), "KdcUnreachable", "credentials", host.REALM, "KDC runs")

    def late(self, seconds, user, sockets, awaited):
        """What is told to a request whose time ends after the clock jumped; it jumps once ss(8) shows what is waited for."""
        begun = time.monotonic()
        waiting = self.pending(user=user, timeoutMilliseconds=1500)
        eventually(lambda: awaited in self.must("client1", "ss", sockets), what="an open question")
        with clock.ahead(self.world, seconds, "client1"):
            reply = waiting.receive()
            took = time.monotonic() - begun
        self.assertTrue(1.2 < took < 3, took)
        return reply

    def test_past_its_tickets_end_end_a_channel_even_if_it_is_idle(self):
        self.kinit("client1", "alice", lifetime="5m")
        short, long = Live(self, "alice"), Live(self, "carol")
        with clock.ahead(self.world, JUMP // 3, "client1"):
            looked_at(2)
            self.assertEqual(short.verdict(), None)
        with clock.ahead(self.world, JUMP, "client1"):
            with self.within(3):
                self.assertEqual(os.read(short.descriptor, 1), b"")
            self.assertEqual(short.verdict(), "expired")
            long.answers()
        self.assertEqual(short.verdict(), "expired")  # still known, though the clock was set back
        long.answers()
        self.assertEqual(long.verdict(), None)

    def test_do_not_shorten_the_time_that_a_verdict_is_kept(self):
        live = Live(self, "alice")
        live.answers()
        with socket.socket(fileno=os.dup(live.descriptor)) as ours:
            ours.shutdown(socket.SHUT_WR)
            self.assertEqual(ours.recv(1), b"")
        with clock.ahead(self.world, JUMP, "client1"):
            self.assertEqual(live.verdict(), "authenticated")

    def test_leave_nothing_behind_in_the_tickets_that_were_got_meanwhile(self):
        """libkrb5 takes the difference to the KDC's clock for one that stays: kinit notes it, and so did our fetchers."""
        kerberos.batch(self.world, ["modprinc -maxlife 10seconds batch"])
        self.addCleanup(kerberos.batch, self.world, ["modprinc -maxlife 24hours batch"])
        for seconds in (JUMP, -JUMP):
            with self.subTest(seconds):
                self.kdestroy("client1", "bob")
                eventually(lambda: self.opens("batch"), 15, "a channel")
                with clock.ahead(self.world, seconds, "client1"):
                    self.kinit("client1", "bob")
                    told = eventually(self.failure_of_batch, 12, "a renewal that fails")
                    self.assertRegex(told, f"^ClockSkew: get a ticket for batch@{host.REALM} with the keytab .*[Cc]lock skew")
                    self.skewed(self.request("batch"), f"ledger/{APP}|batch@")
                self.opened(user="bob")
                eventually(lambda: self.opens("batch"), 3, "a channel with the right clock")

    def failure_of_batch(self):
        shown = json.loads(self.mutualctl("client1", "list-credentials", "--json").stdout)["credentials"]
        return next(each for each in shown if each["identity"] == "batch").get("failure")


@unittest.skipIf(is_sanitized(), PRELOADED)
class Outage(Clocks):
    """All hosts have the same clock, which is moved on."""
    settable = ["dc", "app1", "client1"]

    @classmethod
    def before_start(cls):
        super().before_start()
        realm.stop_service(cls.world, "kdc")
        realm.start_service(cls.world, "kdc")
        kerberos.batch(cls.world, ["modprinc -maxlife 40minutes batch"])

    def set_ahead(self, minutes):
        clock.set_ahead(self.world, minutes * 60, *self.settable)

    def test_an_hour_without_the_kdc(self):
        self.addCleanup(self.set_ahead, 0)
        self.kinit("client1", "alice", lifetime="30m")
        alice, carol = Live(self, "alice"), Live(self, "carol")
        self.opened("batch")
        programs = {name: self.pids(name) for name in ("app1", "client1")}
        with self.stopped("kdc"):
            self.set_ahead(29)
            looked_at(2)
            alice.answers()
            self.set_ahead(31)
            with self.within(3):
                self.assertEqual(os.read(alice.descriptor, 1), b"")
            # Whoever of the two looks first ends it, which the other, if that is told sooner, calls unauthenticated.
            self.assertIn("expired", (alice.verdict(), self.verdict(alice.accepted(), "root", "app1")))
            self.set_ahead(60)
            with self.within(2):
                self.refused(self.request(), "NoCredentials", "credentials", "the ticket of alice.* has expired", "kinit")
            for user, service in (("bob", "direct"), ("alice", "batch")):
                with self.within(5):
                    self.refused(self.request(service, user), "KdcUnreachable", "credentials", host.REALM, "KDC runs")
            self.opened(user="carol")  # who has her ticket for app1: that takes no KDC at either end
            carol.answers()
        self.opened(user="bob")  # the first try
        eventually(lambda: self.opens("batch"), 3, "a channel with the keytab")
        self.kinit("client1", "alice")
        self.opened()
        carol.answers()
        self.assertEqual({name: self.pids(name) for name in programs}, programs)

    def test_a_keytabs_ticket_from_a_time_to_come_is_got_anew_when_all_clocks_are_set_back(self):
        self.addCleanup(self.set_ahead, 0)
        self.set_ahead(20)
        looked_at(2)
        eventually(lambda: self.opens("batch"), 3, "a channel")
        self.set_ahead(0)
        eventually(lambda: self.opens("batch"), 3, "a channel")


def looked_at(seconds):
    """The channels' programs look at the clock each second."""
    begun = time.monotonic()
    eventually(lambda: time.monotonic() - begun > seconds, seconds + 1, "time that passes")


if __name__ == "__main__":
    main()
