# SPDX-License-Identifier: Apache-2.0
"""Keys rotate and programs restart while handshakes run: none fails that should not, none is accepted that should not be."""
import collections
import contextlib
import os
import signal
import threading

import host
import kerberos
import keytab
import ledger
from chain import DIRECT, PARTS, Chain
from harness import eventually, main

SPN = f"ledger/{host.full_name('app1')}"
OTHER = f"""
[service.other]
class = "host"
realm = "{host.REALM}"
discovery = ["static"]
trust = {{ hosts = [".{host.DOMAIN}"] }}
[[plugin.static.options.instances]]
class = "host"
host = "{host.full_name('app1')}"
port = {ledger.PORT}
"""


class Load:
    """Openings without a pause by several threads until it is left; what they met is counted."""

    def __init__(self, test, users=("alice", "carol")):
        self.test, self.over = test, threading.Event()
        self.results = collections.Counter()
        self.failures = []
        self.threads = [threading.Thread(target=self._open, args=(user,)) for user in users]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def _open(self, user):
        while not self.over.is_set():
            link = None
            try:
                link = self.test.varlink("client1", user=user)
                reply = link.call("org.mutuald.Broker.Open", {"request": {"service": "direct"}})
                for descriptor in link.fds:
                    os.close(descriptor)
            except OSError as error:
                reply = {"error": f"the broker: {error}"}
            finally:
                if link:
                    link.close()
            name = "hung up" if reply is None else reply.get("error", "Ok").rpartition(".")[2]
            self.results[name] += 1
            if name != "Ok":
                self.failures.append(reply and reply.get("parameters", {}).get("message", reply))

    def more(self, count=10):
        """Waits until so many more have succeeded."""
        wanted = self.results["Ok"] + count
        eventually(lambda: self.results["Ok"] >= wanted, 30, f"{count} openings more")


class Rotation(Chain):
    client = ledger.client_config(more=DIRECT + OTHER)
    server = ledger.server_config(principals=("alice", "bob", "carol"))

    def setUp(self):
        for user in ("alice", "bob", "carol"):
            self.kdestroy("client1", user)
            self.kinit("client1", user)
        self.path = self.world.keytab("app1", "ledger")

    def kvno(self, user="alice"):
        """Of the ticket in the user's cache: the one that the daemon got."""
        return int(self.must("client1", "kvno", SPN, user=user).rpartition("=")[2])

    def fresh_ticket(self, user):
        self.kdestroy("client1", user)
        self.kinit("client1", user)

    def replace(self, data, mode=0o640):
        """As a careful administrator does it: a new file, renamed over the old one."""
        new = self.path + ".new"
        with open(new, "wb") as file:
            os.fchmod(file.fileno(), mode)
            os.fchown(file.fileno(), 0, host.GROUPS["mutuald-keys"])
            file.write(data)
        os.rename(new, self.path)

    def held(self):
        with open(self.path, "rb") as file:
            return file.read()

    def test_ft_097_no_handshake_fails_while_keys_rotate(self):
        programs = self.pids("app1")
        self.opened(user="alice")
        old = self.kvno("alice")
        # Tickets under the first key stay in alice's and carol's caches all the time. Bob's is got anew after each step: one
        # that is got between the KDC's new key and the file with it would be refused.
        with Load(self) as load:
            load.more()
            for step in range(4):
                if step % 2:
                    self._rotate_by_rename()
                else:
                    kerberos.batch(self.world, [f"ktadd -k {self.path} {SPN}"])
                self.fresh_ticket("bob")
                self.opened(user="bob")
                load.more()
            print(f"openings during rotation: {dict(load.results)}", flush=True)
        self.assertEqual(dict(load.results), {"Ok": load.results["Ok"]}, load.failures[:3])
        self.assertEqual(self.kvno("alice"), old)
        self.assertEqual(self.kvno("bob"), old + 4)
        self.assertEqual(self.pids("app1"), programs)

    def _rotate_by_rename(self):
        copy = self.path + ".copy"
        with open(copy, "wb") as file:
            file.write(self.held())
        kerberos.batch(self.world, [f"ktadd -k {copy} {SPN}"])
        with open(copy, "rb") as file:
            data = file.read()
        os.unlink(copy)
        self.replace(data)

    def test_a_ticket_for_a_key_that_is_gone_names_both_numbers(self):
        self.opened(user="alice")
        old, size = self.kvno("alice"), len(self.held())
        kerberos.batch(self.world, [f"ktadd -k {self.path} {SPN}"])
        both = self.held()
        self.replace(b"\x05\x02" + both[size:])
        self.addCleanup(self.replace, both)
        self.refused(self.request(user="alice"), "WrongPeer", "handshake", SPN, "keytab")
        eventually(lambda: f"ticket kvno {old} " in self.log("app1"), what="the refusal in the acceptor's log")
        self.assertRegex(self.log("app1"), f"ticket kvno {old} .*, keytab \\S+ has {old + 1} ")
        self.fresh_ticket("alice")
        self.opened(user="alice")

    def test_a_bad_keytab_is_refused_with_its_name_and_the_cure_and_a_good_one_serves_again(self):
        good = self.held()
        foreign = keytab.entry(["ledger", host.full_name("client1")], host.REALM, os.urandom(32))
        link = self.varlink("client1", user="alice")
        self.addCleanup(link.close)
        channel = link.call("org.mutuald.Broker.Open", {"request": {"service": "direct"}})["parameters"]["channel"]
        descriptor = link.fds[0]
        self.addCleanup(os.close, descriptor)
        for what, data, mode, why in (
                ("truncated", good[:40], 0o640, "ledger.keytab.*(truncated|it holds no key)"),
                ("empty", b"", 0o640, "ledger.keytab.*export the service's keys anew"),
                ("no keytab at all", b"hello, world\n", 0o640, "ledger.keytab.*export the service's keys anew"),
                ("another service's", b"\x05\x02" + foreign, 0o640, f"ledger.keytab.*no key of {SPN}.*export"),
                ("readable by all", good, 0o644, "ledger.keytab: its mode is 0644.*chmod it to 0640")):
            with self.subTest(what):
                self.replace(data, mode)
                try:
                    before = len(self.log("app1"))
                    reply = self.request(user="alice")
                    self.assertIn("error", reply)
                    eventually(lambda: "ledger.keytab" in self.log("app1")[before:], what="the refusal in the acceptor's log")
                    self.assertRegex(self.log("app1")[before:], why)
                    rows = self._listed()
                    self.assertRegex(rows["failure"] + " " + rows["hint"], why)
                    os.write(descriptor, b"still here\n")
                    self.assertIn(b"still here", os.read(descriptor, 4096))  # what is established does not notice
                finally:
                    self.replace(good)
                self.opened(user="alice")
        os.unlink(self.path)
        self.assertIn("error", self.request(user="alice"))
        listed = self._listed()
        self.assertRegex(listed["failure"], "ledger.keytab: No such file")
        self.assertRegex(listed["hint"], "export the service's keys there")
        self.replace(good)
        self.opened(user="alice")
        self.assertNotIn("failure", self._listed())
        self.assertTrue(channel)

    def _listed(self):
        link = self.varlink("app1")
        with contextlib.closing(link):
            rows = link.call("org.mutuald.Broker.ListCredentials")["parameters"]["credentials"]
        return next(row for row in rows if row["identity"] == "service ledger")

    def test_ft_089_ft_091_hold_while_each_program_restarts_under_load(self):
        """What is refused stays refused, what is let in is let in again soon, and contexts do not pile up."""
        for part in (*PARTS, "mutuald"):
            with self.subTest(part):
                pid = self.pids("app1")[part]
                with Load(self) as load:
                    load.more()
                    os.kill(pid, signal.SIGKILL)
                    eventually(lambda: self.pids("app1")[part] != pid and self.offered(), 20, f"another {part}, offering")
                    load.more()
                    print(f"openings around the end of {part}: {dict(load.results)}", flush=True)
                self._still_bound_to_its_spn()
                self.opened(user="alice")
        # The broker that was killed took none: those end 60 s after the longest handshake, which is 60 s, too.
        kept = eventually(lambda: self._contexts() == 0 or None, 135, "no facts of contexts that nobody took")
        self.assertTrue(kept)

    def _contexts(self):
        detail = self.parts("app1")["mutuald-keys"]["detail"]
        return int(detail.split(" contexts")[0].rpartition(" ")[2])

    def _still_bound_to_its_spn(self):
        """A ticket for another of the host's principals is not one for this service (FT-089)."""
        before = len(self.log("app1"))
        self.refused(self.request("other", user="alice"), "WrongPeer", "handshake", f"host/{host.full_name('app1')}", ".")
        eventually(lambda: f"host/{host.full_name('app1')}" in self.log("app1")[before:], what="the acceptor's log of what was asked for")


if __name__ == "__main__":
    main()
