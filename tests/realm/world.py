# SPDX-License-Identifier: Apache-2.0
"""A realm as a whole: one folder, its hosts, its KDC and directory; brought up in seconds, taken down by pid.

All that a realm is lies in its folder and in its namespaces; `realm.json` in the folder remembers the rest
(which hosts, whose pids, which options), so that any process can work with a realm that another brought up.
"""
import hashlib
import json
import os
import shutil
import signal
import time

import directory
import host
import kerberos
import namespaces
import network
import step

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DEFAULT_HOSTS = ["app1", "client1"]
OPTIONS = {"ldaps": False, "kadmind": False, "max_life": "24h", "clockskew": 300}


class World:
    def __init__(self, folder, build=None):
        self.folder = os.path.realpath(folder)
        self.tree = TREE
        self.mark = "realm-" + hashlib.sha256(self.folder.encode()).hexdigest()[:16]
        self.build = os.path.realpath(build or os.environ.get("MUTUAL_BUILD") or f"{TREE}/build/dev")
        self.hosts = []
        self.pids = {}
        self.options = dict(OPTIONS)

    @property
    def krb5_conf(self):
        return kerberos.krb5_conf(self.options["clockskew"])

    def host_folder(self, name):
        return f"{self.folder}/hosts/{name}"

    def keytab(self, name, file):
        return f"{self.host_folder(name)}/etc-mutuald/keytabs/{file}.keytab"

    def inside(self, name, path):
        """A path of the host's, as seen from outside by root."""
        return f"/proc/{self.pids[name]}/root{path}"

    def write_etc(self, name, file, data, mode=0o644, gid=0):
        path = self.inside(name, f"/etc/{file}")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as target:
            os.fchmod(target.fileno(), mode)
            os.fchown(target.fileno(), 0, gid)
            target.write(data)

    def environment(self, user="root", extra=None):
        """The environment of a program on a host: nothing of ours leaks into it but sanitizer options."""
        kept = {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS") or name == "TERM"}
        home = "/root" if user == "root" else f"/home/{user}"
        path = f"{host.BUILD}/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return {**kept, "PATH": path, "HOME": home, "USER": user, "LC_ALL": "C.UTF-8", **(extra or {})}

    def command(self, name, user, command):
        """The command as one that runs inside the host as the user; it execs, so the pid is the program's own."""
        if name not in self.hosts:
            raise step.Failed(f"no host {name} in this realm (there are: {', '.join(self.hosts)})")
        become = []
        if user != "root":
            become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--"]
        return [*namespaces.nsenter(self.pids[name]), *become, *command]

    def save(self):
        state = {"mark": self.mark, "hosts": self.hosts, "pids": self.pids, "options": self.options,
                 "build": self.build}
        temporary = f"{self.folder}/realm.json.new"
        with open(temporary, "w") as file:
            json.dump(state, file, indent=1)
        os.rename(temporary, f"{self.folder}/realm.json")


def load(folder):
    """The realm that lies in the folder."""
    world = World(folder)
    try:
        with open(f"{world.folder}/realm.json") as file:
            state = json.load(file)
    except OSError as error:
        raise step.Failed(f"there is no realm in {folder}: {error}") from error
    world.hosts, world.pids, world.build = state["hosts"], state["pids"], state["build"]
    world.options = {**OPTIONS, **state["options"]}
    return world


def up(folder, hosts=None, build=None, **options):
    """Brings a realm up in the folder; what an earlier one left there is cleaned first."""
    if os.geteuid() != 0:
        raise step.Failed("bring the realm up: it needs root, for namespaces and mounts")
    down(folder)
    world = World(folder, build)
    world.hosts = ["dc", *[name for name in (hosts or DEFAULT_HOSTS) if name != "dc"]]
    unknown = [name for name in world.hosts if name not in host.ADDRESSES]
    if unknown:
        raise step.Failed(f"unknown hosts {unknown} (there are: {', '.join(host.ADDRESSES)})")
    world.options.update(options)
    try:
        _build_up(world)
    except BaseException:
        namespaces.end_all(world.mark)
        raise
    return world


def _build_up(world):
    for part in ("kdc", "ldap/db", "ca", *[f"hosts/{name}/etc-mutuald/keytabs" for name in world.hosts]):
        os.makedirs(f"{world.folder}/{part}")
    os.chmod(world.folder, 0o755)
    world.save()
    world.pids["switch"] = namespaces.hold(f"{world.mark} switch", lambda: namespaces.tmpfs(world.mark, "/mnt"))
    for name in world.hosts:
        world.pids[name] = namespaces.hold(f"{world.mark} {name}", lambda name=name: host.prepare(world, name))
    network.connect(world)
    kerberos.create(world)
    directory.create(world)
    kerberos.start(world)
    directory.start(world)
    if world.options["kadmind"]:
        kerberos.start_kadmind(world)
    world.save()


def down(folder):
    """Ends every process of the realm in the folder, then removes the folder. Nothing there is fine, too."""
    world = World(folder)
    namespaces.end_all(world.mark)
    if not os.path.exists(world.folder):
        return
    if os.path.exists(f"{world.folder}/realm.json"):
        shutil.rmtree(world.folder)
    elif os.listdir(world.folder):
        raise step.Failed(f"{world.folder} is neither empty nor a realm: not touched")


SERVICES = {"kdc": kerberos.start, "slapd": directory.start, "kadmind": kerberos.start_kadmind}


def stop_service(world, name):
    """Kills the KDC or the directory; what is connected sees a reset, what connects is refused."""
    _signal(world, name, signal.SIGKILL)
    pid = world.pids.pop(name)
    deadline = time.monotonic() + 5
    while pid in namespaces.processes_of(world.mark):
        if time.monotonic() > deadline:
            raise step.Failed(f"stop {name}: pid {pid} does not end")
        time.sleep(0.002)
    world.save()


def start_service(world, name):
    SERVICES[name](world)
    world.save()


def freeze(world, name):
    """Stops the program with SIGSTOP: the kernel still accepts connections, nobody answers."""
    _signal(world, name, signal.SIGSTOP)


def thaw(world, name):
    _signal(world, name, signal.SIGCONT)


def _signal(world, name, number):
    if name not in world.pids or name not in SERVICES:
        raise step.Failed(f"{name} does not run here (running: {[each for each in SERVICES if each in world.pids]})")
    os.kill(world.pids[name], number)
