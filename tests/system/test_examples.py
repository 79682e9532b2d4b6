# SPDX-License-Identifier: Apache-2.0
"""The examples in each language: every asking one with every serving one, and what each tells when it cannot."""
import contextlib
import os
import shutil
import signal
import socket
import subprocess

import host
import world
from harness import eventually, main
from running import Running, rule, service, static_instances

ALICE, SPN = "alice@MUTUAL.TEST", "ledger/app1.mutual.test"
PORTS = {"c": 7001, "cc": 7002, "py": 7003, "sh": 7004, "socket": 7005, "hands": 7006, "deserted": 7007}
ACCEPTING, ASKING = ["c", "cc", "py", "sh"], ["c", "cc", "py", "sh"]
SOCKET = "/run/books/books.sock"
EXAMPLES = "/opt/examples"


def offered(name):
    accept = {"spns": [SPN], "keytab": "/etc/mutuald/keytabs/ledger.keytab", "port": PORTS[name]}
    accept |= ({"deliver": "unix", "socket": SOCKET, "socket_user": "ledger"} if name == "socket" else
               {"deliver": "accept", "accept_users": ["ledger"]})
    limits = {"limits": {"handshake_timeout": "1s"}} if name == "deserted" else {}
    return service(name, service_class="ledger", accept=accept, allow={"principals": [ALICE]}, **limits)


SERVER = "".join(map(offered, PORTS))
CLIENT = (static_instances(*[{"class": "ledger", "host": "app1.mutual.test", "port": port, "keywords": [name]}
                             for name, port in PORTS.items()])
          + "".join(service(name, service_class="ledger", discovery=["static"], keywords=[name]) for name in PORTS)
          + rule("alice-asks", ["*"], users=["alice"]))


def program(verb, language):
    """A compiled example of the build, or a copied script."""
    if language in ("c", "cc"):
        return f"{host.BUILD}/bin/{verb}_{language}"
    return f"{EXAMPLES}/{verb}_socket.py" if language == "socket" else f"{EXAMPLES}/{verb}.{language}"


class Examples(Running):
    hosts = ["app1", "client1", "client2"]
    configurations = {"app1": SERVER, "client1": CLIENT}  # client2 has no mutuald

    @classmethod
    def prepare(cls):
        for name in cls.hosts:
            shutil.copytree(f"{world.TREE}/examples", cls.world.inside(name, EXAMPLES))  # the tree may be closed
        folder = cls.world.inside("app1", os.path.dirname(SOCKET))
        os.mkdir(folder)
        os.chown(folder, host.ACCOUNTS["ledger"], host.ACCOUNTS["ledger"])

    def setUp(self):
        self.kinit("client1", "alice")

    def environment(self):
        return {"LD_LIBRARY_PATH": f"{host.BUILD}/lib", "PYTHONDONTWRITEBYTECODE": "1"}

    def put(self, language, service_name, question="how much?", user="alice", on="client1"):
        return self.run_on(on, program("ask", language), service_name, question, user=user, env=self.environment())

    def serve(self, language, argument=None, user="ledger", on="app1"):
        return self.start_on(on, program("serve", language), argument or language, user=user, env=self.environment(),
                             log=f"serve-{language}")

    def serve_socket(self):
        server = self.serve("socket", SOCKET)

        def listens():
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
                probe.connect(self.world.inside("app1", SOCKET))
                return True
        eventually(listens, what="serve_socket.py, listening")
        return server

    def answered(self, language, service_name):
        done = self.put(language, service_name)
        self.assertEqual((done.returncode, done.stdout), (0, f"{ALICE} asked 'how much?'\n"),
                         f"ask {language} of serve {service_name}: {done.stderr}")
        return done

    def is_told(self, done, code, told, hint="hint: "):
        self.assertNotIn(done.returncode, (0, 2), done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertIn(code, done.stderr)
        self.assertIn(told, done.stderr)
        self.assertIn(hint, done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        self.assertNotIn("Sanitizer", done.stderr)

    def test_every_asking_example_is_answered_by_every_serving_one(self):
        servers = [self.serve_socket(), *map(self.serve, ACCEPTING)]
        for serving in ("socket", *ACCEPTING):
            for asking in ASKING:
                with self.subTest(asking=asking, serving=serving):
                    self.answered(asking, serving)
        self.assertEqual([server.poll() for server in servers], [None] * len(servers))

    def test_the_compiled_ones_and_python_tell_who_is_who(self):
        self.serve("c")
        for asking in ("c", "cc", "py"):
            self.assertIn(f"ask: {SPN}@MUTUAL.TEST, this is {ALICE}\n", self.answered(asking, "c").stderr)

    def test_serving_examples_go_on_when_the_broker_restarts(self):
        servers = list(map(self.serve, ACCEPTING))
        for serving in ACCEPTING:
            self.answered("c", serving)
        os.kill(self.answer("Status", user="root", on="app1")["pid"], signal.SIGKILL)
        for serving in ACCEPTING:
            self.answered_at_last(serving)
        self.assertEqual([server.poll() for server in servers], [None] * len(servers))

    def answered_at_last(self, serving):
        eventually(lambda: self.put("c", serving).returncode == 0, 20, f"an answer of serve {serving}")

    def test_a_user_whom_no_rule_allows_is_told_so(self):
        for asking in ASKING:
            with self.subTest(asking=asking):
                self.is_told(self.put(asking, "c", user="bob"), "Denied", "no rule allows uid 1002")

    def test_a_user_without_a_ticket_is_told_so(self):
        self.kdestroy("client1", "alice")
        for asking in ASKING:
            with self.subTest(asking=asking):
                self.is_told(self.put(asking, "c"), "NoCredentials", "credentials")

    def test_a_host_without_mutuald_is_told_so(self):
        for asking in ASKING:
            with self.subTest(asking=asking):
                done = self.put(asking, "c", on="client2")
                self.is_told(done, "", "/run/mutuald/mutuald.sock", "is mutuald running?")
        for serving in ACCEPTING:
            with self.subTest(serving=serving):
                done = self.run_on("client2", program("serve", serving), "c", user="ledger", env=self.environment())
                self.is_told(done, "", "/run/mutuald/mutuald.sock", "is mutuald running?")

    def test_only_the_services_user_may_serve(self):
        for serving in ACCEPTING:
            with self.subTest(serving=serving):
                done = self.run_on("app1", program("serve", serving), "c", user="bob", env=self.environment())
                self.is_told(done, "Denied", "policy")

    def test_a_service_that_nobody_serves_refuses(self):
        for asking in ASKING:
            with self.subTest(asking=asking):
                self.is_told(self.put(asking, "deserted"), "RefusedByPeer", "handshake")

    def test_a_cut_stream_is_told_from_an_answer(self):
        waiting = [self.waiter() for _ in ASKING]
        asking = {language: self.start_on("client1", program("ask", language), "hands", "how much?", user="alice",
                                          env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                  for language in ASKING}
        for link in waiting:
            theirs = self.channel("", link.receive()["parameters"], link.fds)
            self.assertEqual(theirs.rest(), b"how much?")
            theirs.socket.sendall(b"42, or ")
        self.channels_of_app1_are_cut()
        for language, process in asking.items():
            with self.subTest(asking=language):
                told = process.stderr.read().decode()
                self.assertIn(process.wait(10), (1, 8), told)
                self.assertRegex(told, "the stream's end is (unauthenticated|reset)|"
                                       "end of stream: (unauthenticated|reset)")
                self.assertIn(process.stdout.read(), (b"", b"42, or "))

    def waiter(self):
        link = self.varlink("app1", user="ledger")
        self.addCleanup(link.close)
        link.send("org.mutuald.Broker.Accept", {"service": "hands"})
        return link

    def channels_of_app1_are_cut(self):
        parts = self.answer("Status", user="root", on="app1")["parts"]
        (pid,) = [part["pid"] for part in parts if part["name"] == "mutuald-channel@sockets"]
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: self._all_listen("app1"), 20, "the services of app1, listening again")


if __name__ == "__main__":
    main()
