# SPDX-License-Identifier: Apache-2.0
"""Discovery plugins that misbehave: each gives one clear error, and the others go on."""
import os
import shutil

import host
import ledger
from chain import DIRECT, Chain
from harness import build_folder, eventually, main

PLUGINS = "/usr/local/lib/strange"
WILD = ["crash", "leave", "hang", "throw", "throw-number", "fail", "nonsense", "close"]
STARTS = {"aborts": "crash", "sleeps": "hang", "sulks": "unavailable"}
BROKEN = ["throws", "no_symbol", "wrong_contract", "wrong_magic", "unresolved", "writable", "missing"]


def section(name, file, options=""):
    return f"""[plugin.{name}]
kind = "discovery"
path = "{PLUGINS}/{file}.so"
timeout = "3s"
{options}
[service.by-{name}]
class = "{name}"
realm = "{host.REALM}"
discovery = ["{name}"]
trust = {{ hosts = [".{host.DOMAIN}"] }}
"""


class Plugins(Chain):
    """The wild plugin does what the class of the service says."""
    client = (ledger.client_config(more=DIRECT) + section("wild", "wild")
              + "".join(section(each, each) for each in BROKEN)
              + "".join(f'[service.{each}]\nrealm = "{host.REALM}"\ndiscovery = ["wild", "static"]\n' for each in WILD)
              + "".join(section(name, "wild", f'options = {{ at_start = "{how}" }}') for name, how in STARTS.items()))

    @classmethod
    def before_start(cls):
        """Installs the plugins as their own strange selves."""
        folder = cls.world.inside("client1", PLUGINS)
        os.makedirs(folder)
        built = build_folder()
        shutil.copy(f"{built}/tests/plugins/wild.so", folder)
        for name in BROKEN[:-2]:
            shutil.copy(f"{built}/daemon/unit/broken/{name}.so", folder)
        shutil.copy(f"{built}/tests/plugins/wild.so", f"{folder}/writable.so")
        os.chmod(f"{folder}/writable.so", 0o666)

    def setUp(self):
        self.kinit("client1", "alice")

    def ready(self):
        """Waits until the wild plugin is tried again after what it did last."""
        eventually(lambda: self.parts()["plugin wild"]["state"] == "ready", 10, "the wild plugin, ready")

    def fails(self, service, code, message, hint="^$|tried again|log of mutuald-plugin"):
        """One refusal at stage discovery; after it another service opens, by the same plugin program."""
        self.ready()
        told = self.refused(self.request(service), code, "discovery", message, hint)
        plugin = self.parts()["mutuald-plugin"]["pid"]
        self.opened("direct")
        self.assertEqual(self.parts()["mutuald-plugin"]["pid"], plugin)
        return told

    def shown(self, name, state, message):
        """Asserts what Status tells about a plugin."""
        part = self.parts()[f"plugin {name}"]
        self.assertRegex(part["state"], state, part)
        self.assertRegex(part["detail"], message)

    def test_a_crash_costs_one_request_and_what_was_found_before_it_counts(self):
        self.ready()
        reply = self.request("crash", method="Find")
        self.explained(reply, "plugin 'wild': plugin wild: its process .*signal 11.* while it searched")
        self.assertEqual([each["host"] for each in reply["parameters"]["candidates"]], ["one.test"])
        self.shown("wild", "backoff|ready", "wild.so")
        self.opened("direct")

    def test_a_plugin_that_leaves_costs_one_request(self):
        self.fails("leave", "PluginFailed", "plugin wild: its process .*7.* while it searched")

    def test_a_hanging_plugin_costs_its_own_time_and_is_killed(self):
        self.ready()
        with self.within(10):
            reply = self.request("hang", method="Find")
        self.explained(reply, "plugin 'wild': plugin wild did not answer within the time; its process was killed")
        self.opened("direct")

    def explained(self, reply, message):
        """Asserts a line of the explanation: discovery failed so."""
        self.assertNotIn("error", reply)
        failed = [line["message"] for line in reply["parameters"]["explanation"]["lines"]
                  if (line["stage"], line["decision"]) == ("discovery", "failed")]
        self.assertEqual(len(failed), 1, failed)
        self.assertRegex(failed[0], message)

    def test_what_a_plugin_throws_is_told(self):
        self.fails("throw", "PluginFailed", "plugin wild threw: a wild thing")
        self.fails("throw-number", "PluginFailed", "plugin wild threw: something unknown")

    def test_what_a_plugin_refuses_is_told_with_its_hint(self):
        self.fails("fail", "DiscoveryFailed", "ask the directory: it said no", "ask again")

    def test_a_plugin_that_speaks_nonsense_or_not_at_all_is_killed(self):
        self.fails("nonsense", "PluginFailed", "plugin wild: its process broke the protocol")
        self.fails("close", "PluginFailed", "plugin wild: its process")

    def test_a_plugin_that_cannot_be_used_is_named_with_the_reason(self):
        for name, why, hint in (("no_symbol", "it has no symbol mutual_plugin", "plugin of mutuald"),
                                ("wrong_contract", "it was built for contract version", "this version's headers"),
                                ("wrong_magic", "wrong magic number", None),
                                ("throws", "it is a transport plugin, not a discovery plugin", None),
                                ("unresolved", "undefined symbol", None),
                                ("writable", r"writable by others \(mode 0666\)", f"chmod go-w {PLUGINS}/writable.so"),
                                ("missing", "No such file", "install the plugin")):
            with self.subTest(name):
                self.fails(f"by-{name}", "InvalidConfiguration", f"{PLUGINS}/{name}.so: .*{why}", hint or "^$|tried again")
                self.shown(name, "failed", why)

    def test_a_plugin_that_fails_while_it_is_loaded_is_named_with_the_reason(self):
        self.fails("by-aborts", "PluginFailed", "plugin aborts: its process .*signal 6.* while it was being loaded")
        self.fails("by-sulks", "Unavailable", "start wild: not today")
        with self.within(10):
            self.fails("by-sleeps", "TimedOut", "plugin sleeps did not answer", "raise plugin.sleeps.timeout")
        self.shown("aborts", "failed", "signal 6")


if __name__ == "__main__":
    main()
