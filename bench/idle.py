# SPDX-License-Identifier: Apache-2.0
"""Channels that are open and say nothing: the memory that the daemons need for each, and whether the last is opened as
fast as the first."""
import contextlib
import os
import statistics

SAMPLE = 100  # openings whose median is compared, at the beginning and at the end


def private_kib(pids):
    """Memory that goes with these processes: their share of each page they hold (PSS)."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError), open(f"/proc/{pid}/smaps_rollup") as file:
            total += sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))
    return total


def memory(daemons, programs_of):
    """(host, name) to KiB."""
    used = {}
    for where, daemon in daemons.items():
        for pid, name in programs_of(daemon).items():
            used[where, name] = used.get((where, name), 0) + private_kib([pid])
    return used


def measure(link, daemons, programs_of, count, open_once):
    """Opens so many channels over one connection and holds them; KiB per channel, and the times of opening them."""
    before = memory(daemons, programs_of)
    held, took = [], []
    try:
        for _ in range(count):
            seconds, descriptors = open_once(link)
            held += descriptors
            took.append(seconds)
        grown = {each: kib - before.get(each, 0) for each, kib in memory(daemons, programs_of).items()}
    finally:
        for descriptor in held:
            os.close(descriptor)
    return {"count": count, "kib": sum(grown.values()) / count,
            "kib_of": {" ".join(each): kib / count for each, kib in grown.items()},
            "first_ms": 1000 * statistics.median(took[10:10 + SAMPLE]),
            "last_ms": 1000 * statistics.median(took[-SAMPLE:])}
