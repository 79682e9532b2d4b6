# SPDX-License-Identifier: Apache-2.0
"""Tickets of keytab identities live on their own: got when used, renewed before their end, healed after the KDC's return."""
import fcntl
import json
import os
import re
import time

import host
import ledger
import kerberos
from chain import DIRECT, Chain
from harness import eventually, main

LIFE = 12  # seconds, of every ticket in this realm
BATCH = f"""
[identity.batch]
keytab = "/etc/mutuald/keytabs/batch.keytab"
principal = "batch@{host.REALM}"
[identity.idle]
keytab = "/etc/mutuald/keytabs/batch.keytab"
principal = "idle@{host.REALM}"
[service.batch]
class = "ledger"
realm = "{host.REALM}"
discovery = ["static"]
keywords = ["direct"]
trust = {{ hosts = [".{host.DOMAIN}"] }}
identity = "batch"
"""


class Renewal(Chain):
    options = {"max_life": f"{LIFE}s"}
    client = ledger.client_config(more=DIRECT + BATCH)
    server = ledger.server_config(principals=("alice", "carol", "batch"))

    @classmethod
    def before_start(cls):
        path = cls.world.keytab("client1", "batch")
        kerberos.batch(cls.world, ["addprinc -randkey batch", "addprinc -randkey idle", f"ktadd -norandkey -k {path} batch idle"])
        os.chown(path, 0, host.GROUPS["mutuald-keys"])
        os.chmod(path, 0o640)

    def credentials(self, user="root", *words):
        done = self.mutualctl("client1", "list-credentials", "--json", *words, user=user)
        self.assertEqual(done.returncode, 0, done.stderr)
        return {each["identity"]: each for each in json.loads(done.stdout)["credentials"]}

    def gauge(self, name, identity):
        text = json.loads(self.mutualctl("client1", "metrics", "--json").stdout)["text"]
        found = re.search(rf'^{name}{{identity="{identity}"}} (\S+)$', text, re.MULTILINE)
        return found and float(found[1])

    def asked(self, principal):
        """How often the KDC was asked for a ticket-granting ticket of the principal."""
        with open(f"{self.world.folder}/kdc/krb5kdc.log") as file:
            return len(re.findall(rf"AS_REQ .* ISSUE: .* {principal}@{host.REALM} for krbtgt", file.read()))

    def test_tickets_in_use_are_renewed_before_their_end_and_others_lapse(self):
        self.opened("batch")
        first = self.credentials()["batch"]
        self.assertEqual((first["principal"], first["keytab"]), (f"batch@{host.REALM}", "/etc/mutuald/keytabs/batch.keytab"))
        self.assertEqual({key["kvno"] for key in first["keys"]}, {1})
        left = first["expires"] - time.time()
        self.assertLessEqual(left, LIFE)
        self.assertTrue(0.5 * LIFE < first["renews"] - (first["expires"] - LIFE) < 0.85 * LIFE, first)
        renewed = eventually(lambda: self._newer(first), LIFE, "a renewal")
        self.assertLess(time.time(), first["expires"], "it was renewed too late")
        renewal = lambda: self.gauge("mutuald_credential_expiry_seconds", "batch") > first["expires"]
        eventually(renewal, LIFE, "the renewal in the gauge")
        # Nobody used the second one: it lapses.
        self.assertNotIn("renews", renewed)
        count = self.asked("batch")
        self.assertGreaterEqual(count, 2)  # the first one and its renewal: else it counts nothing
        eventually(lambda: time.time() > renewed["expires"] + 1, LIFE + 3, "the end of the unused ticket")
        self.assertEqual(self.asked("batch"), count)
        self.assertEqual(self.asked("idle"), 0)
        self.assertNotIn("expires", self.credentials()["idle"])
        self.opened("batch")

    def _newer(self, first):
        now = self.credentials()["batch"]
        return now.get("expires", 0) > first["expires"] and now

    def test_a_failing_renewal_is_visible_before_the_end_and_heals_by_itself(self):
        self.opened("batch")
        eventually(lambda: "expires" in self.credentials()["batch"], what="a ticket")
        with self.stopped("kdc"):
            failed = eventually(lambda: self._failed(), LIFE, "a failing renewal")
            self.assertLess(failed["failedAt"], failed["expires"], "it was told too late")
            self.assertRegex(failed["failure"], f"KdcUnreachable: .*{host.REALM}")
            self.assertRegex(failed["hint"], "KDC")
            eventually(lambda: self.gauge("mutuald_credential_usable", "batch") == 0, LIFE, "the gauge")
            self.assertRegex(self.log("client1"), f"cannot get a new ticket of batch@{host.REALM}: KdcUnreachable .*lasts \\d+ s")
            shown = self.mutualctl("client1", "list-credentials").stdout
            self.assertRegex(shown, r"batch +batch@.* failed\n")
            self.assertRegex(shown, "batch: KdcUnreachable: .*\nhint: ")
        healed = eventually(lambda: self._newer(failed) or None, 10, "a new ticket, without a request")
        self.assertNotIn("failure", healed)
        eventually(lambda: self.gauge("mutuald_credential_usable", "batch") == 1, LIFE, "the gauge")
        self.opened("batch")

    def _failed(self):
        now = self.credentials()["batch"]
        return "failure" in now and now

    def test_callers_see_their_own_ticket_administrators_everything_nobody_a_key(self):
        self.kinit("client1", "alice", lifetime=f"{LIFE}s")
        self.assertEqual(list(self.credentials("alice")), ["caller"])
        own = self.credentials("alice")["caller"]
        self.assertEqual((own["principal"], own["keys"]), (f"alice@{host.REALM}", []))
        self.kdestroy("client1", "alice")
        self.assertRegex(self.credentials("alice")["caller"]["failure"], "NoCredentials: .*/tmp/krb5cc_1001")
        self.assertLessEqual({"caller", "search", "batch", "idle"}, set(self.credentials("carol")))
        served = json.loads(self.mutualctl("app1", "list-credentials", "--json").stdout)["credentials"]
        row = next(each for each in served if each["identity"] == "service ledger")
        self.assertEqual({key["kvno"] for key in row["keys"]}, {1})
        self.assertEqual(set(row["keys"][0]), {"principal", "kvno", "enctype"})

    def test_root_sees_its_own_cache_only_if_there_is_a_ticket_or_it_is_named(self):
        self.must("client1", "rm", "-f", "/tmp/krb5cc_0")
        self.assertNotIn("caller", self.credentials())
        named = self.credentials("root", "--cache", "FILE:/tmp/absent")
        self.assertRegex(named["caller"]["failure"], "NoCredentials: .*/tmp/absent: No such file")
        self.assertIn("batch", named)
        self.must("client1", "kinit", "alice", input=kerberos.password("alice") + "\n")
        self.addCleanup(self.must, "client1", "rm", "-f", "/tmp/krb5cc_0")
        self.assertEqual(self.credentials()["caller"]["principal"], f"alice@{host.REALM}")

    def test_an_administrator_whose_own_cache_hangs_sees_the_rest(self):
        self.kinit("client1", "carol")
        with open(self.world.inside("client1", "/tmp/krb5cc_1003"), "rb+") as cache:
            fcntl.lockf(cache, fcntl.LOCK_EX)
            seen = self.credentials("carol")
        self.assertRegex(seen["caller"]["failure"], "TimedOut: .*uid 1003: it did not answer within 900 ms")
        self.assertRegex(seen["caller"]["hint"], "lock")
        self.assertLessEqual({"search", "batch", "idle"}, set(seen))

    def test_channels_end_with_their_ticket_while_the_kdc_is_away_and_openings_recover(self):
        self.kinit("client1", "alice", lifetime=f"{LIFE}s")
        link = self.varlink("client1", user="alice")
        self.addCleanup(link.close)
        channel = link.call("org.mutuald.Broker.Open", {"request": {"service": "direct"}})["parameters"]
        with self.stopped("kdc"):
            self.assertEqual(self._verdict(channel["channel"]), None)
            verdict = eventually(lambda: self._verdict(channel["channel"]), LIFE + 5, "the channel's end")
            # Both ends know the time. The one that is told of the other's end before it looked itself calls it unauthenticated.
            self.assertIn("expired", (verdict, self._verdict(self._accepted(), "app1", "root")))
            self.assertLessEqual(abs(time.time() - channel["expires"]), 3)
            self.refused(self.request("direct"), "NoCredentials", "credentials", "has expired", "kinit")
            self.refused(self.request("batch", timeoutMilliseconds=3000), "KdcUnreachable", "credentials", host.REALM, "KDC")
        self.kinit("client1", "alice", lifetime=f"{LIFE}s")
        self.opened("direct")
        eventually(lambda: self.opens("batch"), 10, "an opening with the keytab")

    def _accepted(self):
        """The last channel that app1 admitted alice to."""
        return re.findall(rf"admitted alice@{host.REALM} .* channel=(\w+)", self.log("app1"))[-1]

    def _verdict(self, channel, on="client1", user="alice"):
        link = self.varlink(on, user=user)
        try:
            return link.call("org.mutuald.Broker.WhoIs", {"channel": channel})["parameters"]["channel"].get("verdict")
        finally:
            link.close()


if __name__ == "__main__":
    main()
