# SPDX-License-Identifier: Apache-2.0
"""ONC RPC over channels beside libtirpc's own RPCSEC_GSS on the same two hosts, both with krb5p.

Ours is a program on a channel's descriptor that has many calls in flight; libtirpc has one.
"""
import json
import os
import shutil

import host
import tirpc
from programs import eventually

SERVICE = "rpc"
PORT = 7200
SOCKET = "/run/ledger/rpc.sock"
SPN = f"ledger/{host.full_name('app1')}"
SMALL, LARGE = 128, 32768
# Copies on each host: the tree may be closed to the users.
CLIENT, SERVER, RELAY = "/opt/rpc_client", "/opt/rpc_server", "/opt/relay"
RELAYED = "/run/relay.sock"
RELAY_PORT = 7555
# What, octets each way, calls in flight, how many in a round of ours and of libtirpc's.
KINDS = {"small": ("one call in flight, 128 octets", SMALL, 1, 10_000, 20_000),
         "many": ("64 calls in flight, 128 octets", SMALL, 64, 60_000, 20_000),
         "large": ("one call in flight, 32 KiB", LARGE, 1, 1_000, 1_000),
         "many_large": ("8 calls in flight, 32 KiB", LARGE, 8, 2_000, 1_000)}
AIMS = {"small": 0.5, "many": 2.5, "many_large": 1.2}  # of libtirpc's rate


def _definition():
    return f"""
[service.{SERVICE}]
class = "ledger"
realm = "{host.REALM}"
transport = "oncrpc"
discovery = ["static"]
[service.{SERVICE}.rpc]
program = {tirpc.PROGRAM}
versions = [{tirpc.VERSION}]
protection = "privacy"
"""


def server_config():
    return _definition() + f"""
[service.{SERVICE}.accept]
spns = ["{SPN}"]
keytab = "/etc/mutuald/keytabs/ledger.keytab"
port = {PORT}
deliver = "unix"
socket = "{SOCKET}"
socket_user = "ledger"
header = "none"
rpc = {{ register = false }}
[service.{SERVICE}.accept.allow]
principals = ["alice@{host.REALM}"]
[service.{SERVICE}.accept.limits]
connections = 20000
handshakes = 64
"""


def client_config():
    return f"""
[plugin.static.options]
instances = [{{ class = "ledger", host = "{host.full_name('app1')}", port = {PORT} }}]
""" + _definition() + f"""
[[rule]]
name = "rpc"
action = "allow"
users = ["alice"]
services = ["{SERVICE}"]
"""


def start_server(programs):
    """Ours, behind mutuald and behind two relays; the folder of its socket is there."""
    for name, program in (("app1", SERVER), ("client1", CLIENT), ("app1", RELAY), ("client1", RELAY)):
        shutil.copy(f"{programs.world.build}/bin/{os.path.basename(program)}", programs.world.inside(name, program))
    programs.start_on("app1", SERVER, SOCKET, user="ledger", log="rpc_server")
    eventually(lambda: os.path.exists(programs.world.inside("app1", SOCKET)), what="the RPC server, listening")
    between = f"{host.ADDRESSES['app1']}:{RELAY_PORT}"
    programs.start_on("app1", RELAY, between, SOCKET)
    programs.start_on("client1", RELAY, RELAYED, between)
    eventually(lambda: relayed(programs, 1, 0, 1), what="the relays, listening")


def ours(programs, calls, size, in_flight):
    done = programs.must("client1", f"{host.BUILD}/bin/mutualctl", "--quiet", "open", SERVICE, "--", CLIENT, calls, size,
                         in_flight, user="alice", timeout=300)
    return json.loads(done)["per_second"]


def relayed(programs, calls, size, in_flight):
    """Without mutuald and without Kerberos: the same programs behind as many that only carry octets; 0: not there."""
    done = programs.run_on("client1", CLIENT, calls, size, in_flight, RELAYED, user="alice", timeout=300)
    return json.loads(done.stdout)["per_second"] if done.returncode == 0 else 0


def theirs(programs, calls, size):
    command = tirpc.client_command(f"{host.ADDRESSES['app1']}:{tirpc.PORT}", f"krb5p={SPN}@{host.REALM}", "rate", calls, size)
    return json.loads(programs.must("client1", *command, user="alice", timeout=300))["per_second"]


def measure(programs, rounds, count, cpu):
    """Each kind's rates, ours and theirs in turn, and their ratio; what mutuald's programs use of the CPU for a call.

    The floor is what any two programs between client and server would reach that encrypt nothing."""
    tirpc.start_gss_server(programs, "app1", SPN)
    figures = {}
    for kind, (_, size, in_flight, calls, their_calls) in KINDS.items():
        before = cpu()
        figures[kind] = rounds(count, lambda: ours(programs, calls, size, in_flight), lambda: theirs(programs, their_calls, size))
        figures[kind]["cpu_us"] = (cpu() - before) / count / calls * 1e6
    _, size, in_flight, calls, their_calls = KINDS["small"]
    figures["floor"] = rounds(count, lambda: relayed(programs, calls, size, in_flight),
                              lambda: theirs(programs, their_calls, size))
    return figures


def rows(figures):
    """What, the two rates and their ratio, the ratio that is aimed at or nothing."""
    for kind, pair in figures.items():
        yield KINDS[kind][0] if kind in KINDS else "  (one through two bare relays, without Kerberos)", pair, AIMS.get(kind)
