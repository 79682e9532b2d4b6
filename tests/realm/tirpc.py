# SPDX-License-Identifier: Apache-2.0
"""libtirpc's ends of ONC RPC on the hosts of a realm: tests/interop says what they are."""
import json
import os

import host
from programs import eventually

PROGRAM, VERSION = 0x20000002, 1
PORT = 7100
SERVICES = {"krb5": ("none", 1), "krb5i": ("integrity", 2), "krb5p": ("privacy", 3)}  # RPCSEC_GSS's words for them
SIZES = [0, 1, 3, 4, 127, 4096, 8192, 16383, 32768, 60_000]


def start_gss_server(programs, name, principal, keytab="ledger", port=PORT):
    """Serves under RPCSEC_GSS on the host's address."""
    words = (PROGRAM, VERSION, "gss", f"{principal}@{host.REALM}", host.ADDRESSES[name], port)
    return _start(programs, name, words, "root", {"KRB5_KTNAME": f"FILE:/etc/mutuald/keytabs/{keytab}.keytab"})


def start_plain_server(programs, name, path, user="ledger"):
    """Serves under any other flavor on a Unix socket, in a folder that is the user's."""
    folder = programs.world.inside(name, os.path.dirname(path))
    os.makedirs(folder, exist_ok=True)
    os.chown(folder, host.ACCOUNTS[user], host.ACCOUNTS[user])
    return _start(programs, name, (PROGRAM, VERSION, "plain", path), user, {})


def _start(programs, name, words, user, env):
    log = f"tirpc-{words[2]}"
    path = f"{programs.world.host_folder(name)}/{log}.log"
    before = os.path.getsize(path) if os.path.exists(path) else 0
    process = programs.start_on(name, f"{host.BUILD}/bin/tirpc_server", *words, user=user, env=env, log=log)

    def listens():
        if process.poll() is not None:
            raise AssertionError(f"tirpc_server on {name} ended with {process.returncode}")
        with open(path) as file:
            file.seek(before)
            return "listening on" in file.read()
    eventually(listens, what=f"tirpc_server on {name}, listening")
    return process


def client_command(where, security, *verb, program=PROGRAM, version=VERSION):
    return [f"{host.BUILD}/bin/tirpc_client", where, program, version, security, *verb]


def results(output):
    """What tirpc_client shows, line by line."""
    return [json.loads(line) for line in output.splitlines()]
