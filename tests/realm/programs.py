# SPDX-License-Identifier: Apache-2.0
"""Programs on the hosts of a realm: run, started, stopped, configured; mutuald and rpcbind until they answer."""
import contextlib
import json
import os
import signal
import socket
import subprocess
import time

import host as hosts_of

SOCKET = "/run/mutuald/mutuald.sock"


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


class Programs:
    """What runs on the hosts of `self.world`, and what was started in the background, to be stopped by `stop_all`."""

    def __init__(self, world):
        self.world = world
        self.background = []

    def stop_all(self):
        while self.background:
            stop(self.background.pop())

    def run_on(self, name, *command, user="root", env=None, input="", timeout=30):
        """Runs a command to its end; returns it with returncode, stdout and stderr, whatever the status."""
        command = self.world.command(name, user, list(map(str, command)))
        return subprocess.run(command, input=input, text=isinstance(input, str), capture_output=True, timeout=timeout,
                              env=self.world.environment(user, env))

    def must(self, name, *command, **options):
        """Runs a command that has to succeed; returns its standard output."""
        done = self.run_on(name, *command, **options)
        if done.returncode != 0:
            raise AssertionError(f"{command} on {name} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def start_on(self, name, *command, user="root", env=None, log=None, **options):
        """Starts a program in the background; it ends with the test. Its output goes to a log unless told otherwise."""
        path = f"{self.world.host_folder(name)}/{log or os.path.basename(command[0])}.log"
        with open(path, "ab") as output:
            options = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output, **options}
            process = subprocess.Popen(self.world.command(name, user, list(map(str, command))), process_group=0,
                                       env=self.world.environment(user, env), **options)
        self.background.append(process)
        return process

    def mutualctl(self, name, *words, user="root", **options):
        return self.run_on(name, f"{hosts_of.BUILD}/bin/mutualctl", *words, user=user, **options)

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

    def service_states(self, name):
        """Each service that mutuald on the host is to offer, and its state."""
        with contextlib.closing(self.varlink(name)) as link:
            parts = link.call("org.mutuald.Broker.Status")["parameters"]["parts"]
        return {part["name"].removeprefix("service "): part["state"] for part in parts
                if part["name"].startswith("service ")}

    def start_rpcbind(self, name, *words):
        """Starts the host's rpcbind and waits until it has answered; returns its process."""
        self.must(name, "mkdir", "-p", "/run/rpcbind")
        process = self.start_on(name, "rpcbind", "-f", *words)

        def answers():
            if process.poll() is not None:
                raise AssertionError(f"rpcbind on {name} ended with {process.returncode} before it was ready")
            return self.run_on(name, "rpcinfo").returncode == 0 and self.run_on(name, "rpcinfo", "-p").returncode == 0
        eventually(answers, 20.0, f"rpcbind on {name}, ready")
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
