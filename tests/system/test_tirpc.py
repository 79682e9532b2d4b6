# SPDX-License-Identifier: Apache-2.0
"""libtirpc's RPCSEC_GSS with itself, without mutuald: what tests of ours with it may take for granted."""
import host
import kerberos
import tirpc
from harness import World, main

ALICE = f"alice@{host.REALM}"
PRINCIPAL = f"ledger/{host.full_name('app1')}"


class Tirpc(World):
    def setUp(self):
        kerberos.kinit(self.world, "client1", "alice")
        tirpc.start_gss_server(self, "app1", PRINCIPAL)

    def client(self, security, *verb, principal=PRINCIPAL, **more):
        if security in tirpc.SERVICES:
            security = f"{security}={principal}@{host.REALM}"
        command = tirpc.client_command(f"{host.ADDRESSES['app1']}:{tirpc.PORT}", security, *verb, **more)
        return self.run_on("client1", *command, user="alice")

    def results(self, *words, status=0, **more):
        done = self.client(*words, **more)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return tirpc.results(done.stdout)

    def test_each_service_carries_every_size(self):
        for security in tirpc.SERVICES:
            with self.subTest(security=security):
                echoed = self.results(security, "echo", *tirpc.SIZES)
                self.assertEqual(echoed, [{"echo": size} for size in tirpc.SIZES])

    def test_the_server_knows_the_caller_and_the_service(self):
        for security, (service, _) in tirpc.SERVICES.items():
            with self.subTest(security=security):
                self.assertEqual(self.results(security, "who"),
                                 [{"who": {"flavor": 6, "principal": ALICE, "service": service}}])

    def test_calls_without_rpcsec_gss_are_refused_each_time(self):
        for security in ("none", "sys"):
            with self.subTest(security=security):
                for refused in self.results(security, "echo", 1, 2, 3, status=1):
                    self.assertIn("Client credential too weak", refused["error"])

    def test_a_server_without_that_key_is_no_peer(self):
        done = self.client("krb5p", "who", principal=f"host/{host.full_name('app1')}")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("tirpc_client: make a security context", done.stderr)

    def test_a_context_has_one_service(self):
        for first, then in (("krb5p", "krb5i"), ("krb5p", "krb5"), ("krb5i", "krb5p")):
            with self.subTest(first=first, then=then):
                before, after = self.results(first, "change", tirpc.SERVICES[then][1], status=1)
                self.assertEqual(before, {"echo": 16})
                self.assertIn("error", after)

    def test_a_rate_is_measured(self):
        measured, = self.results("krb5p", "rate", 200, 128)
        self.assertGreater(measured["per_second"], 10)


if __name__ == "__main__":
    main()
