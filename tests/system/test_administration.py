# SPDX-License-Identifier: Apache-2.0
"""What administrators and callers are told afterwards and on the way: explain, monitor, metrics, lists, close-channel."""
import contextlib
import json
import os
import re
import select
import signal
import subprocess
import time

import host
import ledger
import world as realm
from chain import DIRECT, Chain
from harness import eventually, main

# carol is of mutuald-admin; alice and bob are nobody special.


class Administration(Chain):
    client = ledger.client_config(more=DIRECT.replace('users = ["*"]', 'users = ["alice", "carol", "root"]'))

    def setUp(self):
        for user in ("alice", "carol"):
            self.kinit("client1", user)

    def ctl(self, *words, user="alice", on="client1"):
        return self.mutualctl(on, *words, user=user)

    def shown(self, *words, **options):
        done = self.ctl(*words, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    # Explain

    def test_what_became_of_a_request_is_told_to_its_caller_and_to_administrators(self):
        opened = self.opened()
        request = opened["explanation"]["request"]
        for user in ("alice", "carol", "root"):
            text = self.shown("explain", request, user=user)
            self.assertRegex(text, "^Open: Ok\n")
            self.assertIn(f"ledger/app1.mutual.test@{host.REALM} proved its name", text)
            self.assertIn(f"channel {opened['channel']}", text)
        told = json.loads(self.shown("explain", request, "--json"))
        self.assertEqual(told["explanation"], opened["explanation"])
        for user in ("alice", "carol", "root"):
            listed = next(each for each in self.listed(user) if each["request"] == request)
            self.assertEqual((listed["method"], listed["service"], listed["callerUid"], listed["result"]),
                             ("Open", "direct", 1001, "Ok"))
            self.assertLess(abs(listed["ended"] - time.time()), 60)
        self.assertRegex(self.shown("list-requests"), rf"(?m)^{request} +Open +direct +1001 +Ok +(now|.+ ago)$")
        self.assertEqual([each for each in self.listed("bob") if each["callerUid"] != 1002], [])
        refused = self.ctl("explain", request, user="bob")
        self.assertEqual((refused.returncode, refused.stdout), (4, ""))
        self.assertIn(f"there is no request {request} that you may see", refused.stderr)

    def listed(self, user):
        return json.loads(self.shown("list-requests", "--json", user=user))["requests"]

    def test_a_refusal_is_explained_with_its_cause_and_hint(self):
        reply = self.request(user="bob")
        request = reply["parameters"]["explanation"]["request"]
        text = self.shown("explain", request, user="bob")
        self.assertRegex(text, "^Open: Denied: no rule allows uid 1002 service 'direct'\nhint: an administrator can allow it")
        self.assertEqual(self.ctl("explain", "0123456789abcdef").returncode, 4)

    def test_a_request_whose_caller_hung_up_is_remembered(self):
        with self.frozen("kdc"):
            with self.watching("root") as watcher:
                self.kdestroy("client1", "alice")
                self.kinit_while_frozen()
                link = self.pending(timeoutMilliseconds=30_000)
                eventually(lambda: self.metric("mutuald_pending_requests") == 1, what="a pending request")
                link.close()
                event = self.next_event(watcher)
        self.assertEqual((event["decision"], event["callerUid"]), ("Cancelled", 1001))
        self.assertRegex(self.shown("explain", event["request"], user="root"), "^Open: Cancelled: the caller hung up")

    def kinit_while_frozen(self):
        """A cache that makes the fetcher ask the frozen KDC: the ticket-granting ticket alone."""
        realm.thaw(self.world, "kdc")
        self.kinit("client1", "alice")
        realm.freeze(self.world, "kdc")

    # Monitor

    @contextlib.contextmanager
    def watching(self, user):
        """A call of Monitor, once its first reply says that nothing is missed any more."""
        link = self.varlink("client1", user=user)
        with contextlib.closing(link):
            begun = link.call("org.mutuald.Broker.Monitor", more=True)
            self.assertEqual((begun["continues"], begun["parameters"]), (True, {}))
            yield link

    @staticmethod
    def next_event(watcher):
        return watcher.receive()["parameters"]["event"]

    def test_mutualctl_shows_each_event_in_a_line(self):
        command = self.world.command("client1", "carol", [f"{host.BUILD}/bin/mutualctl", "monitor"])
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, bufsize=0,
                                   env=self.world.environment("carol"))
        try:
            def seen():
                self.request(user="bob")
                return select.select([process.stdout], [], [], 0.1)[0]
            eventually(seen, 15, "an event")
            self.assertRegex(process.stdout.readline().decode(), "^20..-..-..T.* opened no channel: Denied at policy: .* request=")
        finally:
            process.kill()
            process.communicate()

    def test_each_watches_its_own_requests_and_administrators_all(self):
        with self.watching("alice") as alice:
            self.opened(user="carol")
            opened = self.opened(user="alice")
            event = self.next_event(alice)
        self.assertEqual((event["decision"], event["callerUid"], event["channel"]), ("opened", 1001, opened["channel"]))
        self.assertEqual(event["request"], opened["explanation"]["request"])
        with self.watching("carol") as carol:
            self.request(user="bob")
            opened = self.opened(user="alice")
            events = [self.next_event(carol), self.next_event(carol)]
        self.assertEqual([each["decision"] for each in events], ["Denied", "opened"])
        self.assertEqual(events[1]["peer"], f"ledger/app1.mutual.test@{host.REALM}")

    def test_monitor_wants_more_and_is_bounded(self):
        link = self.varlink("client1", user="alice")
        self.addCleanup(link.close)
        self.assertEqual(link.call("org.mutuald.Broker.Monitor")["error"], "org.varlink.service.ExpectedMore")
        links = [self.varlink("client1", user="alice") for _ in range(9)]
        replies = []
        for one in links:
            self.addCleanup(one.close)
            replies.append(one.call("org.mutuald.Broker.Monitor", more=True))
        self.assertTrue(all(reply.get("continues") for reply in replies[:8]), replies)
        self.assertTrue(replies[8]["error"].endswith(".Limit"), replies[8])
        self.assertIn("refused uid 1001: Limit at caller: uid 1001 has 8 calls of Monitor", self.log("client1"))

    # Metrics

    def metric(self, name, user="root"):
        found = re.search(rf"^{re.escape(name)} (\S+)$", self.shown("metrics", user=user), re.MULTILINE)
        return float(found.group(1)) if found else 0.0

    def test_metrics_count_what_happens_and_are_for_administrators(self):
        opened, denied = ('mutuald_requests_total{method="Open",result="Ok"}',
                          'mutuald_requests_total{method="Open",result="Denied"}')
        before = self.metric(opened), self.metric(denied)
        self.opened()
        self.request(user="bob")
        self.assertEqual((self.metric(opened), self.metric(denied)), (before[0] + 1, before[1] + 1))
        text = self.shown("metrics", user="carol")
        self.assertRegex(text, r'mutuald_stage_seconds_bucket\{stage="handshake",le="\+Inf"\} [1-9]')
        self.assertIn('mutuald_part_up{part="mutuald-keys"} 1\n', text)
        self.assertTrue(text.endswith("# EOF\n"))
        self.assertIn('mutuald_admissions_total{result="Ok"}', self.shown("metrics", user="root", on="app1"))
        self.assertIn('mutuald_service_listening{service="ledger"} 1\n', self.shown("metrics", user="root", on="app1"))
        for word in ("alice", "ledger/", "10.77"):
            self.assertNotIn(word, text)
        refused = self.ctl("metrics", user="alice")
        self.assertEqual((refused.returncode, refused.stdout), (5, ""))
        self.assertIn("mutuald-admin", refused.stderr)

    def test_metrics_and_credentials_are_told_while_mutuald_keys_says_nothing(self):
        usable = 'mutuald_credential_usable{identity="service ledger"} 1\n'
        self.assertIn(usable, self.shown("metrics", user="root", on="app1"))
        keys = self.pids("app1")["mutuald-keys"]
        os.kill(keys, signal.SIGSTOP)
        try:
            text = self.shown("metrics", user="root", on="app1")
            self.assertIn('mutuald_part_up{part="mutuald-keys"} 0\n', text)
            self.assertIn(usable, text)  # of the last listing
            rows = json.loads(self.shown("list-credentials", "--json", user="root", on="app1"))["credentials"]
            row = next(each for each in rows if each["identity"] == "service ledger")
            self.assertEqual(row["principal"], f"ledger/app1.mutual.test@{host.REALM}")
            self.assertRegex(row["failure"], "TimedOut: list credentials: mutuald-keys did not answer")
            without = lambda: "mutuald_credential_usable{" not in self.shown("metrics", user="root", on="app1")
            eventually(without, 20, "the end of what was kept")
        finally:
            os.kill(keys, signal.SIGCONT)
        eventually(lambda: usable in self.shown("metrics", user="root", on="app1"), what="a new listing")

    # Lists

    def test_services_are_listed_to_those_who_may_use_them(self):
        listed = {each["name"]: each for each in json.loads(self.shown("list-services", "--json"))["services"]}
        self.assertEqual(set(listed), {"ledger", "direct"})
        self.assertEqual((listed["ledger"]["mayOpen"], listed["ledger"]["mayAccept"]), (True, False))
        self.assertEqual(listed["ledger"]["description"], "the example service")
        self.assertEqual(self.shown("list-services", "--no-legend", user="bob"), "")
        there = json.loads(self.shown("list-services", "--json", user="root", on="app1"))["services"]
        self.assertEqual([(each["name"], each["offered"]) for each in there], [("ledger", "listening")])

    def test_plugins_are_listed_to_administrators(self):
        listed = {each["name"]: each for each in json.loads(self.shown("list-plugins", "--json", user="root"))["plugins"]}
        self.assertEqual((listed["scp"]["kind"], listed["sockets"]["kind"]), ("discovery", "transport"))
        self.assertEqual(listed["static"]["state"], "ready")
        self.assertTrue(listed["scp"]["path"].endswith("/scp.so"))
        self.assertEqual(self.ctl("list-plugins", user="bob").returncode, 5)

    # Closing

    def test_an_administrator_sets_the_log_level_of_all_programs(self):
        def log():
            return self.log("client1")
        self.kinit("client1", "alice")
        self.assertEqual(self.mutualctl("client1", "log-level").stdout, "info\n")
        refused = self.mutualctl("client1", "log-level", "debug", user="alice")
        self.assertEqual(refused.returncode, 5, refused.stderr)
        self.addCleanup(self.mutualctl, "client1", "log-level", "info")
        self.assertEqual(self.mutualctl("client1", "log-level", "debug").stdout, "debug\n")
        request = self.opened()["explanation"]["request"]
        eventually(lambda: f"request={request} stage=trust" in log(), 5, "the request's steps in the log")
        self.assertRegex(log(), r"mutuald\[\d+\] debug: usable: ")
        self.assertEqual(self.mutualctl("client1", "log-level", "warning").stdout, "warning\n")
        before = log()
        self.opened()
        with contextlib.closing(self.varlink("client1")) as link:
            wrong = link.call("org.mutuald.Broker.LogLevel", {"level": "loud"})
        self.assertEqual(wrong["error"], "org.mutuald.Broker.InvalidRequest")
        self.assertEqual(log(), before)

    def test_a_channel_is_closed_by_its_owner_or_an_administrator_only(self):
        for closer in ("alice", "carol"):
            opened = self.opened()
            refused = self.ctl("close-channel", opened["channel"], user="bob")
            self.assertEqual(refused.returncode, 4, refused.stderr)
            self.shown("close-channel", opened["channel"], user=closer)
            eventually(lambda: json.loads(self.shown("whois", opened["channel"], "--json"))["channel"]["ended"],
                       what="the channel's end")
            facts = json.loads(self.shown("whois", opened["channel"], "--json"))["channel"]
            self.assertEqual(facts["verdict"], "denied")
            self.assertEqual(self.ctl("close-channel", opened["channel"]).returncode, 4)


if __name__ == "__main__":
    main()
