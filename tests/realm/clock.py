# SPDX-License-Identifier: Apache-2.0
"""The wall clocks of hosts, set while programs run: all that run there see it at once, and no other clock moves."""
import contextlib
import os
import struct
import tempfile

import step

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "wall_clock.cc")


def make_settable(world, *names):
    """For all programs that are started on the hosts from now on. Not with the address sanitizer, which has to be first."""
    library = _library()
    for name in names:
        world.write_etc(name, "wall-clock", _shift(0))
        world.write_etc(name, "wall-clock.so", library, 0o755)
        world.write_etc(name, "ld.so.preload", b"/etc/wall-clock.so\n")


def set_ahead(world, seconds, *names):
    """So many seconds ahead of the true time; behind it if negative."""
    for name in names:
        with open(world.inside(name, "/etc/wall-clock"), "r+b") as file:
            file.write(_shift(seconds))


@contextlib.contextmanager
def ahead(world, seconds, *names):
    set_ahead(world, seconds, *names)
    try:
        yield
    finally:
        set_ahead(world, 0, *names)


def _shift(seconds):
    return struct.pack("=q", seconds)


def _library():
    with tempfile.NamedTemporaryFile(suffix=".so") as built:
        step.run("build the clock", ["c++", "-std=c++20", "-O2", "-fPIC", "-shared", "-Wl,--as-needed", "-o", built.name, SOURCE])
        return built.read()
