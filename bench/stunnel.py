# SPDX-License-Identifier: Apache-2.0
"""Pairs of stunnels between client1 and app1, the peers that channels are compared with.

Both ends show a certificate of one CA and verify the other's (RSA 2048, TLS 1.3); everything else is as stunnel has it
by default, threads and buffers included. One pair resumes sessions, as is its default too: then only the first
connection shows and verifies certificates. The other one is told not to, so that each end proves itself each time. A
program at client1 connects to a Unix socket, the server at app1 listens on one, as with a channel.
"""
import contextlib
import os
import shutil
import subprocess

import host
from programs import eventually

PORTS = {"resuming": 7998, "verifying": 7997}
SOCKETS = "/run/stunnel"
FOLDER = "/opt/stunnel"


def accepts_on(kind):
    """Where a program at client1 connects to."""
    return f"{SOCKETS}/{kind}.sock"


def start(programs, server_socket):
    """Starts a pair of each kind; returns their processes: kind to where to process."""
    folder = f"{programs.world.folder}/stunnel"
    make_certificates(folder)
    os.makedirs(programs.world.inside("client1", SOCKETS), exist_ok=True)
    return {kind: start_pair(programs, folder, kind, server_socket) for kind in PORTS}


def start_pair(programs, folder, kind, server_socket):
    address = f"{host.ADDRESSES['app1']}:{PORTS[kind]}"
    server = {"client": "no", "accept": address, "connect": server_socket}
    client = {"client": "yes", "accept": accepts_on(kind), "connect": address, "checkHost": "server.bench"}
    processes = {"app1": start_end(programs, "app1", folder, kind, "server", server),
                 "client1": start_end(programs, "client1", folder, kind, "client", client)}
    path = programs.world.inside("client1", accepts_on(kind))
    eventually(lambda: os.path.exists(path), what="the client's stunnel, listening")
    os.chmod(path, 0o666)
    return processes


def start_end(programs, name, folder, kind, certificate, options):
    inside = f"{FOLDER}/{kind}"
    where = programs.world.inside(name, inside)
    os.makedirs(where)
    for file in ("ca.pem", f"{certificate}.pem"):
        shutil.copy(f"{folder}/{file}", where)
    options = {**options, "cert": f"{inside}/{certificate}.pem", "CAfile": f"{inside}/ca.pem", "verifyChain": "yes",
               "sessionResume": "yes" if kind == "resuming" else "no"}
    with open(f"{where}/stunnel.conf", "w") as file:
        file.write("foreground = yes\npid =\nsyslog = no\n[bench]\n")
        file.writelines(f"{key} = {value}\n" for key, value in options.items())
    return programs.start_on(name, "/usr/bin/stunnel", f"{inside}/stunnel.conf", log=f"stunnel-{kind}")


def make_certificates(folder):
    """A CA, and a file with key and certificate for each end."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)
    os.makedirs(folder, 0o700)

    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
            "-subj", "/CN=bench CA", "-addext", "basicConstraints=critical,CA:TRUE")
    for name in ("server", "client"):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr",
                "-subj", f"/CN={name}.bench")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", "2", "-out", f"{name}.crt")
        with open(f"{folder}/{name}.pem", "w") as both:
            for part in ("key", "crt"):
                with open(f"{folder}/{name}.{part}") as file:
                    both.write(file.read())
        os.chmod(f"{folder}/{name}.pem", 0o600)
