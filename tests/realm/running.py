# SPDX-License-Identifier: Apache-2.0
"""A realm whose hosts run mutuald for the whole class: requests by mutualctl and over the raw API, channels in hand."""
import contextlib
import json
import os
import signal
import socket
import struct

import host
from harness import World, eventually
from programs import Programs, SOCKET

SO_COOKIE = 57


class Channel:
    """The reply to Open or Accept, and the descriptor that came with it, as a socket."""

    def __init__(self, reply, descriptor):
        self.reply = reply
        self.socket = socket.socket(fileno=descriptor)
        self.socket.settimeout(15)

    def __getitem__(self, name):
        return self.reply[name]

    def cookie(self):
        return struct.unpack("Q", self.socket.getsockopt(socket.SOL_SOCKET, SO_COOKIE, 8))[0]

    def ask(self, text):
        """Sends a line and returns the line that comes back."""
        self.socket.sendall(text.encode() + b"\n")
        return self.line()

    def line(self):
        data = b""
        while not data.endswith(b"\n"):
            more = self.socket.recv(4096)
            if not more:
                break
            data += more
        return data.decode()

    def rest(self):
        """All that comes until the peer's end."""
        data = bytearray()
        while more := self.socket.recv(1 << 16):
            data += more
        return bytes(data)

    def close(self):
        self.socket.close()


class Running(World):
    """Override `configurations`: host to the text of its mutuald.toml. Requests come from client1.

    `words` are further arguments of `mutuald --all`; `mutuald` is its process on each host.
    """
    configurations = {}
    words = ()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.daemons = Programs(cls.world)
        cls.addClassCleanup(cls.daemons.stop_all)
        cls.prepare()
        cls.mutuald = {name: cls.daemons.start_mutuald(name, text, *cls.words)
                       for name, text in cls.configurations.items()}
        for name in cls.configurations:
            eventually(lambda name=name: cls._all_listen(name), 20, f"the services of {name}, listening")

    @classmethod
    def prepare(cls):
        """What has to be there before mutuald starts, such as keys and server programs."""

    @classmethod
    def kill_mutuald(cls, name):
        """All its programs at one time, without a word; none is there when this returns."""
        launcher = cls.mutuald[name].pid
        programs = []
        with contextlib.suppress(OSError), open(f"/proc/{launcher}/task/{launcher}/children") as file:
            programs = file.read().split()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(launcher, signal.SIGKILL)
        cls.mutuald[name].wait()
        eventually(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in programs), 20, f"the end of mutuald on {name}")

    @classmethod
    def start_mutuald(cls, name, text=None):
        """Again, with another configuration or the same; its services listen then."""
        cls.mutuald[name] = cls.daemons.start_mutuald(name, text, *cls.words)
        eventually(lambda: cls._all_listen(name), 20, f"the services of {name}, listening")

    @classmethod
    def _all_listen(cls, name):
        return all(state == "listening" for state in cls.daemons.service_states(name).values())

    def ask(self, method, user="alice", on="client1", link=None, **parameters):
        """A call of the broker as the user; returns error name (or none), parameters, descriptors."""
        ours = link or self.varlink(on, SOCKET, user)
        try:
            reply = ours.call(f"org.mutuald.Broker.{method}", parameters)
        finally:
            if link is None:
                ours.close()
        self.assertIsNotNone(reply, "the broker closed the connection")
        return reply.get("error", "").rpartition(".")[2], reply["parameters"], ours.fds

    def answer(self, method, **parameters):
        """The reply's parameters; a refusal fails the test."""
        error, reply, _ = self.ask(method, **parameters)
        self.assertEqual(error, "", reply)
        return reply

    def request(self, method, service, user="alice", **narrow):
        return self.answer(method, user=user, request={"service": service, **narrow})

    def refused(self, method, service, user="alice", **narrow):
        """The error's name and what came with it; success fails the test."""
        error, reply, _ = self.ask(method, user=user, request={"service": service, **narrow})
        self.assertNotEqual(error, "", reply)
        return error, reply

    def channel(self, error, reply, descriptors):
        self.assertEqual(error, "", reply)
        self.assertEqual((reply["channelFileDescriptor"], len(descriptors)), (0, 1))
        opened = Channel(reply, descriptors[0])
        self.addCleanup(opened.close)
        return opened

    def open(self, service, user="alice", **narrow):
        return self.channel(*self.ask("Open", user=user, request={"service": service, **narrow}))

    def ctl(self, *words, user="alice", **options):
        return self.mutualctl("client1", *words, user=user, **options)

    def ctl_json(self, *words, **options):
        """The one line of JSON that `mutualctl --json` shows."""
        done = self.ctl(*words, "--json", **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.count("\n"), 1)
        return json.loads(done.stdout)

    def lines(self, explanation, stage, decision=None):
        """The messages of an explanation's lines of a stage."""
        return [line["message"] for line in explanation["lines"]
                if line["stage"] == stage and decision in (None, line["decision"])]

    def log_of(self, name, program):
        path = f"{self.world.host_folder(name)}/{program}.log"
        if not os.path.exists(path):
            return ""
        with open(path, errors="replace") as file:
            return file.read()


def static_instances(*instances):
    """Configuration of the static plugin: what the administrator wrote down, instead of what a directory says."""
    text = ""
    for instance in instances:
        text += "[[plugin.static.options.instances]]\n"
        text += "".join(f"{key} = {_toml(value)}\n" for key, value in instance.items())
    return text


def service(name, **keys):
    """A service's definition; `accept`, `allow` and `trust` are tables below it."""
    tables = {"": {"realm": host.REALM}}
    for key, value in keys.items():
        if key in ("accept", "trust"):
            tables["." + key] = value
        elif key == "allow":
            tables[".accept.allow"] = value
        elif key == "limits":
            tables[".accept.limits"] = value
        else:
            tables[""]["class" if key == "service_class" else key] = value
    return "".join(f"[service.{name}{table}]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in values.items())
                   for table, values in tables.items())


def rule(name, services, users=(), groups=(), action="allow"):
    text = f'[[rule]]\nname = "{name}"\naction = "{action}"\nservices = {_toml(list(services))}\n'
    return text + (f"users = {_toml(list(users))}\n" if users else "") + (
        f"groups = {_toml(list(groups))}\n" if groups else "")


def _toml(value):
    """A value in TOML; JSON's strings, numbers, lists of them and booleans are TOML's, too."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(each)}" for key, each in value.items()) + "}"
    return json.dumps(value)
