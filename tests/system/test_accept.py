# SPDX-License-Identifier: Apache-2.0
"""Delivery by Accept: who may call it, which call gets which channel, and what a handshake without one comes to."""
import concurrent.futures
import contextlib
import os
import select
import signal
import socket
import subprocess

import host
from harness import eventually, main
from running import Running, rule, service, static_instances

ALICE, SELF, SPN = "alice@MUTUAL.TEST", "ledger/app1.mutual.test@MUTUAL.TEST", "ledger/app1.mutual.test"
PORTS = {"vault": 7001, "hasty": 7002, "narrow": 7003, "unwanted": 7004, "by-socket": 7005}


def offered(name, accept_users=("ledger",), **more):
    accept = {"spns": [SPN], "keytab": "/etc/mutuald/keytabs/ledger.keytab", "port": PORTS[name], "deliver": "accept",
              "accept_users": list(accept_users), **more.pop("accept", {})}
    return service(name, service_class="ledger", accept=accept, allow={"principals": [ALICE]}, **more)


SERVER = (offered("vault", accept={"accept_groups": ["mutuald-admin"]}) +
          offered("hasty", limits={"handshake_timeout": "2s"}) + offered("narrow", limits={"waiting": 1}) +
          offered("unwanted", accept_users=()) +
          service("by-socket", service_class="ledger", allow={"principals": [ALICE]},
                  accept={"spns": [SPN], "keytab": "/etc/mutuald/keytabs/ledger.keytab", "port": PORTS["by-socket"],
                          "deliver": "unix", "socket": "/run/nobody"}))
CLIENT = (static_instances(*[{"class": "ledger", "host": "app1.mutual.test", "port": port, "keywords": [name]}
                             for name, port in PORTS.items()])
          + "".join(service(name, service_class="ledger", discovery=["static"], keywords=[name]) for name in PORTS)
          + rule("all", ["*"], users=["alice"]))
TELL_AND_ECHO = """
import os, socket
peer = socket.socket(fileno=3)
told = " ".join(f"{name}={value}" for name, value in sorted(os.environ.items()) if name[:4] in ("MUTU", "KNC_"))
peer.sendall(peer.recv(4096) + told.encode() + b"\\n")
"""


class Accepting(Running):
    hosts = ["app1", "client1"]
    configurations = {"app1": SERVER, "client1": CLIENT}

    def setUp(self):
        self.kinit("client1", "alice")

    def accept_on_app1(self, *words, **options):
        """mutualctl accept in the background, as the server's user."""
        return self.start_on("app1", f"{host.BUILD}/bin/mutualctl", "accept", *words, user="ledger", **options)

    def waiter(self, service, user="ledger"):
        """A pending call of Accept."""
        link = self.varlink("app1", user=user)
        self.addCleanup(link.close)
        link.send("org.mutuald.Broker.Accept", {"service": service})
        return link

    def opener(self, service):
        """A pending call of Open."""
        link = self.varlink("client1", user="alice")
        self.addCleanup(link.close)
        link.send("org.mutuald.Broker.Open", {"request": {"service": service}})
        return link

    def outcome(self, link):
        reply = link.receive()
        return reply.get("error", "").rpartition(".")[2], reply["parameters"], link.fds

    def delivered(self, link):
        return self.channel(*self.outcome(link))

    def test_an_accepted_channel_tells_who_the_peer_is_and_where_it_comes_from(self):
        waiting = self.waiter("vault")
        ours, theirs = self.open("vault"), self.delivered(waiting)
        self.assertEqual((theirs["peer"], theirs["self"], theirs["spn"]), (ALICE, SELF, SPN))
        self.assertIn("10.77.0.21", theirs["address"])
        self.assertEqual(theirs["expires"], ours["expires"])
        ours.socket.sendall(b"to the server\n")
        self.assertEqual(theirs.line(), "to the server\n")
        theirs.socket.sendall(b"to the client\n")
        self.assertEqual(ours.line(), "to the client\n")
        told = self.answer("WhoIs", user="ledger", on="app1", cookie=theirs.cookie())["channel"]
        expected = {"channel": theirs["channel"], "role": "acceptor", "peer": ALICE, "callerUid": 2001,
                    "rule": f"principal {ALICE}"}
        self.assertEqual({name: told[name] for name in expected}, expected)

    def test_a_command_is_run_with_the_channel_and_with_the_names_that_knc_gives(self):
        accepting = self.accept_on_app1("--once", "vault", "--", "/usr/bin/python3", "-c", TELL_AND_ECHO)
        answer = self.ctl("open", "vault", input="hello\n").stdout
        for told in ("hello\n", f"MUTUAL_PEER={ALICE} ", f"MUTUAL_SELF={SELF} ", "MUTUAL_FD=3 ", "MUTUAL_SERVICE=vault ",
                     f"MUTUAL_SPN={SPN}", f"KNC_CREDS={ALICE} ", "KNC_MECH=krb5 ", "KNC_REMOTE_ADDR=10.77.0.21 ", "KNC_REMOTE_IP=10.77.0.21 ",
                     "KNC_VERSION=mutuald-"):
            self.assertIn(told, answer)
        self.assertEqual(accepting.wait(10), 0)

    def test_without_a_command_standard_input_and_output_are_the_channel(self):
        accepting = self.accept_on_app1("vault", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        accepting.stdin.write(b"from the server\n")
        accepting.stdin.close()
        done = self.ctl("open", "vault", input="from the client\n")
        self.assertEqual((done.stdout, done.returncode), ("from the server\n", 0), done.stderr)
        self.assertEqual(accepting.stdout.read(), b"from the client\n")
        self.assertEqual(accepting.wait(10), 0)
        accepting.stdin = None

    def test_one_acceptor_serves_many_channels_with_a_command_each(self):
        accepting = self.accept_on_app1("vault", "--", "/bin/cat")
        for text in ("first\n", "second\n", "third\n"):
            self.assertEqual(self.ctl("open", "vault", input=text).stdout, text)
        self.assertIsNone(accepting.poll())

    def test_sigterm_ends_the_commands_and_then_the_acceptor_and_sighup_lets_them_finish(self):
        for number, expected in ((signal.SIGTERM, ""), (signal.SIGHUP, "still served\n")):
            accepting = self.accept_on_app1("vault", "--", "/bin/cat")
            ours = self.open("vault")
            self.assertEqual(ours.ask("hello"), "hello\n")
            (inner,) = eventually(lambda: self.commands(accepting.pid, "mutualctl"), what="mutualctl")
            os.kill(inner, number)
            if number == signal.SIGHUP:
                self.assertEqual(ours.ask("still served"), expected)
                self.assertIsNone(accepting.poll())
                ours.socket.shutdown(socket.SHUT_WR)
            self.assertEqual(ours.rest(), b"")
            self.assertEqual(accepting.wait(10), 0)

    def test_a_command_is_collected_when_it_ends_and_its_status_is_told_at_once(self):
        accepting = self.accept_on_app1("--parallel", "1", "vault", "--", "/bin/sh", "-c", "exit 3", log="told")
        for _ in range(2):
            self.assertEqual(self.open("vault").rest(), b"")
        eventually(lambda: self.log_of("app1", "told").count("ended with status 3") == 2, what="both statuses")
        self.assertEqual(self.commands(accepting.pid, "sh"), [])

    def commands(self, pid, name):
        """The processes of that name among one and its descendants."""
        with open(f"/proc/{pid}/comm") as file:
            found = [pid] if file.read().strip() == name else []
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return found + [each for child in file.read().split() for each in self.commands(int(child), name)]

    def test_eight_parallel_servers_take_their_share_of_a_load_and_outlive_the_broker(self):
        for _ in range(8):
            self.accept_on_app1("vault", "--", "/bin/cat")
        self.all_are_answered()
        broker = self.answer("Status", user="root", on="app1")["pid"]
        os.kill(broker, signal.SIGKILL)
        eventually(lambda: self.next_broker(broker), 15, "the next broker")
        self.all_are_answered()
        self.assertEqual([each.poll() for each in self.background], [None] * 8)

    def all_are_answered(self):
        """40 requests by 8 at a time; each gets its own octets back, from one of the servers."""
        def ask(number):
            text = f"request {number}\n"
            return self.ctl("open", "vault", "--timeout", "30s", input=text).stdout == text
        with concurrent.futures.ThreadPoolExecutor(8) as askers:
            self.assertEqual(list(askers.map(ask, range(40))), [True] * 40)

    def next_broker(self, before):
        with contextlib.suppress(OSError, AssertionError):
            return self.answer("Status", user="root", on="app1")["pid"] != before

    def test_nobody_accepts_who_is_not_listed(self):
        for service, user in (("vault", "bob"), ("vault", "root"), ("unwanted", "ledger"), ("unwanted", "root")):
            with self.subTest(service=service, user=user):
                error, reply, _ = self.ask("Accept", user=user, on="app1", service=service)
                self.assertEqual((error, reply["stage"]), ("Denied", "policy"))
        self.assertEqual(self.mutualctl("app1", "accept", "vault", user="bob").returncode, 5)

    def test_a_service_that_does_not_exist_looks_like_one_that_is_not_for_us(self):
        there = self.ask("Accept", user="bob", on="app1", service="vault")[1]
        nowhere = self.ask("Accept", user="bob", on="app1", service="nowhere")[1]
        self.assertEqual(nowhere["message"], there["message"].replace("'vault'", "'nowhere'"))

    def test_a_member_of_a_listed_group_may_accept(self):
        waiting = self.waiter("vault", user="carol")
        ours, theirs = self.open("vault"), self.delivered(waiting)
        ours.socket.sendall(b"hello\n")
        self.assertEqual(theirs.line(), "hello\n")

    def test_a_service_with_a_socket_is_not_accepted_for(self):
        error, reply, _ = self.ask("Accept", user="root", on="app1", service="by-socket")
        self.assertEqual(error, "InvalidRequest")
        self.assertIn("/run/nobody, not to Accept", reply["message"])
        self.assertIn('set service.by-socket.accept.deliver to "accept"', reply["hint"])
        error, reply, _ = self.ask("Accept", user="ledger", on="app1", service="by-socket")
        self.assertEqual(error, "Denied")
        self.assertIn('service.by-socket.accept.accept_users, with deliver = "accept" there', reply["hint"])

    def test_a_socket_that_nobody_listens_on_refuses_the_peer(self):
        error, _ = self.refused("Open", "by-socket")
        self.assertEqual(error, "RefusedByPeer")
        self.assertIn("the server of 'by-socket'", self.log_of("app1", "mutuald"))

    def test_parallel_calls_get_one_channel_each(self):
        waiting = [self.waiter("vault") for _ in range(6)]
        ours = {f"channel {number}\n": self.delivered(link)
                for number, link in enumerate([self.opener("vault") for _ in range(6)])}
        theirs = [self.delivered(link) for link in waiting]
        self.assertEqual(len({each["channel"] for each in theirs}), 6)
        for text, channel in ours.items():
            channel.socket.sendall(text.encode())
        self.assertEqual({each.line() for each in theirs}, set(ours))

    def test_a_caller_that_hung_up_gets_nothing_and_the_next_one_does(self):
        gone = self.waiter("vault")
        gone.close()
        waiting = self.waiter("vault")
        ours, theirs = self.open("vault"), self.delivered(waiting)
        ours.socket.sendall(b"not lost\n")
        self.assertEqual(theirs.line(), "not lost\n")

    def test_a_handshake_waits_for_a_call_that_comes_late(self):
        opening = self.opener("vault")
        self.assertEqual(select.select([opening.socket], [], [], 0.5)[0], [], "opened without a server")
        theirs = self.delivered(self.waiter("vault"))
        ours = self.delivered(opening)
        theirs.socket.sendall(b"here at last\n")
        self.assertEqual(ours.line(), "here at last\n")

    def test_a_handshake_that_no_call_comes_for_is_refused_at_its_deadline(self):
        error, reply = self.refused("Open", "hasty")
        self.assertEqual((error, reply["stage"]), ("RefusedByPeer", "handshake"), reply)
        self.assertGreater(reply["explanation"]["lines"][-1]["microseconds"], 1_600_000)
        self.assertIn("no local server of 'hasty' called Accept", self.log_of("app1", "mutuald"))
        waiting = self.waiter("hasty")
        self.open("hasty")
        self.delivered(waiting)

    def test_more_handshakes_than_may_wait_are_refused_at_once(self):
        waiting = self.one_of_two_waits()
        self.assertIn("1 peers wait already for a local server of 'narrow'", self.log_of("app1", "mutuald"))
        self.delivered(self.waiter("narrow"))
        self.delivered(waiting)

    def test_an_opener_that_hung_up_gives_its_place_back_and_harms_nobody(self):
        before = self.answer("Status")["pid"]
        waiting = self.one_of_two_waits()
        waiting.close()
        later = eventually(self.waits, what="the place of the opener that hung up")
        theirs = self.delivered(self.waiter("narrow"))
        ours = self.delivered(later)
        ours.socket.sendall(b"the next\n")
        self.assertEqual(theirs.line(), "the next\n")
        self.assertEqual(self.answer("Status")["pid"], before, "the broker ended")

    def one_of_two_waits(self):
        """Fills the only place of `narrow`; returns the call of Open that has it. The other one was refused."""
        links = {link.socket: link for link in (self.opener("narrow"), self.opener("narrow"))}
        (first, *more), _, _ = select.select(list(links), [], [], 15)
        self.assertEqual(more, [])
        self.assertEqual(self.outcome(links.pop(first))[0], "RefusedByPeer")
        (waiting,) = links.values()
        return waiting

    def waits(self):
        """A call of Open that waits for Accept, or none when it was refused at once."""
        link = self.opener("narrow")
        if select.select([link.socket], [], [], 0.5)[0]:
            self.assertEqual(self.outcome(link)[0], "RefusedByPeer")
            return None
        return link

    def test_a_call_with_a_time_ends_in_time(self):
        error, reply, _ = self.ask("Accept", user="ledger", on="app1", service="vault", timeoutMilliseconds=200)
        self.assertEqual((error, reply["stage"]), ("TimedOut", "admission"))
        done = self.mutualctl("app1", "accept", "vault", "--timeout", "200ms", user="ledger")
        self.assertEqual(done.returncode, 7, done.stderr)


if __name__ == "__main__":
    main()
