# SPDX-License-Identifier: Apache-2.0
"""The wire between the hosts: a bridge in a namespace of its own, one cable to each host, and how to cut one."""
import host
import namespaces
import step

NOWHERE = "02:00:00:00:00:99"  # no interface has this address: what is sent to it is lost without an answer


def connect(world):
    """Plugs every host into the bridge inside the switch's namespace."""
    switch = ["link add name switch type bridge forward_delay 0 mcast_snooping 0", "link set dev switch up"]
    for name in world.hosts:
        switch += [f"link add name {name} type veth peer name eth0 netns {world.pids[name]}",
                   f"link set dev {name} master switch", f"link set dev {name} up"]
    _ip(world, "switch", switch)
    for name in world.hosts:
        _ip(world, name, [f"addr add {host.ADDRESSES[name]}/24 dev eth0", "link set dev eth0 up"])


def address(name):
    """A host's name or an address, as an address."""
    return host.ADDRESSES.get(name.removesuffix("." + host.DOMAIN), name)


def blackhole(world, name, target):
    """From now on what the host sends to the target is lost, so connects hang instead of failing."""
    _ip(world, name, [f"neigh replace {address(target)} lladdr {NOWHERE} dev eth0 nud permanent"])


def restore(world, name, target):
    _ip(world, name, [f"neigh del {address(target)} dev eth0"])


def _ip(world, name, lines):
    command = ["nsenter", f"--target={world.pids[name]}", "--net", "--", "ip", "-batch", "-"]
    step.run(f"network of {name}", command, input="\n".join(lines) + "\n")
