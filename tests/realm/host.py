# SPDX-License-Identifier: Apache-2.0
"""What one host of the realm looks like from inside: its accounts, its /etc, its own /run, /tmp, /var/tmp and /home."""
import fcntl
import os
import socket
import struct

import namespaces

REALM = "MUTUAL.TEST"
DOMAIN = "mutual.test"
ADDRESSES = {"dc": "10.77.0.1", "app1": "10.77.0.11", "app2": "10.77.0.12", "client1": "10.77.0.21",
             "client2": "10.77.0.22", "rogue": "10.77.0.66"}
USERS = {"alice": 1001, "bob": 1002, "carol": 1003}
ACCOUNTS = {"root": 0, "daemon": 1, "mutuald": 900, "mutuald-keys": 901, "mutuald-channel": 902,
            "mutuald-plugin": 903, "_rpc": 904, **USERS, "ledger": 2001, "nobody": 65534}
GROUPS = {**ACCOUNTS, "nogroup": 65534, "mutuald-admin": 910}
MEMBERS = {"mutuald-admin": ["carol"]}
BUILD = "/opt/mutuald"  # where a host sees the build folder
PLUGINS = "/usr/local/lib/mutuald"  # where it sees the build's plugins: as installed


def full_name(host):
    return f"{host}.{DOMAIN}"


def etc_files(hosts, host, krb5_conf):
    """The files laid over the host's /etc: name to text."""
    passwd = "".join(f"{name}:x:{uid}:{GROUPS[name]}::{'/root' if uid == 0 else '/home/' + name}:/bin/sh\n"
                     for name, uid in ACCOUNTS.items())
    group = "".join(f"{name}:x:{gid}:{','.join(MEMBERS.get(name, []))}\n" for name, gid in GROUPS.items())
    names = "".join(f"{ADDRESSES[each]} {full_name(each)} {each}\n" for each in hosts)
    return {"passwd": passwd, "group": group, "hosts": "127.0.0.1 localhost\n" + names, "krb5.conf": krb5_conf,
            "hostname": full_name(host) + "\n", "resolv.conf": f"search {DOMAIN}\nnameserver {ADDRESSES['dc']}\n",
            "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n",
            "ldap/ldap.conf": f"URI ldap://{full_name('dc')}\nBASE dc=mutual,dc=test\nSASL_NOCANON on\n"
                              "TLS_CACERT /etc/ssl/realm-ca.pem\n"}


def prepare(world, host):
    """Runs inside the host's new namespaces: everything a host sees that the machine does not."""
    # Outer folders first: one that lies in another is then there already.
    kept = _kept_visible(sorted([world.folder, world.tree, world.build], key=len))
    etc = etc_files(world.hosts, host, world.krb5_conf)
    _overlay(world.mark, "/etc", etc)
    _show(f"{world.host_folder(host)}/etc-mutuald", "/etc/mutuald")
    _overlay(world.mark, os.path.dirname(PLUGINS))
    _show(f"{world.build}/lib/mutuald", PLUGINS)
    for folder, mode in (("/run", "0755"), ("/tmp", "1777"), ("/var/tmp", "1777"), ("/home", "0755"), ("/opt", "0755")):
        namespaces.tmpfs(world.mark, folder, mode)
    for name, uid in {**USERS, "ledger": ACCOUNTS["ledger"]}.items():
        os.mkdir(f"/home/{name}", 0o700)
        os.chown(f"/home/{name}", uid, GROUPS[name])
    os.mkdir("/run/mutuald", 0o755)
    _show_again(kept)
    _show(world.build, BUILD)
    socket.sethostname(full_name(host))
    _loopback_up()


def _overlay(mark, folder, files=None):
    """Lays the files over a folder; the upper layer is memory, so it may be changed at will inside the host."""
    namespaces.tmpfs(mark, "/mnt")
    for name in ("upper", "work"):
        os.mkdir(f"/mnt/{name}")
    for name, text in (files or {}).items():
        os.makedirs(os.path.dirname(f"/mnt/upper/{name}"), exist_ok=True)
        with open(f"/mnt/upper/{name}", "w") as file:
            file.write(text)
    namespaces.mount(mark, folder, "overlay", 0, f"lowerdir={folder},upperdir=/mnt/upper,workdir=/mnt/work")
    namespaces.unmount("/mnt")


def _show(source, target):
    """Shows a folder of the machine's at another place, if it is there."""
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
        namespaces.bind(source, target)


def _kept_visible(paths):
    """Opens the folders that the host must still see after its own /tmp and the like cover them."""
    return [(path, os.open(path, os.O_PATH)) for path in paths if path and os.path.isdir(path)]


def _show_again(kept):
    for path, descriptor in kept:
        if not os.path.isdir(path):
            os.makedirs(path)
            namespaces.bind(f"/proc/self/fd/{descriptor}", path)
        os.close(descriptor)


def _loopback_up():
    """Sets IFF_UP on lo without the cost of running ip."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, 0x8914, struct.pack("16sh14x", b"lo", 1))
