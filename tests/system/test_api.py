# SPDX-License-Identifier: Apache-2.0
"""What bad input gets from the API socket: malformed, deep, huge and split calls, descriptors, callers that leave."""
import contextlib
import json
import os
import signal
import socket
import struct
import time

import ledger
from chain import DIRECT, Chain, children, descriptors
from harness import eventually, main

LIMITS = "[daemon.limits]\nconnections_per_uid = 12\nrequests_per_uid = 3\n"
STATUS = b'{"method": "org.mutuald.Broker.Status"}\0'
OPEN = "org.mutuald.Broker.Open"


SO_COOKIE = 57


def lingering():
    """A network connection with octets on their way to a peer that reads none, so that its last close waits for a
    minute; and that peer."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        ours = socket.create_connection(listener.getsockname())
        peer, _ = listener.accept()
    ours.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            ours.send(bytes(65536))
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 60))
    return ours, peer


class Api(Chain):
    client = LIMITS + ledger.client_config(more=DIRECT)

    def says(self, octets, user="bob"):
        """What is answered until the broker hangs up."""
        link = self.varlink("client1", user=user)
        self.addCleanup(link.close)
        try:
            link.socket.sendall(octets)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the answer was given before the end was read
        replies = []
        try:
            while (reply := link.receive()) is not None:
                replies.append(reply)
        except ConnectionResetError:
            pass
        return replies

    def test_malformed_messages_are_refused_with_the_reason_and_cost_their_connection_only(self):
        broker = self.pids()["mutuald"]
        for octets, reason in ((b"{]\0", "not JSON"), (b"\0", "not JSON"), (b"[]\0", "not a JSON object"),
                               (b"7\0", "not a JSON object"), (b"{}\0", "no method"),
                               (b'{"method": 7}\0', "no method"),
                               (b'{"method": "a.B", "parameters": []}\0', "parameters"),
                               (b'{"method": "a.B", "more": 1}\0', "booleans"), (b'\xff\xfe{}\0', "not JSON"),
                               (b'{"method": "a.\xff"}\0', "not JSON"), (STATUS[:-2] + b"}}\0", "not JSON")):
            with self.subTest(octets):
                (reply,) = self.says(octets)
                self.assertEqual(reply["error"], "org.varlink.service.InvalidParameter")
                self.assertIn(reason, reply["parameters"]["parameter"])
        self.assertEqual(self.pids()["mutuald"], broker)

    def test_a_message_that_never_ends_and_then_does_is_no_message(self):
        self.assertEqual(self._hang_up_after(STATUS[:-1]), [])
        self.assertTrue(self.pids())

    def _hang_up_after(self, octets):
        link = self.varlink("client1", user="bob")
        self.addCleanup(link.close)
        link.socket.sendall(octets)
        link.socket.shutdown(socket.SHUT_WR)
        return [reply for reply in iter(link.receive, None)]

    def test_deep_messages_are_refused_and_the_limit_itself_is_allowed(self):
        def deep(levels):  # levels in all: the call and its parameters are two of them
            inside = b"[" * (levels - 2) + b"]" * (levels - 2)
            return b'{"method": "org.varlink.service.GetInfo", "parameters": {"a": ' + inside + b"}}\0"
        for levels in (17, 18, 1000, 30_000):
            with self.subTest(levels):
                (reply,) = self.says(deep(levels))
                self.assertIn("not JSON", reply["parameters"]["parameter"])
        self.assertTrue(self._answers(deep(16)))

    def _answers(self, octets):
        link = self.varlink("client1", user="bob")
        self.addCleanup(link.close)
        link.socket.sendall(octets)
        return "error" not in link.receive()

    def test_huge_messages_are_refused_before_they_are_read(self):
        def call(size):
            head = b'{"method": "org.varlink.service.GetInfo", "parameters": {"a": "'
            return head + b"x" * (size - len(head) - 3) + b'"}}\0'
        self.assertTrue(self._answers(call(65536)))
        for octets in (call(65537), call(70_000), b"x" * 3_000_000):
            replies = self.says(octets)
            self.assertLessEqual(len(replies), 1)
            for reply in replies:  # a reset may overtake the answer when more was sent than was read
                self.assertEqual(reply["error"], "org.varlink.service.InvalidParameter")
                self.assertIn("longer than", reply["parameters"]["parameter"])
        self.assertTrue(self._answers(call(65536)))

    def test_a_call_sent_octet_by_octet_is_answered(self):
        link = self.varlink("client1", user="bob")
        self.addCleanup(link.close)
        for octet in STATUS:
            link.socket.send(bytes([octet]))
        self.assertIn("uptimeSeconds", link.receive()["parameters"])

    def test_pipelined_calls_are_answered_in_their_order(self):
        link = self.varlink("client1", user="bob")
        self.addCleanup(link.close)
        methods = ["org.mutuald.Broker.Status", "org.mutuald.Broker.Nonsense", "org.varlink.service.GetInfo"] * 40
        link.socket.sendall(b"".join(json.dumps({"method": each}).encode() + b"\0" for each in methods))
        for method in methods:
            reply = link.receive()
            if method.endswith("Nonsense"):
                self.assertEqual((reply["error"], reply["parameters"]),
                                 ("org.varlink.service.MethodNotFound", {"method": method}))
            else:
                self.assertIn("uptimeSeconds" if "Broker" in method else "vendor", reply["parameters"])

    def test_unknown_methods_and_interfaces_are_named(self):
        link = self.varlink("client1", user="bob")
        self.addCleanup(link.close)
        self.assertEqual(link.call("org.mutuald.Keys.GrantInitiate"),
                         {"error": "org.varlink.service.InterfaceNotFound",
                          "parameters": {"interface": "org.mutuald.Keys"}})
        self.assertEqual(link.call("org.mutuald.Broker.open")["error"], "org.varlink.service.MethodNotFound")
        self.assertEqual(link.call("")["error"], "org.varlink.service.InterfaceNotFound")

    def test_unknown_parameters_and_wrong_types_are_named(self):
        link = self.varlink("client1", user="bob")
        self.addCleanup(link.close)
        good = {"service": "direct"}
        for parameters, named in (({}, "request"), ({"request": "direct"}, "request"), ({"request": {}}, "service"),
                                  ({"request": {"service": 7}}, "service"), ({"request": good, "colour": 1}, "colour"),
                                  ({"request": {**good, "colour": 1}}, "colour"),
                                  ({"request": {**good, "keywords": "a"}}, "keywords"),
                                  ({"request": {**good, "keywords": [1]}}, "keywords"),
                                  ({"request": {**good, "keywords": ["a"] * 17}}, "keywords"),
                                  ({"request": {**good, "keywords": [""]}}, "keyword"),
                                  ({"request": {**good, "host": "h" * 256}}, "host"),
                                  ({"request": {**good, "timeoutMilliseconds": 0}}, "timeoutMilliseconds"),
                                  ({"request": {**good, "timeoutMilliseconds": 1.5}}, "timeoutMilliseconds"),
                                  ({"request": {**good, "timeoutMilliseconds": 10 ** 30}}, "timeoutMilliseconds"),
                                  ({"request": {**good, "minimumLifetimeSeconds": -1}}, "minimumLifetimeSeconds")):
            with self.subTest(parameters):
                self.refused(link.call(OPEN, parameters), "InvalidRequest", "request", f"(?s)Open.*{named}")
        for names, what in (({"channel": "a", "cookie": 1}, "only one of them"), ({}, "is needed"),
                            ({"channel": "a", "stamp": 1, "service": "direct"}, "only one of them"),
                            ({"stamp": 1}, "goes with 'stamp'"), ({"channel": "a", "service": "direct"}, "goes with 'stamp'"),
                            ({"stamp": 2 ** 32, "service": "direct"}, "stamp")):
            self.refused(link.call("org.mutuald.Broker.WhoIs", names), "InvalidRequest", "request", what)
        self.refused(link.call("org.mutuald.Broker.Accept", {"service": []}), "InvalidRequest", "request", "service")
        self.refused(link.call("org.mutuald.Broker.Status", {}, more=True), "InvalidRequest", "request", "one reply")

    def test_an_unknown_service_is_answered_with_the_one_that_was_meant(self):
        self.refused(self.request("legder"), "UnknownService", "request", "no definition of service 'legder'", "ledger")

    def test_descriptors_that_a_caller_sends_are_refused_and_none_is_kept(self):
        broker = self.pids()["mutuald"]
        before = descriptors(broker)
        for _ in range(200):
            link = self.varlink("client1", user="bob")
            with open(os.devnull) as null:
                socket.send_fds(link.socket, [STATUS], [null.fileno()] * 20)
            reply = link.receive()
            link.close()
            self.assertEqual(reply["error"], "org.varlink.service.InvalidParameter")
            self.assertIn("descriptors", reply["parameters"]["parameter"])
        eventually(lambda: descriptors(broker) <= before, what=f"{before} descriptors of the broker as before")
        self.assertEqual(self.pids()["mutuald"], broker)

    def pass_lingering(self, pid, sockets, octets):
        """Each of the sockets carries a lingering one to the process, whose reference to it is the last one."""
        os.kill(pid, signal.SIGSTOP)
        try:
            for each in sockets:
                passed, peer = lingering()
                self.addCleanup(peer.close)
                socket.send_fds(each, [octets], [passed.fileno()])
                passed.close()
        finally:
            os.kill(pid, signal.SIGCONT)

    def test_a_lingering_socket_that_a_caller_passes_holds_nobody_up(self):
        broker = self.pids()["mutuald"]
        links = [self.varlink("client1", user="bob") for _ in range(6)]
        began = time.monotonic()
        self.pass_lingering(broker, [link.socket for link in links], STATUS)
        for link in links[:3]:
            link.close()
        for link in links[3:]:
            self.assertIn("descriptors", link.receive()["parameters"]["parameter"])
            link.close()
        self.assertIn("services", self.status())
        self.assertLess(time.monotonic() - began, 5)
        self.assertEqual(self.pids()["mutuald"], broker)

    def test_a_lingering_socket_does_not_hold_up_the_brokers_end(self):
        broker = self.pids()["mutuald"]
        link = self.varlink("client1", user="bob")
        self.addCleanup(link.close)
        self.assertNotIn("error", link.call("org.mutuald.Broker.Monitor", more=True))
        self.pass_lingering(broker, [link.socket], b"x")  # which nobody reads while it monitors
        os.kill(broker, signal.SIGTERM)
        eventually(lambda: not os.path.exists(f"/proc/{broker}"), bound=5, what="the end of the broker")
        eventually(lambda: self.pids().get("mutuald") not in (None, broker), what="the next broker")
        eventually(lambda: "services" in self.status(), what="its answer")

    def test_a_program_that_passes_a_lingering_socket_over_its_channel_ends_that_channel_only(self):
        self.kinit("client1", "alice")
        channels = self.pids()["mutuald-channel"]
        programs = [self.live_channel() for _ in range(4)]
        began = time.monotonic()
        self.pass_lingering(channels, [programs[0]] * 40 + [programs[1]], b"x")
        for program in programs[:2]:
            with contextlib.suppress(ConnectionResetError):  # what it sent behind that is not read
                self.assertEqual(program.recv(1), b"")
            self.assertEqual(self.verdict(program), "reset")
        for program in programs[2:]:
            self.assertIsNone(self.verdict(program))
        self.opened()
        self.assertLess(time.monotonic() - began, 5)
        self.assertEqual(self.pids()["mutuald-channel"], channels)

    def verdict(self, program):
        link = self.varlink("client1", user="alice")
        with contextlib.closing(link):
            cookie = struct.unpack("=Q", program.getsockopt(socket.SOL_SOCKET, SO_COOKIE, 8))[0]
            return link.call("org.mutuald.Broker.WhoIs", {"cookie": cookie})["parameters"]["channel"].get("verdict")

    def test_connections_are_bounded_for_each_user_and_others_are_served(self):
        def links(user):
            for _ in range(12):
                link = self.varlink("client1", user=user)
                self.addCleanup(link.close)
                self.assertIsNotNone(link.call("org.varlink.service.GetInfo"))
                yield link
        bobs = list(links("bob"))
        refused = self.varlink("client1", user="bob")
        self.addCleanup(refused.close)
        # The first refusal is told, unasked; right behind it others are not.
        self.refused(refused.receive(), "Limit", "caller",
                     "uid 1002 has 12 connections, and daemon.limits.connections_per_uid is 12", "connections_per_uid")
        self.assertIsNone(refused.receive())
        self.assertFalse(self._bob_is_admitted())
        self.assertIn("services", self.status())
        carols = self.varlink("client1", user="carol")
        self.addCleanup(carols.close)
        self.assertIsNotNone(carols.call("org.varlink.service.GetInfo"))
        bobs.pop().close()
        eventually(lambda: self._bob_is_admitted(), what="a connection in place of one that ended")

    def _bob_is_admitted(self):
        link = self.varlink("client1", user="bob")
        self.addCleanup(link.close)
        try:
            reply = link.call("org.varlink.service.GetInfo")
        except (BrokenPipeError, ConnectionResetError):
            return False
        return reply is not None and "error" not in reply


class Leaving(Chain):
    """Callers that hang up while the KDC or the directory does not answer."""
    client = LIMITS + ledger.client_config(more=DIRECT)

    def setUp(self):
        for user in ("alice", "carol"):
            self.kinit("client1", user)
        self.opened(user="carol")  # her service ticket is in her cache now

    def test_pending_requests_are_bounded_for_each_user_and_others_are_served(self):
        with self.frozen("kdc"):
            links = [self.pending(user="alice", timeoutMilliseconds=60_000) for _ in range(3)]
            def full():
                reply = self.request(user="alice", timeoutMilliseconds=300)
                return reply if reply["error"].endswith("Limit") else None
            reply = eventually(full, what="the limit of pending requests")
            self.refused(reply, "Limit", "caller", "uid 1001 has 3 pending requests", "daemon.limits")
            self.opened(user="carol")
            told = self.log("client1").count("refused uid 1001: Limit at caller: uid 1001 has 3 pending requests")
            self.refused(self.listed("alice"), "Limit", "caller", "uid 1001 has 3 pending requests", "daemon.limits")
            self.assertEqual(self.log("client1").count("refused uid 1001: Limit at caller: uid 1001 has 3 pending requests"), told + 1)
            self.assertNotIn("error", self.listed("carol"))
            for link in links:
                link.close()
            late = lambda: self.request(user="alice", timeoutMilliseconds=300)["error"].endswith("KdcUnreachable")
            eventually(late, what="permits, given back")
        self.opened(user="alice")

    def listed(self, user):
        """What ListCredentials answers: it reads the user's cache, and so counts as a request."""
        link = self.varlink("client1", user=user)
        self.addCleanup(link.close)
        return link.call("org.mutuald.Broker.ListCredentials")

    def with_limit(self, key, most):
        self.addCleanup(self.mutualctl, "client1", "reload")
        self.addCleanup(self.configure, "client1", self.client)
        self.configure("client1", self.client.replace("[daemon.limits]\n", f"[daemon.limits]\n{key} = {most}\n", 1))
        self.assertEqual(self.mutualctl("client1", "reload").returncode, 0)

    def test_live_channels_are_bounded_for_each_user_and_one_that_ends_gives_its_place_back(self):
        self.with_limit("channels_per_uid", 2)
        link = self.pending()
        self.assertNotIn("error", link.receive())
        programs = [link.fds.pop()]
        # A connection that becomes the channel is one, too.
        upgraded = self.varlink("client1", user="alice")
        upgraded.send("org.mutuald.Broker.Open", {"request": {"service": "direct"}}, upgrade=True)
        self.assertNotIn("error", upgraded.receive())
        programs.append(upgraded.socket.detach())
        self.refused(self.request(), "Limit", "channel", "uid 1001 has 2 live channels already, as many as "
                     "daemon.limits.channels_per_uid allows", "close some, or raise daemon.limits.channels_per_uid")
        self.opened(user="carol")
        os.close(programs.pop())
        eventually(self.opens, what="a channel in place of one that ended")
        os.close(programs.pop())

    def test_handshakes_are_bounded_for_each_user_and_one_that_ends_gives_its_place_back(self):
        self.opened()  # alice's service ticket is in her cache now
        self.with_limit("handshakes_per_uid", 1)
        silent = self.pids("app1")["mutuald-channel"]
        os.kill(silent, signal.SIGSTOP)
        try:
            link = self.pending(timeoutMilliseconds=60_000)
            def full():
                reply = self.request(timeoutMilliseconds=300)
                return reply if reply["error"].endswith("Limit") else None
            reply = eventually(full, what="the limit of handshakes")
            self.refused(reply, "Limit", "caller", "uid 1001 has 1 handshakes in progress, and "
                         "daemon.limits.handshakes_per_uid is 1", "daemon.limits.handshakes_per_uid")
            link.close()
        finally:
            os.kill(silent, signal.SIGCONT)
        eventually(self.opens, what="a channel in place of a handshake that ended")

    def test_a_caller_that_leaves_while_the_kdc_is_asked_takes_its_fetcher_with_it(self):
        pids = self.pids()
        before = {part: descriptors(pid) for part, pid in pids.items()}
        for _ in range(5):
            with self.frozen("kdc"):
                link = self.pending(user="alice", timeoutMilliseconds=60_000)
                (fetcher,) = eventually(lambda: children(pids["mutuald-keys"], 1001), what="alice's fetcher")
                link.close()
                eventually(lambda: not os.path.exists(f"/proc/{fetcher}"), what="the end of her fetcher")
        for part, pid in pids.items():
            eventually(lambda: descriptors(pid) <= before[part] + 2, what=f"{part}'s descriptors, closed")
        self.opened(user="alice")
        self.assertEqual(self.pids(), pids)

    def test_a_caller_that_leaves_while_the_directory_is_asked_takes_its_finder_with_it(self):
        self.request("ledger", user="carol", method="Find", keywords=["warm"])
        pids = self.pids()
        before = descriptors(pids["mutuald"]), descriptors(pids["mutuald-plugin"])
        for number in range(5):
            with self.frozen("slapd"):
                finders = children(pids["mutuald-plugin"])
                link = self.pending("ledger", keywords=[f"leaving-{number}"], timeoutMilliseconds=60_000)
                searching = eventually(lambda: self._connected_to_directory(pids["mutuald-plugin"]), what="a search")
                link.close()
                eventually(lambda: not searching & children(pids["mutuald-plugin"]), 3, "the end of its finder")
        eventually(lambda: descriptors(pids["mutuald"]) <= before[0] + 1, what="the broker's descriptors, closed")
        eventually(lambda: descriptors(pids["mutuald-plugin"]) <= before[1] + 1, what="the supervisor's, closed")
        self.assertEqual(self.pids(), pids)

    def test_a_caller_that_leaves_while_the_peer_is_silent_ends_its_connection(self):
        pids, silent = self.pids(), self.pids("app1")["mutuald-channel"]
        connections = lambda: self.must("client1", "ss", "-tnH", "state", "established").count(":7000")
        others = connections()
        before = descriptors(pids["mutuald-channel"])
        os.kill(silent, signal.SIGSTOP)
        try:
            for _ in range(5):
                link = self.pending(user="carol", timeoutMilliseconds=60_000)
                eventually(lambda: connections() > others, what="a connection to a peer that says nothing")
                link.close()
                eventually(lambda: connections() == others, what="the end of the connection")
        finally:
            os.kill(silent, signal.SIGCONT)
        eventually(lambda: descriptors(pids["mutuald-channel"]) <= before, what="mutuald-channel's descriptors, closed")
        self.opened(user="carol")
        self.assertEqual(self.pids(), pids)

    def _connected_to_directory(self, plugin):
        """Finders that hold a network connection."""
        return {pid for pid in children(plugin) if any(_is_tcp(pid, name) for name in _names(pid))}


def _names(pid):
    try:
        return os.listdir(f"/proc/{pid}/fd")
    except FileNotFoundError:
        return []


def _is_tcp(pid, name):
    try:
        inode = os.readlink(f"/proc/{pid}/fd/{name}").removeprefix("socket:[").removesuffix("]")
        with open(f"/proc/{pid}/net/tcp") as table:
            return any(line.split()[9] == inode for line in list(table)[1:])
    except FileNotFoundError:
        return False


if __name__ == "__main__":
    main()
