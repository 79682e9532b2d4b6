# SPDX-License-Identifier: Apache-2.0
"""Shows one channel and four refusals on real parts: a KDC, a directory, three hosts, in private namespaces.

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
from programs import Programs  # noqa: E402

DENIED, NOT_AUTHENTICATED = 5, 6
FOLDER = f"{TREE}/build/demo"
# Offered and asked for, but not served: for programs of yours (docs/programmer.md).
PRACTICE = "practice"
OFFERED = f"""
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
ASKED_FOR = f"""
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
services = ["{PRACTICE}"]
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
        the_refusals(programs)
        print(f"\none channel and four refusals, as promised, in {time.monotonic() - begun:.1f} s", flush=True)
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
