# SPDX-License-Identifier: Apache-2.0
"""Delivery by Varlink's upgrade: behind the reply, the API connection itself is the channel."""
import contextlib
import hashlib
import os
import signal
import socket
import threading

import host
from chain import descriptors
from harness import eventually, main
from running import Channel, Running, rule, service, static_instances

ALICE, SELF, SPN = (f"alice@{host.REALM}", f"ledger/{host.full_name('app1')}@{host.REALM}",
                    f"ledger/{host.full_name('app1')}")
BROKER = "/run/mutuald/mutuald.sock"
BIG = 24 << 20
# A program of any language: it speaks to the API through socat, then to its peer.
SHELL = r"""
set -eu
coproc socat -t 10 - UNIX-CONNECT:$1
printf '{"method":"org.mutuald.Broker.Open","parameters":{"request":{"service":"vault"}},"upgrade":true}\0' >&${COPROC[1]}
IFS= read -r -d '' reply <&${COPROC[0]}
printf '%s\n' "$reply"
printf 'asked in a shell\n' >&${COPROC[1]}
IFS= read -r answer <&${COPROC[0]}
printf '%s\n' "$answer"
"""


def sent_and_hashed(connected, size):
    """Sends so many octets in the background, then ends that direction; a thread whose `.hash` tells which."""
    digest = hashlib.sha256()

    def work():
        left = size
        while left:
            block = os.urandom(min(left, 1 << 18))
            connected.sendall(block)
            digest.update(block)
            left -= len(block)
        connected.shutdown(socket.SHUT_WR)
    thread = threading.Thread(target=work)
    thread.hash = digest
    thread.start()
    return thread


class Upgraded(Channel):
    """A Varlink connection that has become a channel."""

    def __init__(self, reply, link):
        self.reply, self.socket, self.early = reply, link.socket, link._input

    def line(self):
        early, self.early = self.early, b""
        return early.decode() + (super().line() if not early.endswith(b"\n") else "")


class Upgrade(Running):
    hosts = ["app1", "client1"]
    configurations = {
        "app1": service("vault", service_class="ledger", allow={"principals": [ALICE]},
                        accept={"spns": [SPN], "keytab": "/etc/mutuald/keytabs/ledger.keytab", "port": 7001,
                                "deliver": "accept", "accept_users": ["ledger"]}),
        "client1": static_instances({"class": "ledger", "host": host.full_name("app1"), "port": 7001}) +
                   service("vault", service_class="ledger", discovery=["static"],
                           trust={"hosts": [host.full_name("app1")]}) + rule("all", ["*"], users=["alice"])}

    def setUp(self):
        self.kinit("client1", "alice")

    def pid(self, program, on="client1"):
        parts = self.answer("Status", user="root", on=on)["parts"]
        return next(part["pid"] for part in parts if part["name"].startswith(program))

    def calling(self, method, on, user, **parameters):
        """A call with `upgrade` that is not answered yet."""
        link = self.varlink(on, user=user)
        self.addCleanup(link.close)
        link.send(f"org.mutuald.Broker.{method}", parameters, upgrade=True)
        return link

    def opening(self, **narrow):
        return self.calling("Open", "client1", "alice", request={"service": "vault", **narrow})

    def accepting(self):
        return self.calling("Accept", "app1", "ledger", service="vault")

    def upgraded(self, link):
        reply = link.receive()
        self.assertNotIn("error", reply)
        self.assertNotIn("channelFileDescriptor", reply["parameters"])
        self.assertEqual(link.fds, [])
        return Upgraded(reply["parameters"], link)

    def both(self):
        """A channel whose two programs have nothing but a plain socket each."""
        waiting, asking = self.accepting(), self.opening()
        return self.upgraded(asking), self.upgraded(waiting)

    def told(self, channel, on="client1", user="alice"):
        return self.answer("WhoIs", on=on, user=user, channel=channel["channel"])["channel"]

    def test_the_connection_becomes_the_channel_on_both_sides(self):
        ours, theirs = self.both()
        self.assertEqual((ours["peer"], ours["self"], ours["spn"]), (SELF, ALICE, SPN))
        self.assertEqual((theirs["peer"], theirs["self"], theirs["spn"]), (ALICE, SELF, SPN))
        self.assertIn(host.ADDRESSES["client1"], theirs["address"])
        self.assertEqual(ours["explanation"]["service"], "vault")
        ours.socket.sendall(b"to the server\n")
        self.assertEqual(theirs.line(), "to the server\n")
        theirs.socket.sendall(b"to the client\n")
        self.assertEqual(ours.line(), "to the client\n")

    def test_whois_knows_the_channel_by_its_id_and_not_by_the_sockets_cookie(self):
        ours, theirs = self.both()
        self.assertEqual((self.told(ours)["role"], self.told(ours)["callerUid"]), ("initiator", host.USERS["alice"]))
        self.assertEqual(self.told(theirs, "app1", "ledger")["peer"], ALICE)
        self.assertEqual(self.ask("WhoIs", cookie=ours.cookie())[0], "NotFound")

    def test_each_direction_ends_by_itself_and_with_its_verdict(self):
        ours, theirs = self.both()
        ours.socket.sendall(b"all I have")
        ours.socket.shutdown(socket.SHUT_WR)
        self.assertEqual(theirs.rest(), b"all I have")
        self.assertEqual(self.told(theirs, "app1", "ledger")["verdict"], "authenticated")
        theirs.socket.sendall(b"an answer after your end")
        theirs.socket.shutdown(socket.SHUT_WR)
        self.assertEqual(ours.rest(), b"an answer after your end")
        self.assertEqual(self.told(ours)["verdict"], "authenticated")

    def test_much_goes_both_ways_at_once_and_nothing_is_lost(self):
        ours, theirs = self.both()
        senders = [sent_and_hashed(end.socket, BIG) for end in (ours, theirs)]
        received = {}

        def receive(end):
            received[end] = hashlib.sha256(end.rest()).hexdigest()
        receiver = threading.Thread(target=receive, args=(theirs,))
        receiver.start()
        receive(ours)
        for thread in (*senders, receiver):
            thread.join()
        self.assertEqual(received[theirs], senders[0].hash.hexdigest())
        self.assertEqual(received[ours], senders[1].hash.hexdigest())

    def test_a_shell_with_socat_is_enough(self):
        waiting = self.accepting()
        shell = self.start_on("client1", "/bin/bash", "-c", SHELL, "shell", BROKER, user="alice", stdout=-1)
        theirs = self.upgraded(waiting)
        self.assertEqual(theirs.line(), "asked in a shell\n")
        theirs.socket.sendall(b"answered\n")
        reply, answer = shell.stdout.readline(), shell.stdout.readline()
        self.assertIn(b'"peer":"%s"' % SELF.encode(), reply)
        self.assertEqual(answer, b"answered\n")
        shell.stdout.close()

    def test_a_caller_that_only_wants_to_listen_may_stop_sending_with_its_call(self):
        waiting, asking = self.accepting(), self.opening()
        asking.socket.shutdown(socket.SHUT_WR)
        ours, theirs = self.upgraded(asking), self.upgraded(waiting)
        self.assertEqual(theirs.rest(), b"")
        theirs.socket.sendall(b"only for you")
        theirs.close()
        self.assertEqual(ours.rest(), b"only for you")

    def test_octets_right_behind_the_call_are_refused_before_anything_is_done(self):
        waiting = self.accepting()
        link = self.varlink("client1", user="alice")
        self.addCleanup(link.close)
        call = (b'{"method":"org.mutuald.Broker.Open","parameters":{"request":{"service":"vault"}},"upgrade":true}\0'
                b"impatient")
        link.socket.sendall(call)
        reply = link.receive()
        self.assertEqual(reply["error"], "org.varlink.service.InvalidParameter")
        self.assertIn("upgrade", reply["parameters"]["parameter"])
        self.assertIsNone(link.receive())
        waiting.socket.settimeout(0.5)
        with self.assertRaises(TimeoutError):
            waiting.receive()

    def test_a_refused_request_leaves_the_connection_to_messages(self):
        for link, expected in ((self.calling("Open", "client1", "alice", request={"service": "nosuch"}), "UnknownService"),
                               (self.calling("Open", "client1", "bob", request={"service": "vault"}), "Denied"),
                               (self.calling("Accept", "app1", "bob", service="vault"), "Denied"),
                               (self.calling("Accept", "app1", "ledger", service="vault", timeoutMilliseconds=100),
                                "TimedOut")):
            self.assertEqual(link.receive()["error"], f"org.mutuald.Broker.{expected}")
            self.assertNotIn("error", link.call("org.varlink.service.GetInfo"))

    def test_methods_that_give_no_channel_refuse_to_be_upgraded(self):
        link = self.varlink("client1", user="alice")
        self.addCleanup(link.close)
        for method in ("org.mutuald.Broker.Status", "org.mutuald.Broker.Plan", "org.varlink.service.GetInfo"):
            reply = link.call(method, upgrade=True)
            self.assertEqual(reply["error"], "org.varlink.service.InvalidParameter", reply)
            self.assertIn("upgrade", reply["parameters"]["parameter"])

    def test_a_caller_that_leaves_while_the_peer_is_silent_ends_its_connection(self):
        silent = self.pid("mutuald-channel@sockets", "app1")
        connections = lambda: self.must("client1", "ss", "-tnH", "state", "established").count(":7001")
        before = connections()
        os.kill(silent, signal.SIGSTOP)
        try:
            asking = self.opening(timeoutMilliseconds=60_000)
            eventually(lambda: connections() > before, what="a connection to a peer that says nothing")
            asking.close()
            eventually(lambda: connections() == before, what="the end of the connection")
        finally:
            os.kill(silent, signal.SIGCONT)

    def test_a_call_of_accept_that_left_gets_nothing_and_the_next_one_does(self):
        self.accepting().close()
        ours, theirs = self.both()
        ours.socket.sendall(b"not lost\n")
        self.assertEqual(theirs.line(), "not lost\n")

    def test_descriptors_and_upgraded_connections_meet(self):
        waiting = self.accepting()
        ours, theirs = self.open("vault"), self.upgraded(waiting)
        ours.socket.sendall(b"hello\n")
        self.assertEqual(theirs.line(), "hello\n")

    def test_the_broker_keeps_no_copy_of_the_connection(self):
        broker = self._broker()
        before = descriptors(broker)
        channels = [self.both() for _ in range(4)]
        eventually(lambda: descriptors(broker) <= before + 1, what="the broker's descriptors as before")
        for ours, _ in channels:
            ours.socket.sendall(b"alive\n")
        self.assertEqual([theirs.line() for _, theirs in channels], ["alive\n"] * 4)

    def _broker(self, on="client1"):
        return self.answer("Status", user="root", on=on)["pid"]

    def test_a_channel_outlives_the_brokers_of_both_sides(self):
        ours, theirs = self.both()
        for name in ("client1", "app1"):
            pid = self._broker(name)
            os.kill(pid, signal.SIGKILL)
            ours.socket.sendall(b"while there is none\n")
            self.assertEqual(theirs.line(), "while there is none\n")
            eventually(lambda: self._answers_anew(name, pid), 15, "the next broker")
        theirs.socket.sendall(b"all the same\n")
        self.assertEqual(ours.line(), "all the same\n")
        self.assertEqual(self.told(ours)["ended"], 0)
        theirs.close()
        self.assertEqual(ours.rest(), b"")
        self.assertEqual(self.told(ours)["verdict"], "authenticated")
        eventually(lambda: self._all_listen("app1"), 15, "the service, offered again")

    def _answers_anew(self, name, pid):
        with contextlib.suppress(OSError, AssertionError):
            return self._broker(name) != pid
        return False


if __name__ == "__main__":
    main()
