# SPDX-License-Identifier: Apache-2.0
"""The configuration is reloaded while everything runs: good ones at once, bad ones not at all."""
import json
import os
import re
import signal
import threading

import host
import ledger
from chain import DIRECT, Chain
from harness import eventually, main

SPN = f"ledger/{host.full_name('app1')}"
MAIN = "/etc/mutuald/mutuald.toml"


def offer(name="ledger", port=ledger.PORT, who=("alice",), more=""):
    principals = ", ".join(f'"{each}@{host.REALM}"' for each in who)
    return f"""
[service.{name}]
realm = "{host.REALM}"
[service.{name}.accept]
spns = ["{SPN}"]
keytab = "/etc/mutuald/keytabs/ledger.keytab"
port = {port}
deliver = "unix"
socket = "{ledger.SOCKET}"
socket_user = "ledger"
allow = {{ principals = [{principals}] }}
{more}
"""


def for_accept(name, users, port=7002):
    return f"""
[service.{name}]
realm = "{host.REALM}"
[service.{name}.accept]
spns = ["{SPN}"]
keytab = "/etc/mutuald/keytabs/ledger.keytab"
port = {port}
deliver = "accept"
accept_users = [{", ".join(f'"{user}"' for user in users)}]
allow = {{ principals = ["alice@{host.REALM}"] }}
"""


class Reload(Chain):
    client = ledger.client_config(more=DIRECT)
    server = offer()

    def setUp(self):
        self.kinit("client1", "alice")
        self.configure("app1", self.server)
        self.configure("client1", self.client)
        for name in ("app1", "client1"):
            self.reloaded(name)
        eventually(lambda: self.offered(), 15, "ledger, offered")

    def ctl(self, name, *words, user="root"):
        return self.mutualctl(name, *words, user=user)

    def reloaded(self, name="app1", *words):
        done = self.ctl(name, "reload", "--json", *words)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def changed(self, name="app1"):
        return {each["key"]: each.get("waitsFor") for each in self.reloaded(name)["changes"]}

    def refused(self, name="app1"):
        done = self.ctl(name, "reload")
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertEqual(done.stdout, "")
        return done.stderr

    def is_alive(self, program):
        program.sendall(b"still here\n")
        return b"still here" in program.recv(4096)

    # Good ones

    def test_what_is_the_same_changes_nothing(self):
        before = self.log("app1")
        self.assertEqual(self.changed(), {})
        # Another file, other lines, the same words.
        self.configure("app1", "# a remark\n\n" + self.server)
        self.assertEqual(self.changed(), {})
        self.assertNotIn("'ledger'", self.offers_since(before, self.server))

    def offers_since(self, before, server):
        """The lines about offers, up to that of another service, which is offered last."""
        self.configure("app1", server + for_accept("sentinel", ["alice"], 7009))
        self.reloaded()
        new = lambda: self.log("app1")[len(before):]
        eventually(lambda: "offers 'sentinel'" in new(), 10, "the offer of the last one")
        return "\n".join(line for line in new().split("\n") if "offer" in line)

    def test_rules_hold_at_once(self):
        self.assertTrue(self.opens())
        self.configure("client1", self.client.replace('users = ["*"]', 'users = ["bob"]'))
        changed = self.changed("client1")
        self.assertIn("rule.everybody-directly.users", changed)
        self.assertEqual(self.request()["error"], "org.mutuald.Broker.Denied")
        self.configure("client1", self.client)
        self.reloaded("client1")
        self.assertTrue(self.opens())

    def test_who_may_connect_changes_without_new_grants_and_live_channels_stay(self):
        program = self.live_channel()
        before = self.log("app1")
        self.configure("app1", offer(who=("bob",)))
        self.assertEqual(self.changed(), {"service.ledger.accept.allow.principals": None})
        self.assertEqual(self.request()["error"], "org.mutuald.Broker.RefusedByPeer")
        self.assertTrue(self.is_alive(program))
        self.assertNotIn("'ledger'", self.offers_since(before, offer(who=("bob",))))

    def test_a_changed_port_moves_the_listener_and_a_removed_service_ends(self):
        program = self.live_channel()
        self.configure("app1", offer(port=7003))
        self.changed()
        eventually(lambda: self.listens(7003) and not self.listens(ledger.PORT), 10, "the other port")
        self.configure("app1", offer("other", 7003))
        self.changed()
        eventually(lambda: self.offered("other"), 10, "the other name on the same port")
        self.assertIn("does not offer 'ledger' any more", self.log("app1"))
        self.configure("app1", "[daemon]\n")
        self.changed()
        eventually(lambda: not self.listens(7003), 10, "a closed port")
        self.assertTrue(self.is_alive(program))

    def listens(self, port):
        return f":{port} " in self.must("app1", "ss", "-tlnH")

    def test_keys_that_cannot_be_had_leave_none_of_the_earlier_ones_live(self):
        program = self.live_channel()
        self.configure("app1", self.server.replace("ledger.keytab", "none.keytab"))
        self.assertEqual(self.changed(), {"service.ledger.accept.keytab": None})
        eventually(lambda: not self.listens(ledger.PORT), 10, "a closed port")
        eventually(lambda: "does not offer 'ledger': " in self.log("app1"), 10, "the line that says why")
        self.assertNotEqual(self.parts("app1")["service ledger"]["state"], "listening")
        self.assertFalse(self.opens())
        self.assertTrue(self.is_alive(program))
        self.configure("app1", self.server)
        self.reloaded()
        eventually(lambda: self.opens(), 20, "a channel with the good keys")

    def test_an_order_that_fails_with_the_same_keys_leaves_the_earlier_one_and_says_so(self):
        keytab = f"{self.world.host_folder('app1')}/etc-mutuald/keytabs/ledger.keytab"
        os.rename(keytab, f"{keytab}.away")
        try:
            self.configure("app1", offer(more="limits = { handshakes = 99 }"))
            self.assertEqual(self.changed(), {"service.ledger.accept.limits.handshakes": None})
            told = lambda: self.parts("app1")["service ledger"]
            eventually(lambda: "until then as before: listening on " in told()["detail"], 10, "what goes on")
            self.assertNotEqual(told()["state"], "listening")
            self.assertTrue(self.listens(ledger.PORT))
        finally:
            os.rename(f"{keytab}.away", keytab)
        eventually(lambda: self.offered(), 20, "the offer, with the file")
        self.assertTrue(self.opens())

    def test_an_address_that_cannot_be_had_leaves_no_listener(self):
        self.configure("app1", offer(more='address = "192.0.2.1"'))  # nobody has it
        self.assertEqual(self.changed(), {"service.ledger.accept.address": None})
        eventually(lambda: not self.listens(ledger.PORT), 10, "a closed port")
        eventually(lambda: "192.0.2.1" in self.parts("app1")["service ledger"]["detail"], 10, "the reason")
        self.assertNotIn("as before", self.parts("app1")["service ledger"]["detail"])

    def test_calls_of_accept_wait_on_or_are_told(self):
        self.configure("app1", offer() + for_accept("first", ["alice"]) + for_accept("second", ["alice"], 7003))
        self.reloaded()
        links = {service: self.accepting(service, 60000) for service in ("first", "second")}
        eventually(lambda: self.waiting() == 2, 10, "two calls of Accept that wait")
        self.configure("app1", offer() + for_accept("first", ["alice", "bob"]))
        self.reloaded()
        reply = links["second"].receive()
        self.assertEqual(reply["error"], "org.mutuald.Broker.UnknownService")
        self.assertIn("not offered any more: the configuration was reloaded", reply["parameters"]["message"])
        self.configure("app1", offer() + for_accept("first", ["bob"]))
        self.reloaded()
        reply = links["first"].receive()
        self.assertEqual(reply["error"], "org.mutuald.Broker.Denied")
        self.assertIn("reloaded", reply["parameters"]["message"])

    def accepting(self, service, milliseconds):
        link = self.varlink("app1", user="alice")
        self.addCleanup(link.close)
        link.send("org.mutuald.Broker.Accept", {"service": service, "timeoutMilliseconds": milliseconds})
        return link

    def waiting(self):
        text = self.ctl("app1", "metrics").stdout
        return int(re.search(r"^mutuald_waiting_accepts (\d+)$", text, re.MULTILINE)[1])

    def test_limits_hold_at_once(self):
        self.configure("app1", offer() + for_accept("first", ["alice"]))
        self.reloaded()
        self.configure("app1", "[daemon.limits]\nrequests_per_uid = 1\n" + offer() + for_accept("first", ["alice"]))
        self.assertEqual(self.changed(), {"daemon.limits.requests_per_uid": None})
        self.accepting("first", 60000)
        eventually(lambda: self.waiting() == 1, 10, "a call of Accept that waits")
        link = self.accepting("first", 60000)
        self.assertEqual(link.receive()["error"], "org.mutuald.Broker.Limit")

    def test_discovery_follows_the_plugins_options(self):
        self.assertTrue(self.opens())
        self.configure("client1", self.client.replace(f"port = {ledger.PORT}", "port = 7999"))
        changed = self.changed("client1")
        self.assertEqual(changed, {"plugin.static.options.instances": None})
        found = json.loads(self.ctl("client1", "find", "direct", "--json", user="alice").stdout)
        self.assertEqual([each["port"] for each in found["candidates"]], [7999])

    def test_what_waits_for_a_restart_is_told(self):
        self.configure("app1", self.server + "\n[plugin.sockets.options]\nthing = 1\n")
        self.assertEqual(self.changed(), {"plugin.sockets.options.thing": "mutuald-channel@sockets"})

    def test_a_plugin_program_that_read_another_configuration_is_told(self):
        part = lambda: self.parts("client1")["mutuald-plugin"]
        self.assertEqual(part()["detail"], "")
        before = self.log("client1")
        self.configure("client1", self.client + "\n# read by one of them\n")
        os.kill(self.pids("client1")["mutuald-plugin"], signal.SIGHUP)
        wanted = "uses another configuration than mutuald: run mutualctl reload"
        eventually(lambda: part()["detail"] == wanted, 10, "the difference")
        self.assertEqual(part()["detail"], wanted)
        self.assertEqual(self.log("client1")[len(before):].count(wanted), 1)
        self.assertTrue(self.opens())
        self.reloaded("client1")
        self.assertEqual(part()["detail"], "")

    # Bad ones

    def test_a_bad_configuration_changes_nothing_and_says_where(self):
        program = self.live_channel()
        bad = {"prot = 1": (f"{MAIN}:", "service.ledger.accept.prot", 'did you mean "port"?'),
               'idle_timeout = 7': (f"{MAIN}:",)}
        for line, wanted in bad.items():
            self.configure("app1", offer(more=line))
            told = self.refused()
            for text in wanted:
                self.assertIn(text, told)
        self.configure("app1", "[service.ledger\n")
        self.assertIn(f"{MAIN}:1", self.refused())
        self.assertIn("not_reloaded", self.log("app1"))
        self.assertRegex(self.log("app1"), r"the configuration was not reloaded: .*\(asked by uid 0\)")
        self.assertTrue(self.opens())
        self.assertTrue(self.is_alive(program))

    def test_a_drop_in_that_says_a_rule_again_is_refused_and_one_of_the_same_name_masks(self):
        rule = '[[rule]]\nname = "again"\naction = "deny"\nusers = ["bob"]\nservices = ["*"]\n'
        folder = f"{self.world.host_folder('client1')}/etc-mutuald/mutuald.toml.d"
        self.addCleanup(lambda: [os.unlink(f"{folder}/{name}") for name in os.listdir(folder)])
        self.configure("client1", rule, "mutuald.toml.d/10-again.toml")
        self.assertEqual(sorted(self.changed("client1"))[0], "rule")
        self.configure("client1", rule, "mutuald.toml.d/20-again.toml")
        told = self.refused("client1")
        for text in ("20-again.toml:2", "10-again.toml:1", "another rule has this name"):
            self.assertIn(text, told)
        self.configure("client1", "", "mutuald.toml.d/20-again.toml")
        self.assertEqual(self.changed("client1"), {})

    def test_only_administrators_may(self):
        done = self.ctl("client1", "reload", user="alice")
        self.assertIn("is for root and members of group mutuald-admin", done.stderr)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(self.ctl("client1", "reload", user="carol").returncode, 0)

    # In the middle of everything

    def test_in_the_middle_of_openings_monitors_and_reloads_nothing_is_lost(self):
        watcher = self.varlink("app1")
        self.addCleanup(watcher.close)
        watcher.send("org.mutuald.Broker.Monitor", {}, more=True)
        watcher.receive()
        program = self.live_channel()
        failures = []
        over = threading.Event()

        def reload_again_and_again(number):
            while not over.is_set():
                done = self.ctl("app1", "reload")
                if done.returncode != 0:
                    failures.append(done.stderr)

        threads = [threading.Thread(target=reload_again_and_again, args=(each,)) for each in range(2)]
        for thread in threads:
            thread.start()
        try:
            for round_ in range(6):
                limit = 100 + round_  # new grants and a new order for the same listener
                self.configure_whole("app1", offer(more=f"limits = {{ handshakes = {limit} }}"))
                for _ in range(3):
                    self.assertTrue(self.opens(), f"round {round_}")
        finally:
            over.set()
            for thread in threads:
                thread.join()
        self.assertEqual(failures, [])
        self.assertTrue(self.is_alive(program))
        decisions = set()
        while "admitted" not in decisions or "reloaded" not in decisions:
            decisions.add(watcher.receive()["parameters"].get("event", {}).get("decision"))

    def configure_whole(self, name, text):
        """So that no reader ever sees a part of the file."""
        self.configure(name, text, "next")
        folder = f"{self.world.host_folder(name)}/etc-mutuald"
        os.rename(f"{folder}/next", f"{folder}/mutuald.toml")

    def test_while_another_program_restarts(self):
        for part in ("mutuald-keys", "mutuald-plugin"):
            before = self.pids("app1")
            os.kill(before[part], signal.SIGKILL)
            self.configure("app1", offer(port=7004 if part == "mutuald-keys" else ledger.PORT))
            self.reloaded()
            eventually(lambda: self.offered(), 20, f"ledger, offered, after the end of {part}")
            self.assertNotEqual(self.pids("app1")[part], before[part])
        self.assertTrue(self.opens())

    def test_by_a_signal(self):
        self.configure("app1", offer(port=7005))
        before = self.log("app1")
        os.kill(self.pids("app1")["mutuald"], signal.SIGHUP)
        eventually(lambda: self.listens(7005), 10, "the other port")
        self.assertIn("reloaded the configuration (asked by SIGHUP): ", self.log("app1")[len(before):])
        self.configure("app1", self.server)
        self.launcher["app1"].send_signal(signal.SIGHUP)
        eventually(lambda: self.listens(ledger.PORT), 10, "the first port, by the launcher")

    # What belongs to it

    def test_cat_config_shows_every_file_in_order(self):
        self.configure("client1", "# a drop-in\n[daemon]\nnegative_cache = \"1s\"\n", "mutuald.toml.d/10-x.toml")
        self.configure("client1", "", "mutuald.toml.d/20-y.toml")
        folder = f"{self.world.host_folder('client1')}/etc-mutuald/mutuald.toml.d"
        self.addCleanup(lambda: [os.unlink(f"{folder}/{name}") for name in os.listdir(folder)])
        done = self.ctl("client1", "cat-config", user="alice")
        self.assertEqual(done.returncode, 0, done.stderr)
        headers = [line for line in done.stdout.split("\n") if line.startswith("# /")]
        self.assertEqual(headers, [f"# {MAIN}", f"# {MAIN}.d/10-x.toml", f"# {MAIN}.d/20-y.toml (empty: a mask)"])
        self.assertIn("# a drop-in\n", done.stdout)
        whole = json.loads(self.ctl("client1", "cat-config", "--json", user="alice").stdout)
        self.assertEqual(whole["daemon"]["negative_cache"], "1s")
        self.assertIn("direct", whole["service"])


if __name__ == "__main__":
    main()
