# SPDX-License-Identifier: Apache-2.0
"""The example service `ledger`: its configuration at both ends, and its server program on a host.

The server is ordinary: it listens on a Unix socket, links no Kerberos and opens no network port.
"""
import contextlib
import os
import shutil
import socket

import directory
import host
from programs import eventually

PORT = 7000
SOCKET = "/run/ledger/ledger.sock"
PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ledger_server.py")


def client_config(users=("alice", "carol"), more=""):
    """Who may open ledger, where it is looked for, and why what is found there may be trusted."""
    allowed = ", ".join(f'"{user}"' for user in users)
    return f"""
[identity.search]
keytab = "/etc/mutuald/keytabs/mutual-search.keytab"
principal = "mutual-search@{host.REALM}"

[plugin.scp]
identity = "search"
[plugin.scp.options]
servers = ["ldap://{host.full_name('dc')}"]
global_catalog_port = 3268

[service.ledger]
description = "the example service"
realm = "{host.REALM}"
discovery = ["scp"]
keywords = ["{directory.LEDGER_KEYWORD}"]
base = "{directory.SUFFIX}"
[service.ledger.trust]
base = "{directory.SERVICES}"

[[rule]]
name = "people-of-the-ledger"
action = "allow"
users = [{allowed}]
services = ["ledger"]
{more}"""


def server_config(name="app1", principals=("alice", "carol"), port=PORT, more=""):
    """What a host offers: its SPN and key, who may connect, and where its server program listens."""
    allowed = ", ".join(f'"{principal}@{host.REALM}"' for principal in principals)
    return f"""
[service.ledger]
realm = "{host.REALM}"
[service.ledger.accept]
spns = ["ledger/{host.full_name(name)}"]
keytab = "/etc/mutuald/keytabs/ledger.keytab"
port = {port}
deliver = "unix"
socket = "{SOCKET}"
socket_user = "ledger"
[service.ledger.accept.allow]
principals = [{allowed}]
{more}"""


def start_server(programs, name):
    """Starts the server as its own user on a host and waits until it listens."""
    folder = programs.world.inside(name, os.path.dirname(SOCKET))
    os.makedirs(folder, exist_ok=True)
    uid = host.ACCOUNTS["ledger"]
    os.chown(folder, uid, uid)
    shutil.copy(PROGRAM, programs.world.inside(name, "/opt/ledger_server.py"))  # the tree may be closed to the user
    process = programs.start_on(name, "/usr/bin/python3", "-B", "/opt/ledger_server.py", SOCKET, user="ledger",
                                log="ledger")

    def listens():
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(programs.world.inside(name, SOCKET))
            return True
    eventually(listens, what=f"the ledger server on {name}, listening")
    return process
