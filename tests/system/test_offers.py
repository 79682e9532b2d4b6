# SPDX-License-Identifier: Apache-2.0
"""What another configuration offers, after a restart of the broker alone: mutuald-channel and its channels live on."""
import os
import signal

import host
import ledger
from chain import DIRECT, Chain
from harness import eventually, main

SPN = f"ledger/{host.full_name('app1')}"


def offer(name, port, address="::"):
    return f"""
[service.{name}]
realm = "{host.REALM}"
[service.{name}.accept]
spns = ["{SPN}"]
keytab = "/etc/mutuald/keytabs/ledger.keytab"
address = "{address}"
port = {port}
deliver = "unix"
socket = "{ledger.SOCKET}"
socket_user = "ledger"
allow = {{ principals = ["alice@{host.REALM}"] }}
"""


class Offers(Chain):
    client = ledger.client_config(more=DIRECT)
    server = offer("ledger", ledger.PORT) + offer("other", 7001)

    def restart_broker(self, text):
        """The configuration is read at the start; only the broker is started anew."""
        before = self.pids("app1")
        self.configure("app1", text)
        os.kill(before["mutuald"], signal.SIGKILL)
        eventually(lambda: not os.path.exists(f"/proc/{before['mutuald']}"), what="the broker's end")
        after = self.pids("app1")
        self.assertNotEqual(after["mutuald"], before["mutuald"])
        self.assertEqual(after["mutuald-channel"], before["mutuald-channel"])

    def listens(self, port):
        return f":{port}" in self.must("app1", "ss", "-tlnH")

    def test_what_is_renamed_moved_or_taken_out_is_withdrawn_and_live_channels_stay(self):
        self.kinit("client1", "alice")
        program = self.live_channel()
        self.assertTrue(self.listens(7001))
        # Renamed, on an address within the old one; the other one is gone.
        self.restart_broker(offer("renamed", ledger.PORT, host.ADDRESSES["app1"]))
        eventually(lambda: self.offered("renamed"), 15, "the renamed service")
        self.assertFalse(self.listens(7001))
        self.assertIn("does not offer 'other' any more", self.log("app1"))
        eventually(self.opens, 10, "a channel to the renamed service")
        # Two that exchange their ports.
        self.restart_broker(offer("renamed", 7001) + offer("second", ledger.PORT))
        eventually(lambda: self.offered("renamed") and self.offered("second"), 15, "both services")
        self.restart_broker(offer("renamed", ledger.PORT) + offer("second", 7001))
        eventually(lambda: self.offered("renamed") and self.offered("second"), 15, "both, exchanged")
        self.assertIn("renamed", self.rule_of_new_channel())
        program.sendall(b"still here\n")
        self.assertIn(b"still here", program.recv(4096))

    def rule_of_new_channel(self):
        self.opened()
        return [line for line in self.log("app1").splitlines() if "decision=admitted" in line][-1]

    def test_where_nothing_is_offered_any_more_nobody_listens(self):
        self.restart_broker("[daemon]\n")
        eventually(lambda: not self.listens(ledger.PORT) and not self.listens(7001), 10, "closed ports")
        self.restart_broker(self.server)
        eventually(lambda: self.offered() and self.offered("other"), 15, "both again")


if __name__ == "__main__":
    main()
