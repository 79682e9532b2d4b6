# SPDX-License-Identifier: Apache-2.0
"""What stands around mutuald in the container: a KDC on loopback, users, two server programs; and hands to reach it all.

The units of the KDC and of the servers are ordinary ones, so everything here runs as on an administrator's host.
"""
import collections
import contextlib
import json
import os
import pwd
import shutil
import socket
import subprocess

import stream
from programs import SOCKET, Varlink, eventually

HERE = os.path.dirname(os.path.abspath(__file__))
REALM, HOST = "EXAMPLE.ORG", "app1.example.org"
ALICE = f"alice@{REALM}"
KRB5_CONF = f"""[libdefaults]
    default_realm = {REALM}
    dns_lookup_realm = false
    dns_lookup_kdc = false
    dns_canonicalize_hostname = false
    rdns = false
    default_ccache_name = FILE:/tmp/krb5cc_%{{uid}}
[realms]
    {REALM} = {{
        kdc = 127.0.0.1
    }}
"""
KDC_CONF = f"""[realms]
    {REALM} = {{
        database_name = /var/lib/krb5kdc/test
        key_stash_file = /etc/krb5kdc/test.stash
        max_life = 10h
    }}
"""
SERVER_UNIT = """[Service]
User=ledger
RuntimeDirectory={name}
ExecStart=/usr/bin/python3 -B {here}/{program} /run/{name}/{name}.sock
"""
# Sends back every octet; its service has no header before them.
ECHO = """import os, socketserver, sys
class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(65536):
            self.request.sendall(data)
class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
with Server(sys.argv[1], Echo) as server:
    os.chmod(sys.argv[1], 0o666)
    server.serve_forever()
"""
SERVICE = """
[service.{name}]
class = "ledger"
realm = "EXAMPLE.ORG"
discovery = ["static"]
keywords = ["{name}"]
transport = "{transport}"
identity = "{identity}"
[service.{name}.accept]
spns = ["ledger/app1.example.org"]
keytab = "/etc/mutuald/ledger.keytab"
port = {port}
deliver = "unix"
header = "{header}"
socket = "/run/{server}/{server}.sock"
socket_user = "ledger"
[service.{name}.accept.allow]
principals = ["alice@EXAMPLE.ORG", "host/app1.example.org@EXAMPLE.ORG"]
"""
# name: port, server program, header, identity
SERVICES = {"ledger": (7000, "ledger", "proxy-v2", "caller"), "echo": (7001, "echo", "none", "caller"),
            "as-host": (7002, "ledger", "proxy-v2", "host"), "low": (443, "ledger", "proxy-v2", "caller"),
            "vault": (7010, "ledger", "proxy-v2", "caller")}
TRANSPORTS = {"vault": "framed"}  # of those that have another than the built-in one
offered = ["ledger", "echo", "as-host"]


def _definition(name):
    port, server, header, identity = SERVICES[name]
    return SERVICE.format(name=name, port=port, server=server, header=header, identity=identity, transport=_transport(name))


def _transport(name):
    return TRANSPORTS.get(name, "sockets")


def _rule(names):
    """Everybody may open these."""
    return (f'[[rule]]\nname = "everyone-{names[0]}"\naction = "allow"\nusers = ["*"]\n'
            f'services = {json.dumps(names)}\n')


def configuration():
    """The main file: the services of high ports, and a rule that lets everybody open them."""
    instances = "".join(f'{{ class = "ledger", host = "{HOST}", port = {port}, keywords = ["{name}"], '
                        f'transport = "{_transport(name)}" }},\n'
                        for name, (port, *_) in SERVICES.items())
    return f"[plugin.static.options]\ninstances = [\n{instances}]\n{''.join(map(_definition, offered))}\n{_rule(offered)}"


def service_at_a_low_port():
    """A drop-in: a service that cannot be offered without a socket of systemd's."""
    return _definition("low") + _rule(["low"])


def service_over_a_strangers_transport():
    """A drop-in: a transport plugin that did not come with the packages, and a service over it."""
    return ('[plugin.framed]\nkind = "transport"\npath = "/usr/local/lib/mutuald/framed.so"\n'
            + _definition("vault") + _rule(["vault"]))


def service_of_a_unit():
    """A drop-in: alice may open it in units of this name only."""
    return """
[service.batch]
class = "ledger"
realm = "EXAMPLE.ORG"
discovery = ["static"]
keywords = ["ledger"]
[[rule]]
name = "batch"
action = "allow"
users = ["alice"]
units = ["batch@*.service"]
services = ["batch"]
"""


def run(*command, input="", bound=30):
    """Runs a command to its end; returns it with returncode, stdout and stderr, whatever the status."""
    print("+", *command, flush=True)
    done = subprocess.run(command, input=input, text=True, capture_output=True, timeout=bound)
    print(done.stdout + done.stderr, end="", flush=True)
    return done


def must(*command, **options):
    done = run(*command, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def as_alice(*command, **options):
    return run("setpriv", "--reuid=alice", "--regid=alice", "--init-groups", *command, **options)


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, mode)


def unit(name, what):
    """A property of a unit, as `systemctl show` has it."""
    return must("systemctl", "show", "--value", f"--property={what}", name).strip()


def is_active(name):
    return unit(name, "ActiveState") == "active"


def pid_of(name):
    return int(unit(name, "MainPID"))


def build_realm():
    """The KDC with its principals, and the users; before any of mutuald's."""
    write("/etc/krb5.conf", KRB5_CONF)
    write("/etc/krb5kdc/kdc.conf", KDC_CONF)
    write("/etc/hosts", f"127.0.0.1 localhost {HOST}\n")
    must("kdb5_util", "create", "-s", "-r", REALM, "-P", "master")
    lines = ["addprinc -pw secret alice", f"addprinc -randkey ledger/{HOST}", f"addprinc -randkey host/{HOST}"]
    must("kadmin.local", "-r", REALM, input="\n".join(lines) + "\n")
    must("systemctl", "start", "krb5-kdc.service")
    must("useradd", "--create-home", "--uid", "1001", "alice")
    must("useradd", "--system", "ledger")


def export_key(principal, keytab, group, mode):
    must("kadmin.local", "-r", REALM, "ktadd", "-norandkey", "-k", keytab, principal)
    shutil.chown(keytab, "root", group)
    os.chmod(keytab, mode)


def start_servers():
    write(f"{HERE}/echo_server.py", ECHO)
    for name in ("ledger", "echo"):
        write(f"/etc/systemd/system/{name}.service",
              SERVER_UNIT.format(name=name, here=HERE, program=f"{name}_server.py"))
    must("systemctl", "daemon-reload")
    must("systemctl", "start", "ledger.service", "echo.service")
    for name in ("ledger", "echo"):
        eventually(lambda name=name: _listens(f"/run/{name}/{name}.sock"), 10, f"the server program {name}, listening")


def _listens(path):
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
        probe.connect(path)
        return True


def kinit(cache):
    done = as_alice("kinit", "-c", cache, "alice", input="secret\n")
    assert done.returncode == 0, done.stderr


def open_ledger(service="ledger", cache=None, user=as_alice):
    """Opens a channel by mutualctl and has the server program answer over it; returns what it said."""
    words = ["mutualctl", "open", service, *(["--cache", cache] if cache else [])]
    done = user(*words, input="hello\n")
    assert done.returncode == 0, done.stderr
    return done.stdout


def ask(method, user="alice", **parameters):
    """A call of the broker as the user; returns the reply's parameters and the descriptors that came with it."""
    account = pwd.getpwnam(user)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connected:
        os.setegid(account.pw_gid)
        os.seteuid(account.pw_uid)  # whom the kernel names to the other side
        try:
            connected.connect(SOCKET)
        finally:
            os.seteuid(0)
            os.setegid(0)
        link = Varlink(connected)
        reply = link.call(f"org.mutuald.Broker.{method}", parameters)
    assert reply and "error" not in reply, reply
    return reply["parameters"], link.fds


def parts():
    """The parts that the broker knows: name to state."""
    reply, _ = ask("Status", user="root")
    return {part["name"]: part["state"] for part in reply["parts"]}


def all_is_well():
    with contextlib.suppress(OSError, AssertionError):
        states = parts()
        return (all(states.get(f"service {name}") == "listening" for name in offered)
                and set(states.values()) <= {"running", "ready", "listening"})


class Stream(stream.Stream):
    """A channel of alice's to the echo service."""

    def __init__(self):
        reply, descriptors = ask("Open", request={"service": "echo"})
        self.channel = reply["channel"]
        super().__init__(descriptors[0], block=16384, pace=0.001)

    def finish(self):
        """Ends the stream; every octet must have come back, and the end must have been authenticated."""
        whole = super().finish()
        assert whole and self.octets > 0, f"{self.octets} octets came back, not all (error: {self.error})"
        told, _ = ask("WhoIs", channel=self.channel)
        assert told["channel"]["verdict"] == "authenticated", json.dumps(told)


    def dies(self):
        """Waits for the end that a channel has whose mutuald-channel is gone: at once, and not authenticated."""
        assert self.ends(), "the program has not seen the end"
        assert not super().finish(), "all octets came back, as if it had been an authenticated end"


Process = collections.namedtuple("Process", "pid program capabilities")


def processes_of(users):
    """The processes that belong to these users; `capabilities` are the values of the inheritable to the ambient set."""
    uids = {pwd.getpwnam(user).pw_uid for user in users}
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/status") as status, open(f"/proc/{pid}/cmdline") as words:
                facts = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
                program = os.path.basename(words.read().split("\0")[0])
            if int(facts["Uid"].split()[1]) in uids:
                sets = {int(facts[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")}
                found.append(Process(int(pid), program, sets))
    return found
