# SPDX-License-Identifier: Apache-2.0
"""What system tests need: a world per script, programs on its hosts, answers awaited within a bound.

    from harness import World, main
    class Open(World):
        hosts = ["app1", "client1"]
        def test_ft_001_...(self):
            self.start_mutuald("app1", CONFIG)

A realm is brought up once per class and kept in the build folder; a script that was killed is cleaned up by its
next run. When a test fails, the tails of all logs are printed.
"""
import contextlib
import glob
import json
import os
import signal
import socket
import subprocess
import sys
import time
import unittest

import directory
import host as hosts_of
import kerberos
import network
import step
import world as realm

SOCKET = "/run/mutuald/mutuald.sock"
SKIPS = f"{realm.TREE}/tests/system/skips.txt"


def build_folder():
    return os.path.realpath(os.environ.get("MUTUAL_BUILD") or f"{realm.TREE}/build/dev")


def eventually(question, bound=5.0, what="the condition"):
    """Asks until the answer is true and returns it; raises AssertionError when the bound is over."""
    deadline = time.monotonic() + bound
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {bound} s")
        time.sleep(0.01)


class Varlink:
    """A connection to a Varlink socket: JSON objects ended by NUL. Raw bytes may be sent, too."""

    def __init__(self, connected, bound=15.0):
        self.socket, self._input = connected, b""
        connected.settimeout(bound)

    def send(self, method, parameters=None, **flags):
        self.socket.sendall(json.dumps({"method": method, "parameters": parameters or {}, **flags}).encode() + b"\0")

    def receive(self):
        """The next reply, or None at the end of the connection. Descriptors that come with it are in `.fds`."""
        self.fds = []
        while b"\0" not in self._input:
            data, fds, _, _ = socket.recv_fds(self.socket, 65536, 16)
            self.fds += fds
            if not data:
                return None
            self._input += data
        reply, _, self._input = self._input.partition(b"\0")
        return json.loads(reply)

    def call(self, method, parameters=None, **flags):
        self.send(method, parameters, **flags)
        return self.receive()

    def close(self):
        self.socket.close()


class World(unittest.TestCase):
    """A test class with a realm of its own. Override `hosts` and `options` (those of `realm up`)."""
    hosts = ["app1", "client1"]
    options = {}

    @classmethod
    def setUpClass(cls):
        script = os.path.splitext(os.path.basename(sys.argv[0]))[0]
        cls.folder = f"{build_folder()}/realms/{script}-{cls.__name__}"
        os.makedirs(os.path.dirname(cls.folder), exist_ok=True)
        cls.world = realm.up(cls.folder, cls.hosts, build_folder(), **cls.options)
        cls.addClassCleanup(cls._take_down)

    @classmethod
    def _take_down(cls):
        if os.environ.get("MUTUAL_KEEP"):
            print(f"kept: {cls.folder} (end it with: tests/realm/realm down {cls.folder})", file=sys.stderr)
        else:
            realm.down(cls.folder)

    def run(self, result=None):
        """Runs one test; when it failed, shows the logs' tails while they still tell about it."""
        before = len(result.failures) + len(result.errors) if result else 0
        self._background = []
        super().run(result)
        if result and len(result.failures) + len(result.errors) > before:
            print(f"\n--- logs after {self.id()}\n{self.logs()}", file=sys.stderr)
        return result

    def tearDown(self):
        for process in reversed(self._background):
            stop(process)

    def logs(self):
        found = sorted(glob.glob(f"{self.folder}/hosts/*/*.log") + glob.glob(f"{self.folder}/kdc/*.log"))
        return "".join(f"{path}:\n{step.tail(path, 40)}" for path in found)

    # Programs

    def run_on(self, name, *command, user="root", env=None, input="", timeout=30):
        """Runs a command to its end; returns it with returncode, stdout and stderr, whatever the status."""
        command = self.world.command(name, user, list(map(str, command)))
        return subprocess.run(command, input=input, text=isinstance(input, str), capture_output=True, timeout=timeout,
                              env=self.world.environment(user, env))

    def must(self, name, *command, **options):
        """Runs a command that has to succeed; returns its standard output."""
        done = self.run_on(name, *command, **options)
        if done.returncode != 0:
            self.fail(f"{command} on {name} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def start_on(self, name, *command, user="root", env=None, log=None, **options):
        """Starts a program in the background; it ends with the test. Its output goes to a log unless told otherwise."""
        path = f"{self.world.host_folder(name)}/{log or os.path.basename(command[0])}.log"
        with open(path, "ab") as output:
            options = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output, **options}
            process = subprocess.Popen(self.world.command(name, user, list(map(str, command))), start_new_session=True,
                                       env=self.world.environment(user, env), **options)
        self._background.append(process)
        return process

    def mutualctl(self, name, *words, user="root", **options):
        return self.run_on(name, f"{hosts_of.BUILD}/bin/mutualctl", *words, user=user, **options)

    # The daemon

    def configure(self, name, text, file="mutuald.toml"):
        """Writes a file of the host's /etc/mutuald, readable by all."""
        path = f"{self.world.host_folder(name)}/etc-mutuald/{file}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as target:
            target.write(text)
        os.chmod(path, 0o644)

    def start_mutuald(self, name, config=None, *words, env=None, bound=20.0):
        """Starts `mutuald --all` and waits until it has answered GetInfo; returns its process."""
        if config is not None:
            self.configure(name, config)
        process = self.start_on(name, f"{hosts_of.BUILD}/bin/mutuald", "--all", *words, env=env, log="mutuald")

        def answers():
            if process.poll() is not None:
                raise AssertionError(f"mutuald on {name} ended with {process.returncode} before it was ready")
            with contextlib.suppress(OSError):
                link = self.varlink(name)
                try:
                    return link.call("org.varlink.service.GetInfo")
                finally:
                    link.close()
        eventually(answers, bound, f"mutuald on {name}, ready")
        return process

    def varlink(self, name, path=SOCKET, user="root"):
        """A connection to a Varlink socket on a host, made as the user (the kernel says so to the other side)."""
        return Varlink(self.connect(name, path, user))

    def connect(self, name, path, user="root"):
        """A stream socket connected to a path on a host, as the user."""
        ours, theirs = socket.socketpair()
        child = os.fork()
        if child == 0:
            _connect_as(self.world.inside(name, os.path.dirname(path)), os.path.basename(path), user, theirs)
        theirs.close()
        with ours:
            _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
        os.waitpid(child, 0)
        if not descriptors:
            raise ConnectionRefusedError(f"connect to {path} on {name} as {user}")
        return socket.socket(fileno=descriptors[0])

    # The realm

    def kinit(self, name, user, lifetime="10h", cache=None):
        kerberos.kinit(self.world, name, user, lifetime, cache)

    def kdestroy(self, name, user):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.world.inside(name, f"/tmp/krb5cc_{hosts_of.USERS[user]}"))

    def publish_scp(self, name="ledger", on="app1", port=7000, as_host=None, below=None, **attributes):
        """Writes an SCP as the administrator (or as a domain member, under its own object); returns its DN."""
        parent = below or (f"cn={as_host},{directory.HOSTS}" if as_host else directory.SERVICES)
        dn = f"cn={name},{parent}"
        text = directory.scp(dn, **{"host_name": hosts_of.full_name(on), "port": port, **attributes})
        if as_host:
            directory.add_as_host(self.world, as_host, text)
        else:
            directory.change(self.world, text)
        self.addCleanup(directory.delete, self.world, dn)
        return dn

    @contextlib.contextmanager
    def blackhole(self, name, target):
        network.blackhole(self.world, name, target)
        try:
            yield
        finally:
            network.restore(self.world, name, target)

    @contextlib.contextmanager
    def frozen(self, service):
        realm.freeze(self.world, service)
        try:
            yield
        finally:
            realm.thaw(self.world, service)

    @contextlib.contextmanager
    def stopped(self, service):
        realm.stop_service(self.world, service)
        try:
            yield
        finally:
            realm.start_service(self.world, service)


def stop(process, bound=10.0):
    """Ends a program by SIGTERM, by SIGKILL when it does not listen; returns its status."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(bound)
        except subprocess.TimeoutExpired:
            process.kill()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe:
            pipe.close()
    return process.wait()


def _connect_as(folder, name, user, answer):
    """In a child: becomes the user, connects, passes the connection back, ends."""
    try:
        os.chdir(folder)
        if user != "root":
            uid = hosts_of.ACCOUNTS[user]
            extra = [hosts_of.GROUPS[group] for group, members in hosts_of.MEMBERS.items() if user in members]
            os.setgroups([uid, *extra])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connected:
            connected.connect(name)
            socket.send_fds(answer, [b"c"], [connected.fileno()])
    except OSError:
        os._exit(1)
    os._exit(0)


def _listed_skips():
    """The tests that may be skipped, each with its reason: `test name: reason` a line."""
    with open(SKIPS) as file:
        return {line.split(":")[0].strip() for line in file if ":" in line and not line.startswith("#")}


def main():
    """Runs the script's tests. A skip that is not listed is a failure, and so is a script without tests."""
    program = unittest.main(module="__main__", exit=False, verbosity=2)
    listed = _listed_skips()
    unlisted = [test.id() for test, _ in program.result.skipped if test.id().removeprefix("__main__.") not in listed]
    for name in unlisted:
        print(f"skipped without being listed in {os.path.relpath(SKIPS, realm.TREE)}: {name}", file=sys.stderr)
    sys.exit(0 if program.result.wasSuccessful() and program.result.testsRun and not unlisted else 1)
