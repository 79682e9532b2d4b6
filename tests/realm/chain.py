# SPDX-License-Identifier: Apache-2.0
"""The whole chain, up once per class: ledger's server and mutuald on app1, mutuald on client1.

A test opens channels through it as the realm's users, looks at the programs' processes, and checks refusals.
"""
import contextlib
import os
import re
import socket
import time

import host
import ledger
from harness import World
from programs import Programs, eventually

DIRECT = f"""
[service.direct]
class = "ledger"
realm = "{host.REALM}"
discovery = ["static"]
keywords = ["direct"]
trust = {{ hosts = [".{host.DOMAIN}"] }}
[[plugin.static.options.instances]]
class = "ledger"
keywords = ["direct"]
host = "{host.full_name('app1')}"
port = {ledger.PORT}
[[rule]]
name = "everybody-directly"
action = "allow"
users = ["*"]
services = ["*"]
"""
PARTS = ["mutuald-keys", "mutuald-plugin", "mutuald-channel"]


class Chain(World):
    """Service `direct` needs no directory; `ledger` is found through it. Override `client` and `server`."""
    client = ledger.client_config(more=DIRECT)
    server = ledger.server_config(principals=("alice", "bob", "carol", "root"))

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.programs = Programs(cls.world)
        cls.addClassCleanup(cls.programs.stop_all)
        cls.before_start()
        ledger.start_server(cls.programs, "app1")
        cls.launcher = {name: cls.programs.start_mutuald(name, text)
                        for name, text in (("app1", cls.server), ("client1", cls.client))}
        eventually(lambda: cls.parts("app1")["service ledger"]["state"] == "listening", 15, "ledger, offered")

    @classmethod
    def before_start(cls):
        """What has to be on the hosts before the programs start."""

    # The programs

    @classmethod
    def status(cls, name="client1"):
        link = cls.programs.varlink(name)
        with contextlib.closing(link):
            return link.call("org.mutuald.Broker.Status")["parameters"]

    @classmethod
    def parts(cls, name="client1"):
        return {part["name"].removesuffix("@sockets"): part for part in cls.status(name)["parts"]}

    def pids(self, name="client1"):
        """The pids of the four programs, once all of them answer; the broker is `mutuald`."""
        def all_answer():
            with contextlib.suppress(OSError, TypeError, KeyError):
                found = {part: self.parts(name)[part]["pid"] for part in PARTS}
                return all(found.values()) and {"mutuald": self.status(name)["pid"], **found}
        return eventually(all_answer, 10, f"four answering programs on {name}")

    def offered(self, service="ledger", name="app1"):
        with contextlib.suppress(OSError, TypeError, KeyError):
            return self.parts(name)[f"service {service}"]["state"] == "listening"

    def log(self, name):
        """All that a host's mutuald has written so far."""
        with open(f"{self.world.host_folder(name)}/mutuald.log", errors="replace") as file:
            return file.read()

    # Requests

    def request(self, service="direct", user="alice", method="Open", **fields):
        """One request on a connection of its own; the reply's descriptors are closed with the test."""
        link = self.varlink("client1", user=user)
        with contextlib.closing(link):
            reply = link.call(f"org.mutuald.Broker.{method}", {"request": {"service": service, **fields}})
        self.assertIsNotNone(reply, "the broker hung up")
        for descriptor in link.fds:
            self.addCleanup(os.close, descriptor)
        return reply

    def pending(self, service="direct", user="alice", **fields):
        """A request whose answer is not awaited; returns its connection."""
        link = self.varlink("client1", user=user)
        self.addCleanup(link.close)
        link.send("org.mutuald.Broker.Open", {"request": {"service": service, **fields}})
        return link

    def opened(self, service="direct", user="alice", **fields):
        """A request that has to succeed."""
        reply = self.request(service, user, **fields)
        self.assertNotIn("error", reply)
        return reply["parameters"]

    def live_channel(self):
        """The program's end of a channel of alice's, which lives as long as the test."""
        link = self.varlink("client1", user="alice")
        self.addCleanup(link.close)
        reply = link.call("org.mutuald.Broker.Open", {"request": {"service": "direct"}})
        self.assertNotIn("error", reply)
        program = socket.socket(fileno=link.fds[0])
        self.addCleanup(program.close)
        program.settimeout(10)
        return program

    def opens(self, service="direct", user="alice", **fields):
        """Whether it succeeds by now: for `eventually`."""
        with contextlib.suppress(OSError):
            return "error" not in self.request(service, user, **fields)

    def refused(self, reply, code, stage, message, hint=None):
        """Asserts all that an error tells: its code, stage, cause, and where a person can act, the hint."""
        self.assertIn("error", reply)
        told = reply["parameters"]
        self.assertEqual((reply["error"].rpartition(".")[2], told["stage"]), (code, stage), told["message"])
        self.assertRegex(told["message"], message)
        self.assertRegex(told["hint"], hint or "^$")
        return told

    @contextlib.contextmanager
    def within(self, bound):
        """Fails when what is inside took longer, in seconds."""
        begun = time.monotonic()
        yield
        took = time.monotonic() - begun
        print(f"{self.id().rpartition('.')[2]}: {took * 1000:.0f} ms", flush=True)
        self.assertLess(took, bound)


def children(pid, uid=None):
    """The pids of a process's children, of one uid if one is given."""
    found = set()
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{entry}/status") as file:
            told = dict(re.findall(r"^(State|PPid|Uid):\s+(\S+)", file.read(), re.MULTILINE))
            if int(told["PPid"]) == pid and told["State"] != "Z" and uid in (None, int(told["Uid"])):
                found.add(int(entry))
    return found


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))
