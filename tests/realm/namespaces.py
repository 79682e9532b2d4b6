# SPDX-License-Identifier: Apache-2.0
"""Linux namespaces for one host: made by a child that becomes their holder, entered by nsenter, ended by pid.

Every mount namespace of a realm carries a mount whose source is the realm's mark, so that all of a realm's
processes, whoever started them, can be found again from /proc alone.
"""
import ctypes
import os
import signal
import time

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWNET = 0x00020000, 0x04000000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE, MS_NOSUID, MS_NODEV = 4096, 16384, 1 << 18, 2, 4

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result, what):
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def _text(value):
    return None if value is None else os.fsencode(value)


def mount(source, target, kind=None, flags=0, options=None):
    result = _libc.mount(_text(source), _text(target), _text(kind), ctypes.c_ulong(flags), _text(options))
    _check(result, f"mount {source} on {target}")


def unmount(target):
    _check(_libc.umount2(_text(target), 0), f"unmount {target}")


def bind(source, target):
    mount(source, target, flags=MS_BIND | MS_REC)


def tmpfs(mark, target, mode="0755"):
    mount(mark, target, "tmpfs", MS_NOSUID | MS_NODEV, f"mode={mode},size=256m")


def leave_mounts():
    """From now on what this process mounts is seen by nobody else, and ends with it."""
    _check(_libc.unshare(CLONE_NEWNS), "unshare")
    mount(None, "/", flags=MS_REC | MS_PRIVATE)


def hold(name, prepare):
    """Starts a process that holds new network, mount and UTS namespaces; returns its pid.

    `prepare` runs inside, before the holder counts; what it raises is raised here.
    """
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        _become_holder(name, prepare, write_end)
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    word, _, rest = answer.partition(" ")
    if word != "held":
        raise RuntimeError(f"namespaces of {name}: {answer or 'the holder died'}")
    return int(rest)


def _become_holder(name, prepare, answer):
    """Forks once more, so that the holder is nobody's child, and never returns."""
    try:
        if os.fork() != 0:
            os._exit(0)
        os.setsid()
        _check(_libc.unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWNET), "unshare")
        mount(None, "/", flags=MS_REC | MS_PRIVATE)
        prepare()
        null = os.open("/dev/null", os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        os.chdir("/")
        os.write(answer, f"held {os.getpid()}".encode())
        os.closerange(3, 4096)
        os.execv("/bin/sleep", [f"realm: {name}", "infinity"])
    except BaseException as error:  # the parent raises it
        os.write(answer, f"failed {type(error).__name__}: {error}".encode())
    os._exit(1)


def nsenter(holder):
    """The command prefix that runs the rest inside the holder's namespaces (it execs, so pids are right)."""
    return ["nsenter", f"--target={holder}", "--mount", "--net", "--uts", "--"]


def processes_of(mark):
    """The pids of all processes in mount namespaces that carry the mark."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            try:
                with open(f"/proc/{entry}/mountinfo", errors="replace") as mounts:
                    if any(f" {mark} " in line for line in mounts):
                        found.append(int(entry))
            except OSError:
                continue  # it ended meanwhile
    return found


def end_all(mark, bound=10.0):
    """Kills every process of the mark and waits until none is left."""
    deadline = time.monotonic() + bound
    while True:
        pids = processes_of(mark)
        if not pids:
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"processes {pids} of {mark} do not end")
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.002)
