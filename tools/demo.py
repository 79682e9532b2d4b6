# SPDX-License-Identifier: Apache-2.0
"""Shows two channels and four refusals on real parts: a KDC, a directory, three hosts, in private namespaces.

Builds what is not built yet; tools/demo installs by apt what is missing. Needs root. Without --keep nothing is left behind.
"""
import argparse
import glob
import os
import re
import shutil
import subprocess
import sys
import textwrap
import time

TREE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, f"{TREE}/tests/realm")

import directory  # noqa: E402, found through the path above
import host  # noqa: E402
import kerberos  # noqa: E402
import ledger  # noqa: E402
import step  # noqa: E402
import world as realm  # noqa: E402
from programs import Programs, eventually  # noqa: E402

DENIED, NOT_AUTHENTICATED = 5, 6
FOLDER = f"{TREE}/build/demo"
# A program of ONC RPC, for whose port rpcbind on the host is asked (examples/rpc).
PAYROLL_SOCKET = "/run/payroll/payroll.sock"
PAYROLL = f"""
[service.payroll]
class = "ledger"
realm = "{host.REALM}"
host = "{host.full_name('app1')}"
[service.payroll.rpc]
program = 0x20000001
versions = [1]
"""
# Offered and asked for, but not served: for programs of yours (docs/programmer.md).
PRACTICE = "practice"
OFFERED = PAYROLL + f"""
[service.payroll.accept]
spns = ["ledger/{host.full_name('app1')}"]
keytab = "/etc/mutuald/keytabs/ledger.keytab"
port = 7020
deliver = "unix"
socket = "{PAYROLL_SOCKET}"
socket_user = "ledger"
allow = {{ principals = ["alice@{host.REALM}"] }}
[service.{PRACTICE}]
class = "ledger"
realm = "{host.REALM}"
[service.{PRACTICE}.accept]
spns = ["ledger/{host.full_name('app1')}"]
keytab = "/etc/mutuald/keytabs/ledger.keytab"
port = 7010
deliver = "accept"
accept_users = ["ledger"]
allow = {{ principals = ["alice@{host.REALM}"] }}
"""
ASKED_FOR = PAYROLL + f"""
[plugin.static.options]
instances = [{{ class = "ledger", host = "{host.full_name('app1')}", port = 7010 }}]
[service.{PRACTICE}]
class = "ledger"
realm = "{host.REALM}"
discovery = ["static"]
[[rule]]
name = "people-who-practise"
action = "allow"
users = ["alice"]
services = ["{PRACTICE}", "payroll"]
"""


class Surprise(Exception):
    """Something came out otherwise than the demo promises."""


def say(text):
    print("\n" + textwrap.fill(text, 100), flush=True)


def build(preset):
    folder = f"{TREE}/build/{preset}"
    if not os.path.exists(f"{folder}/build.ninja"):
        subprocess.run(["cmake", "--preset", preset], cwd=TREE, check=True, stdin=subprocess.DEVNULL)
    subprocess.run(["ninja", "--quiet", "-C", folder], check=True, stdin=subprocess.DEVNULL)
    return folder


def bring_up(folder):
    """The realm with mutuald on three hosts and the ledger on two of them: the true one, and the rogue's."""
    os.makedirs(os.path.dirname(FOLDER), exist_ok=True)
    world = realm.up(FOLDER, ["app1", "client1", "rogue"], folder)
    programs = Programs(world)
    programs.start_rpcbind("app1")
    start_payroll(programs)
    for name in ("app1", "rogue"):
        ledger.start_server(programs, name)
        programs.start_mutuald(name, ledger.server_config(name, more=OFFERED if name == "app1" else ""))
    programs.start_mutuald("client1", ledger.client_config(more=ASKED_FOR))
    for name in ("app1", "client1"):
        shutil.copytree(f"{TREE}/examples", world.inside(name, "/opt/examples"))  # the tree may be closed to users
    directory.publish(world, "ledger", "app1", ledger.PORT)
    directory.publish(world, "ledger", "rogue", ledger.PORT, as_host="rogue")
    for user in ("alice", "bob"):
        kerberos.kinit(world, "client1", user)
    return programs


def start_payroll(programs):
    """The example's server on app1, and its asking end on client1; the tree may be closed to their users."""
    for name, program in (("app1", "payroll_serve"), ("client1", "payroll_ask")):
        shutil.copy(f"{programs.world.build}/bin/{program}", programs.world.inside(name, f"/opt/{program}"))
    shutil.copy(os.path.realpath(f"{programs.world.build}/lib/libmutual.so.0"),
                programs.world.inside("client1", "/opt/libmutual.so.0"))
    folder = programs.world.inside("app1", os.path.dirname(PAYROLL_SOCKET))
    os.makedirs(folder, exist_ok=True)
    os.chown(folder, host.ACCOUNTS["ledger"], host.ACCOUNTS["ledger"])
    programs.start_on("app1", "/opt/payroll_serve", PAYROLL_SOCKET, user="ledger", log="payroll")
    eventually(lambda: os.path.exists(programs.world.inside("app1", PAYROLL_SOCKET)), what="the payroll, listening")


def the_calls(programs):
    say("alice's second program makes remote procedure calls, by stubs that rpcgen made. rpcbind on app1 knows the port "
        "of program 536870913; on the network each call is under RPCSEC_GSS, and the server is told who makes it.")
    scene(programs, "alice", ["find", "--rpc", "536870913:1"], 0, "rpcbind")
    print("\nalice@client1$ payroll_ask payroll bob", flush=True)
    done = programs.run_on("client1", "/opt/payroll_ask", "payroll", "bob", user="alice", env={"LD_LIBRARY_PATH": "/opt"})
    print(textwrap.indent((done.stdout + done.stderr).rstrip(), "  ") + f"\n  (status {done.returncode})", flush=True)
    if (done.returncode, done.stdout) != (0, f"alice@{host.REALM} asked: bob earns 3900\n"):
        raise Surprise("alice should be told what bob earns")


def scene(programs, user, words, status, pattern, typed=""):
    """Types a command as a user on client1, shows what it says, and checks that this is what was promised."""
    print(f"\n{user}@client1$ {f'echo {typed!r} | ' if typed else ''}mutualctl {' '.join(words)}", flush=True)
    done = programs.mutualctl("client1", *words, user=user, input=typed + "\n" if typed else "")
    print(textwrap.indent((done.stdout + done.stderr).rstrip(), "  ") + f"\n  (status {done.returncode})", flush=True)
    if done.returncode != status:
        raise Surprise(f"the status should be {status}")
    if not re.search(pattern, done.stdout + done.stderr):
        raise Surprise(f"nothing here says {pattern!r}")


def the_channel(programs):
    say("alice opens a channel to the ledger. Her program knows only the service's name.")
    scene(programs, "alice", ["open", "ledger", "--explain"], 0, "alice@MUTUAL.TEST says 'good morning'", "good morning")


def the_refusals(programs):
    say("Refusal 1: bob has a ticket, but no rule lets him open the ledger.")
    scene(programs, "bob", ["open", "ledger"], DENIED, "rule|polic", "good morning")

    say("Refusal 2: the server holds the wrong key. It cannot prove that it is the ledger, so it sees nothing.")
    good, wrong = (programs.world.keytab("app1", name) for name in ("ledger", "ledger-wrong-key"))
    swap(good, wrong)
    scene(programs, "alice", ["open", "ledger"], NOT_AUTHENTICATED, "ledger/app1.mutual.test", "good morning")
    swap(good, wrong)

    say("Refusal 3: carol is allowed, but has no ticket.")
    scene(programs, "carol", ["open", "ledger"], NOT_AUTHENTICATED, "kinit|ticket|credential", "good morning")

    say("Refusal 4: the host rogue is a member of the domain. It published a connection point with ledger's keyword "
        "below its own object, and holds a valid key for ledger/rogue.mutual.test. But not only administrators write "
        "there, so it is no reason to trust it.")
    scene(programs, "alice", ["open", "ledger", "--host", "rogue.mutual.test"], DENIED, "rogue", "good morning")


def swap(one, other):
    """Exchanges two files, each in one step, as a tool that rotates keys does."""
    shutil.copy2(one, one + ".old")
    os.chown(one + ".old", os.stat(one).st_uid, os.stat(one).st_gid)
    os.replace(other, one)
    os.replace(one + ".old", other)


def how_to_use():
    tool = os.path.relpath(f"{TREE}/tests/realm/realm")
    folder = os.path.relpath(FOLDER)
    print(f"""
The world is still up in {folder}. Try:
  {tool} run {folder} client1 --user alice -- mutualctl plan ledger
  {tool} run {folder} client1 --user alice -- mutualctl open ledger
  {tool} run {folder} client1                 (a shell of root's on client1)
a program of yours or of /opt/examples, at both ends of a service that is there for that:
  {tool} run {folder} app1 --user ledger -- /opt/examples/serve.py {PRACTICE}
  {tool} run {folder} client1 --user alice -- /opt/examples/ask.py {PRACTICE} 'how much?'
  {tool} status {folder}
The configuration is in {folder}/hosts/*/etc-mutuald, the logs are beside it. End it with:
  {tool} down {folder}""")


def show_logs():
    for path in sorted(glob.glob(f"{FOLDER}/hosts/*/*.log")):
        print(f"{path}:\n{step.tail(path, 30)}", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(prog="tools/demo", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", action="store_true", help="leave the world up, and say how to use it")
    parser.add_argument("--build", default="release", metavar="PRESET", help="what to build and show (default release)")
    options = parser.parse_args()
    keep = False
    try:
        folder = build(options.build)
        begun = time.monotonic()
        programs = bring_up(folder)
        print(f"the realm and three mutuald are up after {time.monotonic() - begun:.1f} s", flush=True)
        the_channel(programs)
        the_calls(programs)
        the_refusals(programs)
        print(f"\ntwo channels and four refusals, as promised, in {time.monotonic() - begun:.1f} s", flush=True)
        keep = options.keep
        return 0
    except (Surprise, AssertionError, RuntimeError, OSError, step.Failed, subprocess.SubprocessError) as error:
        print(f"\ndemo: {error}", file=sys.stderr)
        show_logs()
        return 1
    finally:
        if keep:
            how_to_use()
        else:
            realm.down(FOLDER)


if __name__ == "__main__":
    sys.exit(main())
