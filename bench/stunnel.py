# SPDX-License-Identifier: Apache-2.0
"""A pair of stunnels between client1 and app1, the peer that channels are compared with.

Both ends show a certificate of one CA and verify the other's (RSA 2048, TLS 1.3); everything else is as stunnel has it
by default, resumption of sessions, threads and buffers included. A program at client1 connects to a Unix socket, the
server at app1 listens on one, as with a channel.
"""
import contextlib
import os
import shutil
import subprocess

import host
from programs import eventually

PORT = 7998
ACCEPT = "/run/stunnel/open.sock"
FOLDER = "/opt/stunnel"
SERVER = {"client": "no", "accept": f"{host.ADDRESSES['app1']}:{PORT}", "cert": "server"}
CLIENT = {"client": "yes", "accept": ACCEPT, "connect": f"{host.ADDRESSES['app1']}:{PORT}", "cert": "client",
          "checkHost": "server.bench"}


def start(programs, server_socket):
    """Starts both; returns their processes, where to process."""
    folder = f"{programs.world.folder}/stunnel"
    make_certificates(folder)
    os.makedirs(programs.world.inside("client1", os.path.dirname(ACCEPT)), exist_ok=True)
    processes = {"app1": start_end(programs, "app1", folder, {**SERVER, "connect": server_socket}),
                 "client1": start_end(programs, "client1", folder, CLIENT)}
    path = programs.world.inside("client1", ACCEPT)
    eventually(lambda: os.path.exists(path), what="the client's stunnel, listening")
    os.chmod(path, 0o666)
    return processes


def start_end(programs, name, folder, options):
    where = programs.world.inside(name, FOLDER)
    os.makedirs(where)
    for file in ("ca.pem", f"{options['cert']}.pem"):
        shutil.copy(f"{folder}/{file}", where)
    options = {**options, "cert": f"{FOLDER}/{options['cert']}.pem", "CAfile": f"{FOLDER}/ca.pem",
               "verifyChain": "yes"}
    with open(f"{where}/stunnel.conf", "w") as file:
        file.write("foreground = yes\npid =\nsyslog = no\n[bench]\n")
        file.writelines(f"{key} = {value}\n" for key, value in options.items())
    return programs.start_on(name, "/usr/bin/stunnel", f"{FOLDER}/stunnel.conf", log="stunnel")


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
