# SPDX-License-Identifier: Apache-2.0
"""What mutuald-plugin finds and registers in a real rpcbind; the broker's place is taken by the test."""
import contextlib
import signal
import time

import host
from harness import World, eventually, main, stop

SOCKET = "/run/mutuald/plugin"
PROGRAM = 200500
PORT = 7000
APP1 = host.ADDRESSES["app1"]
# Registers, as whoever runs it, an entry in the local rpcbind: program, version, netid, universal address.
SET = """
import socket, struct, sys
def text(value):
    return struct.pack(">I", len(value)) + value.encode() + bytes(-len(value) % 4)
program, version, netid, address = sys.argv[1:]
call = struct.pack(">10I", 7, 0, 2, 100000, 4, 1, 0, 0, 0, 0) + struct.pack(">2I", int(program), int(version))
call += text(netid) + text(address) + text("")
link = socket.socket(socket.AF_UNIX)
link.connect("/run/rpcbind.sock")
link.sendall(struct.pack(">I", len(call) | 1 << 31) + call)
sys.exit(link.recv(4096)[-4:] != bytes([0, 0, 0, 1]))
"""
# An rpcbind that answers every call with an address of the loopback; Linux' own never gives one to other hosts.
SEND_HOME = """
import socket, struct
server = socket.create_server(("0.0.0.0", 111))
while True:
    link, _ = server.accept()
    call = link.recv(4096)
    answer = call[4:8] + struct.pack(">6I", 1, 0, 0, 0, 0, 15) + b"127.0.0.1.27.88" + bytes(1)
    link.sendall(struct.pack(">I", len(answer) | 1 << 31) + answer)
"""


class Rpcbind(World):
    hosts = ["app1", "client1"]

    def setUp(self):
        self.rpcbind = self.start_rpcbind("app1")
        self.plugin = {name: self.start_plugin(name) for name in ("app1", "client1")}

    def start_plugin(self, name, *words):
        """mutuald-plugin alone, once it answers; root may call it."""
        self.must(name, "install", "-d", "-o", "mutuald-plugin", "/run/mutuald")
        process = self.start_on(name, f"{host.BUILD}/bin/mutuald-plugin", "--socket", SOCKET, "--broker-user", "root",
                                *words, user="mutuald-plugin")

        def answers():
            with contextlib.suppress(OSError):
                return self.ask(name, "Status")
        eventually(answers, 20, f"mutuald-plugin on {name}, ready")
        return process

    # Calls

    def ask(self, name, method, **parameters):
        """The error's name, and the reply's parameters."""
        link = self.varlink(name, SOCKET)
        with contextlib.closing(link):
            reply = link.call(f"org.mutuald.Plugins.{method}", {"version": 1, **parameters})
        self.assertIsNotNone(reply, "it hung up")
        return reply.get("error", "").rpartition(".")[2], reply["parameters"]

    def register(self, service="payroll", program=PROGRAM, versions=(1, 2), address="0.0.0.0", port=PORT):
        return self.ask("app1", "RegisterRpc", service=service, program=program, versions=list(versions), address=address,
                        port=port)

    def registered(self, **how):
        self.assertEqual(self.register(**how), ("", {}))

    def unregistered(self, service="payroll"):
        self.assertEqual(self.ask("app1", "UnregisterRpc", service=service), ("", {}))

    def find(self, version=1, program=PROGRAM, addresses=(APP1,), timeout=5000):
        return self.ask("client1", "FindRpc", program=program, rpcVersion=version, addresses=list(addresses),
                        timeoutMilliseconds=timeout)

    def refused(self, reply, code, message, hint):
        self.assertEqual(reply[0], code, reply)
        self.assertEqual(reply[1]["stage"], "discovery")
        self.assertRegex(reply[1]["message"], message)
        self.assertRegex(reply[1]["hint"], hint)

    # rpcbind as rpcinfo shows it

    def entries(self, program=PROGRAM):
        """(version, netid, address, owner) of each entry of the program."""
        rows = [line.split() for line in self.must("app1", "rpcinfo").splitlines()[1:]]
        return {(int(row[1]), row[2], row[3], row[-1]) for row in rows if int(row[0]) == program}

    def ours(self, versions=(1, 2), address="0.0.0.0", netid="tcp", port=PORT):
        universal = f"{address}.{port >> 8}.{port & 255}"
        return {(version, netid, universal, str(host.ACCOUNTS["mutuald-plugin"])) for version in versions}

    def squat(self, user, version=1, netid="tcp", address="0.0.0.0.3.9"):
        self.must("app1", "python3", "-c", SET, PROGRAM, version, netid, address, user=user)

    def restart_rpcbind(self, *words):
        self.rpcbind.kill()
        self.rpcbind.wait()
        self.rpcbind = self.start_rpcbind("app1", *words)

    # Registering

    def test_a_service_is_registered_in_each_version_and_found_from_another_host(self):
        self.registered()
        self.assertEqual(self.entries(), self.ours())
        self.assertIn(f"{PROGRAM}    2   tcp   {PORT}", self.must("client1", "rpcinfo", "-p", APP1))
        for version in (1, 2):
            self.assertEqual(self.find(version), ("", {"address": APP1, "port": PORT, "how": "rpcbind v4"}))

    def test_a_service_that_listens_on_both_families_is_registered_for_both(self):
        self.registered(address="::")
        self.assertEqual(self.entries(), self.ours() | self.ours(address="::", netid="tcp6"))

    def test_to_say_it_again_changes_nothing_and_another_place_replaces_the_first(self):
        for _ in range(2):
            self.registered()
        self.assertEqual(self.entries(), self.ours())
        self.registered(versions=[2, 3], port=7001)
        self.assertEqual(self.entries(), self.ours([2, 3], port=7001))

    def test_it_is_removed_when_the_service_is_and_when_the_program_ends(self):
        self.registered()
        self.registered(service="other", versions=[7], port=7001)
        self.unregistered()
        self.assertEqual(self.entries(), self.ours([7], port=7001))
        self.unregistered("nobody's")
        self.assertEqual(stop(self.plugin["app1"]), 0)
        self.assertEqual(self.entries(), set())

    def test_what_a_killed_program_left_is_taken_over_by_the_next(self):
        self.registered()
        self.plugin["app1"].kill()
        self.plugin["app1"].wait()
        self.assertEqual(self.entries(), self.ours())
        self.plugin["app1"] = self.start_plugin("app1")
        self.registered(port=7001)
        self.assertEqual(self.entries(), self.ours(port=7001))

    def test_it_is_registered_again_after_rpcbind_was_restarted(self):
        self.registered()
        for words in ((), ("-w",)):
            self.restart_rpcbind(*words)
            eventually(lambda: self.entries() == self.ours(), 10, "the registration in a new rpcbind")

    def test_it_is_registered_as_soon_as_there_is_an_rpcbind(self):
        stop(self.rpcbind)
        self.refused(self.register(), "Unavailable", "register RPC program 200500 in rpcbind: connect to /run/rpcbind.sock",
                     "see whether rpcbind runs on this host")
        self.rpcbind = self.start_rpcbind("app1")
        eventually(lambda: self.entries() == self.ours(), 15, "the registration in the first rpcbind")

    def test_what_is_removed_while_there_is_no_rpcbind_stays_away(self):
        self.registered()
        self.registered(service="other", versions=[7], port=7001)
        self.rpcbind.kill()
        self.rpcbind.wait()
        error, _ = self.ask("app1", "UnregisterRpc", service="payroll")
        self.assertEqual(error, "Unavailable")
        self.rpcbind = self.start_rpcbind("app1")
        eventually(lambda: self.entries() == self.ours([7], port=7001), 15, "the other registration")

    def test_a_program_that_another_user_holds_is_refused_and_theirs_stays(self):
        for address in ("0.0.0.0.3.9", f"0.0.0.0.{PORT >> 8}.{PORT & 255}"):  # rpcbind says yes to the same again
            with self.subTest(address):
                self.squat("alice", version=2, address=address)
                self.refused(self.register(), "Unavailable",
                             f'version 2 is registered for tcp by "{host.USERS["alice"]}" already, at "{address}"',
                             "rpcinfo -d 200500 2")
                self.unregistered()
                self.assertEqual(self.entries(), {(2, "tcp", address, str(host.USERS["alice"]))})
                self.must("app1", "rpcinfo", "-d", PROGRAM, 2)

    def test_a_program_that_becomes_free_is_registered_with_the_next_rpcbind(self):
        self.squat("alice")
        self.assertEqual(self.register()[0], "Unavailable")
        self.restart_rpcbind()
        eventually(lambda: self.entries() == self.ours(), 10, "the registration without a rival")

    def test_nobody_but_us_and_root_removes_ours(self):
        self.registered()
        self.run_on("app1", "rpcinfo", "-d", PROGRAM, 1, user="alice")
        self.assertEqual(self.entries(), self.ours())

    def test_an_entry_that_root_removed_is_registered_again(self):
        stop(self.plugin["app1"])
        self.plugin["app1"] = self.start_plugin("app1", "--rpcbind-check", "1")
        self.registered()
        self.must("app1", "rpcinfo", "-d", PROGRAM, 1)
        self.assertEqual(self.entries(), self.ours([2]))
        eventually(lambda: self.entries() == self.ours(), 5, "the registration, mended")

    def test_whoever_asked_may_hang_up(self):
        self.rpcbind.send_signal(signal.SIGSTOP)
        link = self.varlink("app1", SOCKET)
        link.send("org.mutuald.Plugins.RegisterRpc", {"version": 1, "service": "payroll", "program": PROGRAM,
                                                      "versions": [1, 2], "address": "0.0.0.0", "port": PORT})
        self.ask("app1", "Status")
        link.close()
        self.ask("app1", "Status")
        self.rpcbind.send_signal(signal.SIGCONT)
        eventually(lambda: self.entries() == self.ours(), 10, "the registration without its asker")

    def test_services_come_and_go_at_the_same_time(self):
        """Three services, whose calls wait for each other at rpcbind; the last word about each counts."""
        links = []
        for number in (1, 2, 3):
            link = self.varlink("app1", SOCKET)
            self.addCleanup(link.close)
            about = {"version": 1, "service": f"service-{number}"}
            for port in (PORT + 1, PORT + 2, None, PORT):
                wanted = {"program": PROGRAM, "versions": [number], "address": "0.0.0.0", "port": port} if port else {}
                link.send(f"org.mutuald.Plugins.{'R' if port else 'Unr'}egisterRpc", {**about, **wanted})
            links.append(link)
        for link in links:
            self.assertEqual([link.receive() for _ in range(4)], [{"parameters": {}}] * 4)
        self.assertEqual(self.entries(), self.ours([1, 2, 3]))
        for number in (1, 2, 3):
            self.unregistered(f"service-{number}")
        self.assertEqual(self.entries(), set())
        self.registered()
        self.assertEqual(self.entries(), self.ours())

    def test_calls_of_another_version_or_without_sense_are_refused(self):
        self.assertEqual(self.ask("client1", "FindRpc", program=PROGRAM)[0], "InvalidRequest")
        self.assertEqual(self.find(addresses=[])[0], "InvalidRequest")
        self.assertEqual(self.find(addresses=["localhost"])[0], "InvalidRequest")
        self.assertEqual(self.register(versions=[])[0], "InvalidRequest")
        self.assertEqual(self.register(port=0)[0], "InvalidRequest")
        link = self.varlink("app1", SOCKET)
        self.addCleanup(link.close)
        reply = link.call("org.mutuald.Plugins.UnregisterRpc", {"version": 2, "service": "payroll"})
        self.assertRegex(reply["error"], "Unavailable")

    def test_a_frozen_rpcbind_costs_a_deadline_and_stops_nobody_else(self):
        self.rpcbind.send_signal(signal.SIGSTOP)
        try:
            begun = time.monotonic()
            link = self.varlink("app1", SOCKET)
            self.addCleanup(link.close)
            link.send("org.mutuald.Plugins.RegisterRpc", {"version": 1, "service": "payroll", "program": PROGRAM,
                                                          "versions": [1], "address": "0.0.0.0", "port": PORT})
            self.assertEqual(self.ask("app1", "Status")[0], "")
            self.assertLess(time.monotonic() - begun, 3)
            self.assertRegex(link.receive()["error"], "TimedOut")
        finally:
            self.rpcbind.send_signal(signal.SIGCONT)

    # Finding

    def test_a_program_that_is_not_registered_is_not_found(self):
        self.refused(self.find(), "NotFound",
                     f"look up RPC program 200500 version 1: ask the rpcbind of {APP1}: it is not registered there "
                     r"\(rpcbind v4\)", f"rpcinfo -p {APP1}")

    def test_a_program_of_other_versions_is_not_found_and_these_are_named(self):
        self.registered(versions=[1, 3])
        self.refused(self.find(2), "NotFound", "registered there in other versions only: 1, 3", "one of these versions")

    def test_a_stranger_cannot_send_us_to_programs_of_our_own_host(self):
        stop(self.rpcbind)
        self.start_on("app1", "python3", "-c", SEND_HOME, log="send_home")
        reply = eventually(lambda: (lambda got: got[0] != "Unreachable" and got)(self.find()), 10, "an answer")
        self.refused(reply, "NotFound", "for that host alone, at 127.0.0.1", "listen on an address that others can reach")

    def test_a_host_without_rpcbind_is_unreachable(self):
        self.refused(self.find(addresses=[host.ADDRESSES["client1"]]), "Unreachable", "Connection refused",
                     "whether rpcbind runs there")
        self.registered()
        addresses = [host.ADDRESSES["client1"], APP1]
        self.assertEqual(self.find(addresses=addresses)[1]["address"], APP1)

    def test_a_host_that_does_not_answer_costs_two_seconds(self):
        self.registered()
        with self.blackhole("client1", "dc"):
            begun = time.monotonic()
            self.assertEqual(self.find(addresses=[host.ADDRESSES["dc"], APP1], timeout=20_000)[1].get("address"), APP1)
            self.assertLess(time.monotonic() - begun, 4)
            self.refused(self.find(addresses=[host.ADDRESSES["dc"]], timeout=500), "TimedOut",
                         "could not be connected to in time", "a firewall lets us reach port 111")

    def test_a_frozen_rpcbind_costs_two_seconds(self):
        self.registered()
        self.rpcbind.send_signal(signal.SIGSTOP)
        try:
            begun = time.monotonic()
            self.refused(self.find(), "TimedOut", "no answer in time", "still answers others")
            self.assertLess(time.monotonic() - begun, 4)
        finally:
            self.rpcbind.send_signal(signal.SIGCONT)


if __name__ == "__main__":
    main()
