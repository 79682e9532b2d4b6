# SPDX-License-Identifier: Apache-2.0
"""One stage of bringing a realm up: a command that must succeed, or a condition that must come true in time."""
import shlex
import subprocess
import time


class Failed(Exception):
    """A stage failed; the text names the stage, the exact command, what it said and the tail of its log."""

    def __init__(self, stage, command=None, said="", log=None):
        lines = [f"{stage} failed"]
        if command:
            lines.append("  command: " + shlex.join(map(str, command)))
        if said.strip():
            lines.append("  said: " + said.strip().replace("\n", "\n        "))
        if log:
            lines.append(f"  {log}:\n" + tail(log))
        super().__init__("\n".join(lines))


def tail(path, lines=25):
    """The last lines of a log, indented; says so when there is none."""
    try:
        with open(path, errors="replace") as log:
            return "".join("    | " + line.rstrip("\n") + "\n" for line in log.readlines()[-lines:])
    except OSError as error:
        return f"    | (no log: {error})\n"


def run(stage, command, log=None, timeout=30, input="", **options):
    """Runs a command to its end and returns all it said; raises Failed on any other status than 0."""
    try:
        done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=timeout, input=input, **options)
    except subprocess.TimeoutExpired as late:
        raise Failed(stage, command, f"no end within {timeout} s", log) from late
    if done.returncode != 0:
        raise Failed(stage, command, done.stdout + f"\n(status {done.returncode})", log)
    return done.stdout


def start(stage, command, log, **options):
    """Starts a program in the background with its output in a log; returns its pid (its session is its own)."""
    with open(log, "ab") as output:
        try:
            process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=output,
                                       stderr=subprocess.STDOUT, start_new_session=True, **options)
        except OSError as error:
            raise Failed(stage, command, str(error), log) from error
    process.returncode = 0  # it outlives us: nobody here waits for it, and Popen shall not warn
    return process.pid


def ready(stage, command, log, bound=10.0, **options):
    """Polls a command that asks the real question until it is answered; never a sleep that stands for readiness."""
    deadline = time.monotonic() + bound
    while True:
        try:
            return run(stage, command, log, timeout=bound, **options)
        except Failed:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.01)
