# SPDX-License-Identifier: Apache-2.0
"""What tests of wire `gss` against foreign peers need: a realm where code of ours is only on one side.

`mutuald` on app1 offers ledger on several ports, with a server program whose every octet the tests see; `mutuald`
on client1 opens what Python accepts on port 7100 of app1.
"""
import contextlib
import json
import os
import socket
import struct
import subprocess
import threading

import gss_peer
import host
import kerberos
from gss_peer import USUAL, Peer
from harness import Programs, World, eventually

SPN = f"ledger/{host.full_name('app1')}"
OTHER_SPN = f"host/{host.full_name('app1')}"
SERVER = "/run/books.sock"
FAKE_PORT = 7100
PORTS = {"ledger": 7000, "brief": 7001, "narrow": 7002, "idle": 7003, "wrong-key": 7004, "lowered": 7005, "libknc": 7006,
         "rpc": 7008, "rpc-brief": 7009, "rpc-wrong-key": 7010}
PROGRAM, VERSION = 0x2000000A, 1  # of the services that speak ONC RPC
ONC_RPC = f'transport = "oncrpc"\nrpc = {{ program = {PROGRAM}, versions = [{VERSION}] }}'
LOWERED = ['wire = "plain"', 'wire = "tls"', "confidentiality = false", 'protection = "integrity"',
           'dialect = "none"', "mutual = false"]


def offer(name, more="", keytab="both", limits="", accept=""):
    """One service of app1, delivered to the tests' own server."""
    return f"""
[service.{name}]
class = "ledger"
realm = "{host.REALM}"
{more}
[service.{name}.accept]
spns = ["{SPN}"]
keytab = "/etc/mutuald/keytabs/{keytab}.keytab"
port = {PORTS[name]}
deliver = "unix"
socket = "{SERVER}"
allow = {{ principals = ["alice@{host.REALM}"] }}
limits = {{ {limits} }}
{accept}
"""


def offer_rpc(name, **more):
    return offer(name, more=ONC_RPC, accept='rpc = { register = false }\nheader = "none"', **more)


def wanted(name, port, service_class="ledger", more=""):
    """One service that client1 may open, and where it is."""
    service = f"""
[service.{name}]
class = "{service_class}"
realm = "{host.REALM}"
discovery = ["static"]
keywords = ["{name}"]
trust = {{ hosts = ["{host.full_name('app1')}"] }}
{more}"""
    place = f'host = "{host.full_name("app1")}", port = {port}'
    return service, f'{{ class = "{service_class}", {place}, keywords = ["{name}"] }}'


def acceptor_config():
    return "".join([offer("ledger"), offer("brief", limits='handshake_timeout = "1s"'),
                    offer("narrow", limits="connections = 3, handshakes = 2"),
                    offer("idle", limits='idle_timeout = "1s"'), offer("wrong-key", keytab="ledger-wrong-key"),
                    offer("lowered", more="options = { confidentiality = false }"),
                    offer("libknc", more='options = { dialect = "libknc" }'), offer_rpc("rpc"),
                    offer_rpc("rpc-brief", limits='handshake_timeout = "1s"'),
                    offer_rpc("rpc-wrong-key", keytab="ledger-wrong-key")])


def initiator_config():
    services = [wanted("fake", FAKE_PORT), wanted("ledger", 7000), wanted("wrong-key", 7004),
                wanted("unknown", 7000, "nosuch")]
    services += [wanted("fake-libknc", FAKE_PORT, more='options = { dialect = "libknc" }'),
                 wanted("mistaken", PORTS["libknc"]), wanted("libknc", PORTS["libknc"], more='options = { dialect = "libknc" }')]
    services += [wanted("fake-rpc", FAKE_PORT, more=ONC_RPC), wanted("rpc-unknown", 7008, "nosuch", ONC_RPC),
                 wanted("rpc", PORTS["rpc"], more=ONC_RPC), wanted("rpc-wrong-key", PORTS["rpc-wrong-key"], more=ONC_RPC)]
    services += [wanted(f"lowered-{number}", FAKE_PORT, more=f"options = {{ {option} }}")
                 for number, option in enumerate(LOWERED)]
    instances = ",\n".join(instance for _, instance in services)
    return (f"[plugin.static.options]\ninstances = [\n{instances}\n]\n" + "".join(text for text, _ in services) +
            '\n[[rule]]\nname = "all"\naction = "allow"\nusers = ["alice", "bob"]\nservices = ["*"]\n')


class Served:
    """One connection that mutuald made to the server program: who it says is there, and the channel's octets."""

    def __init__(self, connected):
        self.socket = connected
        connected.settimeout(15.0)
        head = self.exactly(16)
        values, self.facts = self.exactly(struct.unpack(">H", head[14:])[0])[12:], {}
        while values:
            kind, size = struct.unpack(">BH", values[:3])
            self.facts[kind], values = values[3:3 + size].decode(), values[3 + size:]
        self.channel, self.peer = self.facts[0x05], self.facts[0xE0]

    def exactly(self, size):
        data = bytearray()
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                raise EOFError(f"the channel ended {len(data)} octets into {size}")
            data += part
        return bytes(data)

    def rest(self):
        """What comes until the end of the stream."""
        data = bytearray()
        while part := self.socket.recv(65536):
            data += part
        return bytes(data)

    def end(self):
        self.socket.shutdown(socket.SHUT_WR)

    def close(self):
        self.socket.close()


class Peers(World):
    hosts = ["app1", "client1"]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        gss_peer.use_realm(cls.world)
        cls.addClassCleanup(gss_peer.leave_realm)
        cls.programs = Programs(cls.world)
        cls.addClassCleanup(cls.programs.stop_all)
        cls.make_keytab_of_two()
        cls.server = socket.socket(socket.AF_UNIX)
        cls.addClassCleanup(cls.server.close)
        path = cls.world.inside("app1", SERVER)
        cls.server.bind(path)
        os.chmod(path, 0o666)
        cls.server.listen(64)
        for user in ("alice", "bob"):
            kerberos.kinit(cls.world, "client1", user)
            cls.programs.must("client1", "kvno", SPN, OTHER_SPN, user=user)
        cls.programs.start_mutuald("app1", acceptor_config())
        cls.programs.start_mutuald("client1", initiator_config())
        eventually(lambda: cls.programs.service_states("app1") == dict.fromkeys(PORTS, "listening"), 20,
                   "the services of app1, listening")

    @classmethod
    def make_keytab_of_two(cls):
        """The keys of two services in one file, of which the configuration lists one."""
        path = cls.world.keytab("app1", "both")
        with open(path, "wb") as both:
            for number, name in enumerate(("ledger", "host")):
                with open(cls.world.keytab("app1", name), "rb") as one:
                    both.write(one.read()[2 if number else 0:])
        os.chown(path, 0, host.GROUPS["mutuald-keys"])
        os.chmod(path, 0o640)

    def setUp(self):
        self.marks = {name: os.path.getsize(self.log_path(name)) for name in ("app1", "client1")}

    # What the tests are told by

    def log_path(self, name):
        return f"{self.world.host_folder(name)}/mutuald.log"

    def said(self, name):
        """What mutuald has logged on the host since the test began."""
        with open(self.log_path(name), "rb") as log:
            log.seek(self.marks[name])
            return log.read().decode(errors="replace")

    def logged(self, name, text):
        eventually(lambda: text in self.said(name), what=f"'{text}' in the log of {name}")

    def cache(self, user="alice"):
        return "FILE:" + self.world.inside("client1", f"/tmp/krb5cc_{host.USERS[user]}")

    def peer(self, port=7000, kind=Peer):
        """A bare connection to mutuald on app1."""
        peer = kind(gss_peer.connect(self.world, "client1", "app1", port))
        self.addCleanup(peer.close)
        return peer

    def served(self):
        """The next connection to the server program."""
        self.server.settimeout(15.0)
        served = Served(self.server.accept()[0])
        self.addCleanup(served.close)
        return served

    def nobody_was_served(self):
        self.server.setblocking(False)
        with self.assertRaises(BlockingIOError):
            self.server.accept()

    def initiated(self, port=7000, flags=USUAL):
        """A channel that Python opened, and its end at the server program."""
        peer = self.peer(port)
        self.assertTrue(peer.initiate(SPN, self.cache(), flags), "mutuald refused the handshake")
        return peer, self.served()

    def listening(self):
        listener = gss_peer.listen(self.world, "app1", FAKE_PORT)
        self.addCleanup(listener.close)
        return listener

    def ctl(self, *words, user="alice"):
        """`mutualctl open`, with pipes; its stdin is the test's to close."""
        pipes = {stream: subprocess.PIPE for stream in ("stdin", "stdout", "stderr")}
        return self.start_on("client1", f"{host.BUILD}/bin/mutualctl", "--json", "open", *words, user=user, **pipes)

    def opening(self, *words, service="fake", kind=Peer):
        """`mutualctl open fake`, and the connection it makes to Python."""
        listener = self.listening()
        program = self.ctl(*words, service)
        with listener:
            peer = kind(listener.accept()[0])
        self.addCleanup(peer.close)
        return program, peer

    def opened(self, service="fake"):
        program, peer = self.opening(service=service)
        peer.accept(self.world.keytab("app1", "ledger"))
        return program, peer

    def ended(self, program, status, output=b""):
        """Awaits the end of `mutualctl open`; returns what it said on standard error."""
        stdout, stderr = program.communicate(timeout=20)
        self.assertEqual((program.returncode, stdout), (status, output), stderr)
        return stderr.decode()

    def refused(self, program, code, status):
        """Awaits its refusal; nothing may have come out of it. Returns the error's parameters."""
        reply = json.loads(self.ended(program, status).splitlines()[0])
        self.assertEqual(reply["error"], f"org.mutuald.Broker.{code}", reply)
        return reply["parameters"]

    def verdict(self, name, channel):
        done = self.mutualctl(name, "--json", "whois", channel)
        return json.loads(done.stdout)["channel"].get("verdict")

    def channel_in(self, said):
        """The channel's id, from what `mutualctl --json open` said."""
        return json.loads(said.splitlines()[0])["channel"]

    @contextlib.contextmanager
    def meanwhile(self, work):
        """Does the work in a thread while the block runs; the block ends with both."""
        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            thread.join()

    def nothing_more(self, peer):
        """The daemon sends no octet and ends the connection."""
        self.assertEqual(peer.rest()[0], b"")

    def memory_of_channels(self, name):
        """The most that mutuald-channel on a host has ever had, in kilobytes: resident, and asked for."""
        parts = json.loads(self.must(name, f"{host.BUILD}/bin/mutualctl", "--json", "status"))["parts"]
        pid = next(each["pid"] for each in parts if each["name"] == "mutuald-channel@sockets")
        with open(f"/proc/{pid}/status") as status:
            sizes = dict(line.split(":", 1) for line in status)
        return [int(sizes[name].split()[0]) for name in ("VmHWM", "VmPeak")]

    def no_memory_was_spent(self, name, before):
        """Not as much as was announced: threads may still have got their heaps (64 MB each, untouched)."""
        resident, asked = self.memory_of_channels(name)
        self.assertLess(resident - before[0], 4096)
        self.assertLess(asked - before[1], 1 << 20)
