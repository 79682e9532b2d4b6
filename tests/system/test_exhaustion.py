# SPDX-License-Identifier: Apache-2.0
"""The broker without descriptors and without memory: it lives, says so in one line, and serves again afterwards."""
import contextlib
import os
import subprocess
import time
import unittest

from chain import Chain, descriptors
from harness import eventually, is_sanitized, main


class Exhaustion(Chain):
    @contextlib.contextmanager
    def limited(self, what, bound):
        """The broker under a lower soft limit, `what` as prlimit(1) names it."""
        broker = self.pids()["mutuald"]
        before = self.prlimit(broker, "--raw", "--noheadings", "--output", "SOFT", f"--{what}").stdout.strip()
        self.prlimit(broker, f"--{what}={bound(broker)}:")
        try:
            yield broker
        finally:
            self.prlimit(broker, f"--{what}={before}:")

    def prlimit(self, pid, *words):
        """As the user of the process, which needs no capability for that."""
        with open(f"/proc/{pid}/status") as file:
            ids = {line.split()[0]: line.split()[1] for line in file if line.startswith(("Uid:", "Gid:"))}
        user = ["--reuid", ids["Uid:"], "--regid", ids["Gid:"], "--clear-groups"]
        return subprocess.run(["setpriv", *user, "prlimit", "--pid", str(pid), *words],
                              check=True, capture_output=True, text=True)

    def setUp(self):
        self.kinit("client1", "alice")
        eventually(self.opens, 10, "a channel")
        self.logged = len(self.log("client1"))

    def works_again(self, broker):
        eventually(self.opens, 10, "a channel afterwards")
        self.assertEqual(self.pids()["mutuald"], broker, "the broker was started again")

    def test_without_descriptors_it_waits_and_says_so_once(self):
        with self.limited("nofile", descriptors) as broker:
            links = [self.varlink("client1", user="alice") for _ in range(5)]
            eventually(lambda: "Too many open files" in self.log("client1")[self.logged:], 5, "a line about it")
            before, begun = cpu_time(broker), time.monotonic()
            eventually(lambda: time.monotonic() - begun > 2, 5, "two seconds")
            self.assertLess(cpu_time(broker) - before, 0.5, "it spins")
            self.assertEqual(self.log("client1")[self.logged:].count("Too many open files"), 1)
        for link in links:  # who waited is served
            self.assertIn("vendor", link.call("org.varlink.service.GetInfo")["parameters"])
            link.close()
        self.works_again(broker)

    @unittest.skipIf(is_sanitized(), "the sanitizer ends a program without memory; CI runs this on the release build")
    def test_without_memory_a_call_fails_and_no_more(self):
        # Each waits for its end in a buffer, and becomes some ten times as large when it is read.
        half = b'{"method": "org.mutuald.Broker.Status", "parameters": {"a": [' + b"0," * 30_000
        lacking = 0
        with self.limited("as", address_space) as broker:
            links = [self.varlink("client1", user=user) for _ in range(100) for user in ("alice", "bob")]
            for octets in (half, b"0]}}\0"):
                for link in links:
                    link.socket.settimeout(2)
                    with contextlib.suppress(OSError):
                        link.socket.sendall(octets)
            for link in links:
                lacking += self.shows_a_lack(link)
                link.close()
        print(f"{lacking} of {len(links)} calls showed that memory was lacking", flush=True)
        self.assertGreater(lacking, 0, "memory was never lacking")
        self.works_again(broker)

    def shows_a_lack(self, link):
        """Anything but the answer that such a call gets when there is memory."""
        try:
            reply = link.receive()
        except OSError:
            return True
        return reply is None or "error" in reply

    @unittest.skipIf(is_sanitized(), "the sanitizer needs descriptors itself; CI runs this on the release build")
    def test_a_reload_without_descriptors_changes_nothing_and_one_afterwards_does(self):
        link = self.varlink("client1")
        self.addCleanup(link.close)
        self.assertIn("vendor", link.call("org.varlink.service.GetInfo")["parameters"])
        self.addCleanup(self.configure, "client1", self.client)
        self.configure("client1", self.client.replace('users = ["*"]', 'users = ["bob"]'))
        with self.limited("nofile", descriptors) as broker:
            reply = link.call("org.mutuald.Broker.Reload")
            self.assertEqual(reply["error"], "org.mutuald.Broker.Limit", reply)
            self.assertIn("not_reloaded", self.log("client1")[self.logged:])
        self.works_again(broker)  # by the rule that the new one has not any more
        self.assertNotIn("error", link.call("org.mutuald.Broker.Reload"))
        self.assertEqual(self.request()["error"], "org.mutuald.Broker.Denied")
        self.configure("client1", self.client)
        self.assertNotIn("error", link.call("org.mutuald.Broker.Reload"))
        self.works_again(broker)


def cpu_time(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def address_space(pid):
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
