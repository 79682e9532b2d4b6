# SPDX-License-Identifier: Apache-2.0
"""Callers' credential caches and the acceptor's keytabs: what is wrong with them is told, to whom it concerns."""
import fcntl
import os
import signal
import subprocess

import host
import kerberos
import ledger
import namespaces
import step
from chain import DIRECT, Chain
from harness import eventually, main

SPN = f"ledger/{host.full_name('app1')}"
TARGET = f"{SPN}@{host.REALM}"
CACHE = "/tmp/krb5cc_1001"
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
STRANGER = f"""
[service.stranger]
realm = "{host.REALM}"
discovery = ["static"]
trust = {{ hosts = [".{host.DOMAIN}"] }}
[[plugin.static.options.instances]]
class = "stranger"
host = "{host.full_name('app1')}"
port = 7000
"""


UNDER_WAY = r"""
import os, socket, sys
near, far = socket.socketpair()
for _ in range(4): socket.send_fds(near, [b"x"], [os.open("/dev/null", os.O_RDONLY) for _ in range(100)])
print("under way", flush=True)
sys.stdin.read()
"""


class Caches(Chain):
    """What alice may have where her tickets should be."""
    client = ledger.client_config(more=DIRECT + STRANGER)

    def setUp(self):
        self.kdestroy("client1", "alice")

    def denied(self, message, hint, code="NoCredentials", **fields):
        return self.refused(self.request(**fields), code, "credentials", message, hint)

    def as_alice(self, *command):
        self.must("client1", *command, user="alice")

    def test_no_ticket(self):
        self.denied(f"open the credential cache {CACHE}|FILE:{CACHE}.*No such file", "kinit")
        done = self.mutualctl("client1", "open", "direct", user="alice")
        self.assertEqual(done.returncode, 6, done.stderr)
        self.assertIn("kinit", done.stderr)

    def test_an_expired_ticket(self):
        self.kinit("client1", "alice", lifetime="1s")
        eventually(lambda: self.run_on("client1", "klist", "-s", user="alice").returncode == 1, what="the ticket's end")
        self.denied(f"{CACHE}: the ticket of alice@{host.REALM} has expired", "kinit")

    def test_a_ticket_that_ends_too_soon(self):
        self.kinit("client1", "alice", lifetime="60s")
        self.denied(f"alice@{host.REALM} lasts .* s, and 7200 s are asked for", "kinit", minimumLifetimeSeconds=7200)

    def test_a_fifo_does_not_hold_anybody_up(self):
        self.as_alice("mkfifo", CACHE)
        with self.within(5):
            self.denied(f"{CACHE} is not a regular file", "kinit")

    def test_a_symbolic_link_to_another_users_cache(self):
        self.kinit("client1", "bob")
        self.as_alice("ln", "-s", "/tmp/krb5cc_1002", CACHE)
        self.denied(f"{CACHE} is a symbolic link", "kinit")

    def test_another_users_cache_by_name(self):
        self.kinit("client1", "bob")
        self.denied("FILE:/tmp/krb5cc_1002: Permission denied", "kinit", credentialCache="FILE:/tmp/krb5cc_1002")
        self.must("client1", "chmod", "0644", "/tmp/krb5cc_1002")
        self.denied("/tmp/krb5cc_1002 belongs to uid 1002", "kinit", credentialCache="FILE:/tmp/krb5cc_1002")

    def test_a_cache_that_holds_rubbish(self):
        self.as_alice("cp", "/etc/passwd", CACHE)
        self.denied(f"{CACHE}: Unsupported credentials cache format", "kinit")

    def test_kinds_of_caches_that_cannot_be_read_are_refused_with_the_reason(self):
        for name, why, hint in (("krb5cc", "not absolute", "whole path"), ("FILE:krb5cc", "not absolute", "whole path"),
                                ("DIR:caches", "not absolute", "whole path"),
                                ("MEMORY:mine", "its own process", "FILE"),
                                ("KEYRING:session:mine", "inside its own session", "FILE"),
                                ("KEYRING:persistent:1002", "another uid", "FILE"),
                                ("API:mine", "not supported", "FILE")):
            with self.subTest(name):
                self.denied(f"{name}: .*{why}", hint, "InvalidRequest", credentialCache=name)

    def test_named_caches_that_can_be_read_are_used(self):
        self.as_alice("mkdir", "-m", "0700", "-p", "/tmp/caches")
        for name in ("FILE:/tmp/named", "DIR:/tmp/caches"):
            with self.subTest(name):
                self.kinit("client1", "alice", cache=name)
                self.assertEqual(self.opened(credentialCache=name)["self"], f"alice@{host.REALM}")

    def test_root_opens_as_whoever_root_has_tickets_of(self):
        self.must("client1", "kinit", "carol", input=kerberos.password("carol") + "\n")
        self.assertEqual(self.opened(user="root")["self"], f"carol@{host.REALM}")

    def test_a_locked_cache_costs_its_owner_the_deadline_and_nobody_else_anything(self):
        for user in ("alice", "carol"):
            self.kinit("client1", user)
        with open(self.world.inside("client1", CACHE), "rb+") as cache:
            fcntl.lockf(cache, fcntl.LOCK_EX)
            waiting = self.pending(timeoutMilliseconds=5000)
            with self.within(8):
                with self.within(4.7):
                    self.opened(user="carol")
                self.refused(waiting.receive(), "TimedOut", "credentials", "uid 1001: it did not answer", "lock")
        self.opened()

    # The kernel counts them for each uid, and holds them against the bound of whoever passes on one more.
    def test_descriptors_that_a_user_has_under_way_do_not_keep_its_tickets_from_it(self):
        self.kinit("client1", "alice")
        holder = self.start_on("client1", "/usr/bin/python3", "-B", "-c", UNDER_WAY, user="alice",
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assertEqual(holder.stdout.readline(), b"under way\n")
        self.opened(user="alice")
        holder.stdin.close()

    def test_ft_082_an_unknown_spn_is_named(self):
        self.kinit("client1", "alice")
        self.refused(self.request("stranger"), "UnknownTarget", "credentials",
                     f"stranger/{host.full_name('app1')}@{host.REALM}", ".")

    def test_a_kdc_whose_clock_is_wrong(self):
        self.kinit("client1", "alice")
        with self.stopped("kdc"):
            command = [*namespaces.nsenter(self.world.pids["dc"]), "krb5kdc", "-n", "-r", host.REALM]
            environment = {**kerberos.environment(self.world), "LD_PRELOAD": FAKETIME, "FAKETIME": "+10m"}
            pid = step.start("start a late KDC", command, f"{self.world.folder}/kdc/late.out", env=environment)
            try:
                def answered():
                    reply = self.request()
                    return None if reply.get("error", "").endswith("KdcUnreachable") else reply
                reply = eventually(answered, 10, "an answer of the KDC")
                self.refused(reply, "ClockSkew", "credentials", f"{TARGET}.*[Cc]lock", "clock")
            finally:
                os.kill(pid, signal.SIGKILL)
        self.opened()


class Keytabs(Chain):
    """What may be wrong with what app1 has."""
    BAD = {"unreadable": 7101, "readable-by-all": 7102, "missing": 7103}
    server = ledger.server_config() + "".join(f"""
[service.{name}]
realm = "{host.REALM}"
[service.{name}.accept]
spns = ["{SPN}"]
keytab = "/etc/mutuald/keytabs/{name}.keytab"
port = {port}
deliver = "unix"
socket = "{ledger.SOCKET}"
socket_user = "ledger"
""" for name, port in BAD.items())

    @classmethod
    def before_start(cls):
        for name, mode in (("unreadable", 0o600), ("readable-by-all", 0o644)):
            cls.copy(name, mode)

    @classmethod
    def copy(cls, name, mode):
        with open(cls.world.keytab("app1", "ledger"), "rb") as source:
            data = source.read()
        with open(cls.world.keytab("app1", name), "wb") as target:
            target.write(data)
            os.fchmod(target.fileno(), mode)
            os.fchown(target.fileno(), 0, host.GROUPS["mutuald-keys"])

    def failed(self, service):
        part = self.parts("app1")[f"service {service}"]
        return part if part["state"] == "failed" else None

    def test_a_keytab_that_cannot_be_used_is_told_and_used_once_it_can(self):
        keys = self.pids("app1")["mutuald-keys"]
        for name, why in (("unreadable", "Permission denied"),
                          ("readable-by-all", "its mode is 0644.*chmod it to 0640"),
                          ("missing", "No such file.*export the service's keys")):
            part = eventually(lambda name=name: self.failed(name), what=f"the failure of {name}")
            self.assertRegex(part["detail"], f"^(InvalidConfiguration|NoCredentials) at credentials: .*{name}.keytab.*{why}")
            self.assertRegex(self.log("app1"), f"does not offer '{name}': .*{name}.keytab.*{why}")
        self.assertTrue(self.offered())
        for name in self.BAD:
            self.copy(name, 0o640)
        for name in self.BAD:
            eventually(lambda: self.offered(name), 12, f"{name}, offered")
        self.assertEqual(self.pids("app1")["mutuald-keys"], keys)

    def test_ft_097_old_and_new_keys_serve_while_a_keytab_is_rotated(self):
        programs = self.pids("app1")
        self.kinit("client1", "alice")
        self.opened()  # the ticket under the old key is in her cache
        path = self.world.keytab("app1", "ledger")
        with open(path, "rb") as file:
            old = file.read()
        kerberos.batch(self.world, [f"ktadd -k {path} {SPN}"])
        self.kinit("client1", "carol")
        self.opened(user="alice")
        self.opened(user="carol")
        self.assertEqual([self._kvno("alice"), self._kvno("carol")], [1, 2])
        self._only_new_keys(path, len(old))
        self.opened(user="carol")
        reply = self.request(user="alice")
        self.refused(reply, "WrongPeer", "handshake", f"authenticate {TARGET}: Key version is not available",
                     "its keytab is outdated; see its log")
        self.assertRegex(self.log("app1"), "ticket kvno 1 .*keytab .* has 2")
        self.kinit("client1", "alice")
        self.opened(user="alice")
        self.assertEqual(self.pids("app1"), programs)

    def _kvno(self, user):
        """Of the service ticket in the user's cache."""
        said = self.must("client1", "kvno", SPN, user=user)
        return int(said.rpartition("=")[2])

    def _only_new_keys(self, path, old_size):
        with open(path, "rb") as file:
            data = file.read()
        with open(path, "wb") as file:
            file.write(b"\x05\x02" + data[old_size:])


if __name__ == "__main__":
    main()
