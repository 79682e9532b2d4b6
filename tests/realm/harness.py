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
import os
import sys
import unittest

import directory
import kerberos
import network
import step
import world as realm
from programs import SOCKET, Programs, Varlink, eventually, stop  # noqa: F401, for the tests

SKIPS = f"{realm.TREE}/tests/system/skips.txt"


def is_sanitized():
    """Whether the programs were built with the address sanitizer."""
    with open(f"{build_folder()}/bin/mutuald", "rb") as file:
        return b"__asan_init" in file.read()


def build_folder():
    return os.path.realpath(os.environ.get("MUTUAL_BUILD") or f"{realm.TREE}/build/dev")


class World(Programs, unittest.TestCase):
    """A test class with a realm of its own. Override `hosts` and `options` (those of `realm up`)."""
    hosts = ["app1", "client1"]
    options = {}

    def __init__(self, *arguments):
        unittest.TestCase.__init__(self, *arguments)
        self.background = []

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
        super().run(result)
        if result and len(result.failures) + len(result.errors) > before:
            print(f"\n--- logs after {self.id()}\n{self.logs()}", file=sys.stderr)
        return result

    def tearDown(self):
        self.stop_all()

    def logs(self):
        found = sorted(glob.glob(f"{self.folder}/hosts/*/*.log") + glob.glob(f"{self.folder}/kdc/*.log"))
        return "".join(f"{path}:\n{step.tail(path, 40)}" for path in found)

    # The realm

    def kinit(self, name, user, lifetime="10h", cache=None):
        kerberos.kinit(self.world, name, user, lifetime, cache)

    def kdestroy(self, name, user):
        kerberos.kdestroy(self.world, name, user)

    def publish_scp(self, name="ledger", on="app1", port=7000, as_host=None, below=None, **attributes):
        """Writes an SCP as the administrator (or as a domain member, under its own object); returns its DN."""
        dn = directory.publish(self.world, name, on, port, as_host, below, **attributes)
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
