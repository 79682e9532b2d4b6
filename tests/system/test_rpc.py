# SPDX-License-Identifier: Apache-2.0
"""Our own two ends of ONC RPC: found through rpcbind, renewed beyond a ticket's end, large, and under attack."""
import os
import signal
import struct
import threading
import time

import host
import kerberos
import onc_rpc
import tirpc
from harness import eventually, main, stop
from running import Running, rule, service

PROGRAM, VERSION = 0x20000009, 3
PORT = 7300
SPN = f"ledger/{host.full_name('app1')}"
ALICE = f"alice@{host.REALM}"
SOCKET = "/run/echo/echo.sock"
LARGEST = 17 << 20
ECHO = """
import os, socket, struct, sys, threading
def exactly(link, size):
    data = bytearray()
    while len(data) < size:
        part = link.recv(min(size - len(data), 1 << 20))
        if not part:
            raise EOFError
        data += part
    return bytes(data)
def serve(link):
    try:
        while True:
            mark, = struct.unpack(">I", exactly(link, 4))
            call = exactly(link, mark & 0x7fffffff)
            size, = struct.unpack_from(">I", call, 28)
            body = call[32 + (size + 3) // 4 * 4 + 8:]
            reply = call[:4] + struct.pack(">5I", 1, 0, 0, 0, 0) + body
            link.sendall(struct.pack(">I", 0x80000000 | len(reply)) + reply)
    except (EOFError, OSError):
        link.close()
server = socket.socket(socket.AF_UNIX)
os.umask(0)
server.bind(sys.argv[1])
server.listen(64)
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
"""


def definition(**more):
    return service("echo", service_class="ledger", **more)


RPC = {"program": PROGRAM, "versions": [1, VERSION], "max_record": LARGEST}


def acceptor(port, register=True):
    return definition(rpc=RPC, accept={"spns": [SPN], "keytab": "/etc/mutuald/keytabs/ledger.keytab", "port": port,
                                       "deliver": "unix", "socket": SOCKET, "socket_user": "ledger",
                                       "rpc": {"register": register}},
                      allow={"principals": [ALICE, f"bob@{host.REALM}"]})


ACCEPTOR = acceptor(PORT)
TRUST = {"hosts": [f".{host.DOMAIN}"]}
INITIATOR = definition(rpc=RPC, trust=TRUST) + service(
    "absent", service_class="ledger", rpc={"program": PROGRAM + 1, "versions": [1]}, trust=TRUST) + rule("anybody", ["*"], users=["*"])


class Rpc(Running):
    configurations = {"app1": ACCEPTOR, "client1": INITIATOR}

    @classmethod
    def prepare(cls):
        cls.daemons.start_rpcbind("app1")
        folder = cls.world.inside("app1", os.path.dirname(SOCKET))
        os.makedirs(folder, exist_ok=True)
        os.chown(folder, host.ACCOUNTS["ledger"], host.ACCOUNTS["ledger"])
        cls.daemons.start_on("app1", "/usr/bin/python3", "-B", "-c", ECHO, SOCKET, user="ledger", log="echo")
        eventually(lambda: os.path.exists(cls.world.inside("app1", SOCKET)), what="the server of echo")

    def setUp(self):
        self.kinit("client1", "alice")

    def opened(self, user="alice", **more):
        return self.open("echo", user=user, host=host.full_name("app1"), **more)

    def caller(self, channel):
        return onc_rpc.Caller(channel.socket, PROGRAM, VERSION)

    def whois(self, channel, on="client1"):
        return self.answer("WhoIs", user="root", on=on, channel=channel["channel"])["channel"]

    def later_end(self, channel, than):
        """When the channel expires, if that is later than it was."""
        expires = self.whois(channel)["expires"]
        return expires if expires > than else None


class Places(Rpc):
    def test_a_program_is_found_by_rpcbind_on_the_host_that_was_named(self):
        found = self.request("Find", "echo", host=host.full_name("app1"))
        place, = found["candidates"]
        self.assertEqual((place["port"], place["transport"], place["usable"]), (PORT, "oncrpc", True))
        self.assertRegex(place["source"], r"port by rpcbind v4$")
        self.assertEqual(self.caller(self.opened()).call(1, b"abcd"), b"abcd")

    def test_a_program_may_be_asked_for_by_its_number(self):
        for more, version in (({}, VERSION), ({"rpcVersion": 1}, 1)):
            channel = self.channel(*self.ask("Open", request={"rpcProgram": PROGRAM, "host": host.full_name("app1"),
                                                              **more}))
            self.assertEqual(onc_rpc.Caller(channel.socket, PROGRAM, version).call(1, b"abcd"), b"abcd")
            with self.assertRaises(onc_rpc.Refused) as refused:
                onc_rpc.Caller(channel.socket, PROGRAM, 4 - version).call(1)
            self.assertEqual(refused.exception.args, ("accepted", 2))  # PROG_MISMATCH
        error, reply, _ = self.ask("Open", request={"rpcProgram": PROGRAM + 2})
        self.assertEqual(error, "UnknownService", reply)
        error, reply, _ = self.ask("Open", request={"rpcProgram": PROGRAM, "rpcVersion": 2, "service": "echo",
                                                    "host": host.full_name("app1")})
        self.assertEqual(error, "InvalidRequest", reply)
        self.assertIn("the definition lists 1, 3", reply["message"])

    def test_a_program_that_is_not_registered_is_told_so(self):
        error, reply = self.refused("Open", "absent", host=host.full_name("app1"))
        self.assertEqual((error, reply["stage"]), ("NotFound", "addresses"), reply)
        self.assertIn(f"program {PROGRAM + 1} version 1", reply["message"])

    def test_messages_of_16_mebioctets_pass_and_calls_are_counted(self):
        channel = self.opened()
        caller = self.caller(channel)
        for size in (0, 4, 65_536, 1 << 20, 16 << 20):
            body = os.urandom(size)
            channel.socket.settimeout(60)
            writer = threading.Thread(target=caller.send, args=([size & 0xffff], 1, body))
            writer.start()
            self.assertTrue(caller.receive() == (size & 0xffff, body), size)
            writer.join()
        self.assertEqual(self.whois(channel)["calls"], 5)

    def test_ft_087_a_message_that_is_too_long_ends_the_channel(self):
        channel = self.opened()
        channel.socket.sendall(struct.pack(">I", 0x80000000 | (LARGEST + 4)))
        self.assertEqual(channel.rest(), b"")
        self.assertEqual(self.whois(channel)["verdict"], "reset")
        self.assertIn("announced a record of", self.log_of("client1", "mutuald"))


class Moves(Rpc):
    """Entries of rpcbind that are not true any more."""

    def setUp(self):
        super().setUp()
        self.addCleanup(self.restore)
        eventually(lambda: self.registered_port() == {PORT}, 20, "the registration")

    def restore(self):
        """As the next test wants it, whatever this one came to."""
        if self.mutuald["app1"].poll() is not None or self.registered_port() != {PORT}:
            self.kill_mutuald("app1")
            self.start(PORT)

    def registered_port(self):
        """Where the local rpcbind says that the program is."""
        lines = [line.split() for line in self.must("app1", "rpcinfo", "-p").splitlines()]
        return {int(line[3]) for line in lines if line[0] == str(PROGRAM)}

    def place(self):
        place, = self.request("Find", "echo", host=host.full_name("app1"))["candidates"]
        return place["port"]

    def start(self, port):
        self.start_mutuald("app1", acceptor(port))
        eventually(lambda: self.registered_port() == {port}, 20, "the registration")

    def test_ft_067_ft_068_a_program_that_was_killed_is_found_where_it_started_again(self):
        before, other = self.opened(), PORT + 1
        self.assertEqual(self.caller(before).call(1, b"abcd"), b"abcd")
        self.kill_mutuald("app1")
        self.assertEqual(before.rest(), b"")
        # Nobody has taken its entry away. The client goes there, and says what it met and who sent it.
        self.assertEqual((self.registered_port(), self.place()), ({PORT}, PORT))
        error, reply = self.refused("Open", "echo", host=host.full_name("app1"))
        self.assertEqual((error, reply["stage"]), ("Unreachable", "connect"), reply)
        self.assertIn(f"{host.ADDRESSES['app1']}:{PORT}: Connection refused", reply["message"])
        self.assertIn("rpcbind on that host, which may still know a server that has ended", reply["hint"])
        self.assertEqual(self.lines(reply["explanation"], "addresses", "found"),
                         [f"rpcbind v4 on {host.full_name('app1')} says: program {PROGRAM} version {VERSION} is at "
                          f"{host.ADDRESSES['app1']}:{PORT}"])
        # After that failure it asks again, and finds the new place.
        self.start(other)
        self.assertEqual(self.place(), other)
        self.assertEqual(self.caller(self.opened()).call(1, b"efgh"), b"efgh")
        self.kill_mutuald("app1")
        self.assertEqual(self.registered_port(), {other})
        self.start(PORT)
        self.assertEqual(self.caller(self.opened()).call(1, b"ijkl"), b"ijkl")

    def restart_broker(self, text):
        """It alone, with another configuration: what it registered is with mutuald-plugin, which goes on."""
        self.configure("app1", text)
        os.kill(self.answer("Status", user="root", on="app1")["pid"], signal.SIGKILL)

    def test_ft_067_what_a_broker_registered_goes_when_the_next_one_does_not_want_it(self):
        for text in ("", acceptor(PORT, register=False)):
            with self.subTest(text=text):
                self.assertEqual(self.registered_port(), {PORT})
                self.restart_broker(text)
                eventually(lambda: not self.registered_port(), 20, "the end of the registration")
                self.restart_broker(ACCEPTOR)
                eventually(self.registered_port, 20, "the registration, again")

    def test_ft_067_an_entry_that_leads_to_a_server_with_another_name_gives_no_channel(self):
        self.kill_mutuald("app1")
        other = tirpc.start_gss_server(self.daemons, "app1", f"host/{host.full_name('app1')}", "host", port=PORT)
        self.addCleanup(stop, other)
        error, reply = self.refused("Open", "echo", host=host.full_name("app1"))
        self.assertEqual((error, reply["stage"]), ("RefusedByPeer", "handshake"), reply)
        self.assertIn("rpcbind on that host", reply["hint"])


class Attacks(Rpc):
    """A stranger on the network, without any ticket."""

    def stranger(self, octets):
        """What is answered to these octets until the connection ends, as a process on client1 sees it."""
        script = f"""
import socket, sys
link = socket.create_connection(("{host.ADDRESSES['app1']}", {PORT}), 5)
link.settimeout(20)
link.sendall(bytes.fromhex("{octets.hex()}"))
answer = b""
try:
    while part := link.recv(4096):
        answer += part
        if "once" in sys.argv:
            break
except ConnectionResetError:
    pass
print(answer.hex())
"""
        return lambda *words: bytes.fromhex(self.must("client1", "/usr/bin/python3", "-c", script, *words).strip())

    def test_a_record_of_4_gibioctets_is_refused_by_its_mark_alone(self):
        self.assertEqual(self.stranger(b"\xff\xff\xff\xff")(), b"")
        self.assertIn("announced a record of 2147483647 octets", self.log_of("app1", "mutuald"))

    def test_another_protocol_is_refused(self):
        self.assertEqual(self.stranger(b"GET / HTTP/1.0\r\n\r\n")(), b"")

    def test_a_call_without_a_context_is_denied_and_says_why(self):
        for flavor, why in ((0, 5), (1, 5)):
            answer = self.stranger(onc_rpc.call_record(7, PROGRAM, VERSION, 1, flavor=flavor))("once")
            self.assertEqual(struct.unpack(">6I", answer[:24]), (0x80000014, 7, 1, 1, 1, why))

    def test_one_that_stalls_after_two_octets_holds_nobody_up(self):
        stalled = [self.start_on("client1", "/usr/bin/python3", "-c", f"""
import socket, time
link = socket.create_connection(("{host.ADDRESSES['app1']}", {PORT}), 5)
link.sendall(bytes(2))
print("stalls", flush=True)
time.sleep(60)
""", log="stalled") for _ in range(16)]
        eventually(lambda: self.log_of("client1", "stalled").count("stalls") == len(stalled), what="16 stalled clients")
        began = time.monotonic()
        self.assertEqual(self.caller(self.opened()).call(1, b"abcd"), b"abcd")
        self.assertLess(time.monotonic() - began, 5)


class Lives(Rpc):
    """Beyond the ticket that a channel was opened with."""
    LIFE = 24  # seconds, of every ticket
    options = {"max_life": f"{LIFE}s"}

    def test_ft_091_a_channel_lives_on_while_there_are_tickets_and_ends_with_the_last(self):
        caches = {name: f"FILE:/tmp/{name}" for name in ("renewed", "lapsed", "taken")}
        for cache in caches.values():
            self.kinit("client1", "alice", cache=cache)
        channels = {name: self.opened(credentialCache=cache) for name, cache in caches.items()}
        first = {name: self.whois(channel)["expires"] for name, channel in channels.items()}
        callers = {name: self.caller(channel) for name, channel in channels.items()}
        for name, caller in callers.items():
            self.assertEqual(caller.call(1, b"abcd"), b"abcd", name)
        eventually(lambda: time.time() > first["renewed"] - self.LIFE / 2, self.LIFE, "half of the ticket's life")
        self.kinit("client1", "alice", cache=caches["renewed"])
        done = self.run_on("client1", "kinit", "-c", caches["taken"], "bob", user="alice",
                           input=kerberos.password("bob") + "\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        later = eventually(lambda: self.later_end(channels["renewed"], first["renewed"]), self.LIFE, "a renewed context")
        self.assertLess(time.time(), first["renewed"])
        while time.time() < first["lapsed"] - 1:
            self.assertEqual(callers["renewed"].call(1, b"efgh"), b"efgh")
            time.sleep(0.2)
        # The others had nothing to renew with, and were told why.
        self.assertEqual(channels["lapsed"].rest(), b"")
        self.assertEqual(self.whois(channels["lapsed"])["verdict"], "expired")
        self.assertEqual(channels["taken"].rest(), b"")
        told = {name: [line for line in self.log_of("client1", "mutuald").splitlines()
                       if "does not renew" in line and f"channel={channels[name]['channel']}" in line] for name in channels}
        self.assertRegex(told["taken"][0], "does not renew a channel's context: .*the credentials are now of bob@")
        self.assertRegex(told["lapsed"][0], "does not renew a channel's context: ")
        self.assertEqual(told["renewed"], [])
        eventually(lambda: time.time() > first["renewed"] + 1, self.LIFE, "the first ticket's end")
        self.assertEqual(callers["renewed"].call(1, b"ijkl"), b"ijkl")
        self.assertGreater(later, first["renewed"])
        self.assertGreater(self.whois(channels["renewed"])["calls"], 3)


class LivesWithoutKdc(Rpc):
    """For a while. An attempt to renew is made 10 s before the end, the next ones 2 and 6 s later."""
    LIFE = 40
    options = {"max_life": f"{LIFE}s"}

    def test_ft_091_a_kdc_that_is_away_when_a_context_must_be_renewed_is_asked_again(self):
        cache = "FILE:/tmp/away"
        self.kinit("client1", "alice", cache=cache)
        channel = self.opened(credentialCache=cache)
        caller, first = self.caller(channel), self.whois(channel)["expires"]
        eventually(lambda: time.time() > first - self.LIFE / 2, self.LIFE, "half of the ticket's life")
        self.kinit("client1", "alice", cache=cache)  # a new ticket of the KDC's own; the service's is to be fetched
        said = len(self.log_of("client1", "mutuald"))
        with self.stopped("kdc"):
            eventually(lambda: "does not renew a channel's context" in self.log_of("client1", "mutuald")[said:], self.LIFE,
                       "an attempt to renew")
            self.assertLess(time.time(), first)
            self.assertEqual(caller.call(1, b"abcd"), b"abcd")
        why = next(line for line in self.log_of("client1", "mutuald")[said:].splitlines() if "does not renew" in line)
        self.assertRegex(why, "Cannot contact any KDC for realm")
        eventually(lambda: self.later_end(channel, first), self.LIFE, "a renewed context")
        self.assertEqual(caller.call(1, b"efgh"), b"efgh")


del Rpc

if __name__ == "__main__":
    main()
