# SPDX-License-Identifier: Apache-2.0
"""Runs in the container, as a unit of the real systemd: installs the packages and asserts what a host would see.

Each function below `check` is one line of the result, in this order; a later one builds on what those before it did, as
an administrator's steps do, and is tried even if they failed.
"""
import glob
import grp
import os
import pwd
import signal
import stat
import time

import scene
from programs import eventually
from scene import all_is_well, as_alice, is_active, must, open_ledger, pid_of, run, unit, write

PACKAGES = sorted(f"{scene.HERE}/packages/{name}" for name in os.listdir(f"{scene.HERE}/packages"))
ACCOUNTS = ["mutuald", "mutuald-keys", "mutuald-channel", "mutuald-plugin"]
SERVICES = ["mutuald.service", "mutuald-keys.service", "mutuald-plugin.service", "mutuald-channel@sockets.service"]
SOCKETS = ["mutuald.socket", "mutuald-admission.socket", "mutuald-keys.socket", "mutuald-plugin.socket",
           "mutuald-channel@sockets.socket"]
LISTEN = "/etc/systemd/system/mutuald-listen-low.socket"
checks = []


def check(function):
    checks.append(function)
    return function


def exists(account):
    try:
        return bool(pwd.getpwnam(account))
    except KeyError:
        return False


@check
def packages_install():
    assert not any(map(exists, ACCOUNTS)), "the accounts were there before; nothing would be shown"
    must("dpkg", "-i", *PACKAGES, bound=60)


@check
def packages_made_accounts_and_folder():
    for account in ACCOUNTS:
        entry = pwd.getpwnam(account)
        assert entry.pw_uid != 0 and entry.pw_shell.endswith("nologin"), entry
        assert grp.getgrgid(entry.pw_gid).gr_name == account, entry
    grp.getgrnam("mutuald-admin")
    status = os.stat("/run/mutuald")
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (0, 0, 0o755), status


@check
def packages_start_and_enable_nothing():
    for name in SERVICES + SOCKETS:
        assert unit(name, "ActiveState") == "inactive", name
    for name in ("mutuald.service", *SOCKETS):
        assert run("systemctl", "is-enabled", name).stdout.strip() == "disabled", name


@check
def packages_have_every_manual_page():
    for page in ("mutualctl.1", "mutuald.8", "mutuald-keys.8", "mutuald-channel.8", "mutuald-plugin.8", "mutuald.toml.5",
                 "org.mutuald.Broker.7", "libmutual.3", "mutual_open.3"):
        path = f"/usr/share/man/man{page[-1]}/{page}.gz"
        assert os.path.exists(path), path


@check
def units_are_clean():
    found = run("systemctl", "list-unit-files", "--no-legend", "--plain", "mutuald*").stdout.split("\n")
    names = [line.split()[0].replace("@.", "@sockets.") for line in found if line]
    assert len(names) == 9, names
    done = run("systemd-analyze", "verify", "--man=no", *names)
    assert done.returncode == 0 and not done.stderr, done.stderr


@check
def example_configuration_is_good():
    folder = "/run/example"
    with open("/usr/share/doc/mutuald/examples/mutuald.toml") as file:
        write(f"{folder}/mutuald.toml", file.read())
    assert "1 service(s), 1 rule(s)" in must("mutuald", "--check-config", "--config", folder)


@check
def realm_stands():
    scene.build_realm()
    os.makedirs("/etc/mutuald", exist_ok=True)
    scene.export_key(f"ledger/{scene.HOST}", "/etc/mutuald/ledger.keytab", "mutuald-keys", 0o640)
    write("/etc/mutuald/mutuald.toml", scene.configuration())
    must("mutuald", "--check-config")
    scene.start_servers()


@check
def sockets_start_the_broker_on_demand():
    must("systemctl", "enable", "--now", "mutuald.socket")
    assert not is_active("mutuald.service") and not is_active("mutuald-keys.service")
    done = as_alice("mutualctl", "status")
    assert done.returncode == 0, done.stderr
    assert is_active("mutuald.service")


@check
def everything_is_ready_when_enabled():
    must("systemctl", "enable", "--now", "mutuald.service")
    for name in SOCKETS:
        assert run("systemctl", "is-enabled", name).stdout.strip() == "enabled", name
    eventually(all_is_well, 20, "every part and service, ready")


@check
def services_are_watched():
    for name in SERVICES:
        assert (unit(name, "Type"), unit(name, "WatchdogUSec")) == ("notify", "30s"), name


@check
def channel_opens_with_a_cache_in_tmp():
    scene.kinit("FILE:/tmp/krb5cc_1001")
    assert f"{scene.ALICE} says 'hello'" in open_ledger()


@check
def packaged_examples_open_a_channel():
    examples, built = "/usr/share/doc/libmutual-dev/examples", "/run/example/ask_c"
    must("cc", "-o", built, f"{examples}/ask.c", *must("pkg-config", "--cflags", "--libs", "mutual").split())
    for program in (built, f"{examples}/ask.py"):
        done = as_alice(program, "ledger", "hello\n")
        assert f"{scene.ALICE} says 'hello'" in done.stdout, done.stderr
    write("/run/example/debian/control", "Source: ask\n\nPackage: ask\nArchitecture: any\n")
    needs = must("sh", "-c", f"cd /run/example && dpkg-shlibdeps -O {built}")
    assert "libmutual0 (>= 0.1.0)" in needs, needs


@check
def plan_tells_what_open_would_do():
    done = as_alice("mutualctl", "plan", "ledger")
    assert done.returncode == 0 and f"ledger/{scene.HOST}" in done.stdout, done.stdout + done.stderr


@check
def ticket_is_kept_in_the_cache_in_tmp():
    listed = as_alice("klist", "-c", "FILE:/tmp/krb5cc_1001").stdout
    assert f"ledger/{scene.HOST}" in listed, listed


@check
def channel_opens_with_a_cache_in_run_user():
    folder = "/run/user/1001"  # mounted after mutuald-keys was started, as at a login
    os.makedirs(folder, exist_ok=True)
    must("mount", "-t", "tmpfs", "-o", "uid=1001,gid=1001,mode=0700", "tmpfs", folder)
    scene.kinit(f"FILE:{folder}/krb5cc")
    assert f"{scene.ALICE} says 'hello'" in open_ledger(cache=f"FILE:{folder}/krb5cc")
    listed = as_alice("klist", "-c", f"FILE:{folder}/krb5cc").stdout
    assert f"ledger/{scene.HOST}" in listed, listed


@check
def channel_opens_with_a_key_ring():
    scene.kinit("KEYRING:persistent:1001")
    assert f"{scene.ALICE} says 'hello'" in open_ledger(cache="KEYRING:persistent:1001")


@check
def fetchers_and_programs_hold_no_capability():
    found = scene.processes_of(["alice", "mutuald", "mutuald-channel", "mutuald-plugin"])
    assert {process.program for process in found} == set(ACCOUNTS), found
    for process in found:
        assert process.capabilities == {0}, process


@check
def handshakes_load_no_plugins_of_others():
    folder, = glob.glob("/usr/lib/*/krb5/plugins/authdata")
    assert os.listdir(folder), "nobody has put a plugin there; nothing would be shown"
    for name in ("mutuald-keys.service", "mutuald-channel@sockets.service"):
        assert os.listdir(f"/proc/{pid_of(name)}/root{folder}") == [], name


@check
def keys_start_without_a_host_keytab():
    assert not os.path.exists("/etc/krb5.keytab")
    done = run("mutualctl", "open", "as-host", input="hello\n")
    assert done.returncode == 6 and "export its host/ key into /etc/krb5.keytab; then restart" in done.stderr, done.stderr


@check
def host_keytab_is_passed_on_by_systemd():
    scene.export_key(f"host/{scene.HOST}", "/etc/krb5.keytab", "root", 0o600)
    must("systemctl", "restart", "mutuald-keys.service")
    eventually(all_is_well, 20, "every part and service, ready")
    assert f"host/{scene.HOST}@{scene.REALM} says 'hello'" in open_ledger("as-host", user=run)


@check
def port_below_1024_comes_from_systemd():
    write("/etc/mutuald/mutuald.toml.d/low.toml", scene.service_at_a_low_port())
    scene.offered.append("low")
    with open("/usr/share/doc/mutuald/examples/mutuald-listen-ledger.socket") as file:
        write(LISTEN, file.read().replace("FileDescriptorName=ledger", "FileDescriptorName=low"))
    must("systemd-analyze", "verify", "--man=no", LISTEN)
    must("systemctl", "daemon-reload")
    must("systemctl", "enable", os.path.basename(LISTEN))
    must("systemctl", "stop", "mutuald*.service", "mutuald*.socket")
    must("systemctl", "start", os.path.basename(LISTEN), "mutuald.service")
    eventually(all_is_well, 20, "every part and service, ready")
    assert f"{scene.ALICE} says 'hello'" in open_ledger("low")


def lives_through(*command, renewed):
    """A stream flows before, during and after the command, which gives these services new processes and no other."""
    stream = scene.Stream()
    try:
        stream.flows()
        before = {name: pid_of(name) for name in SERVICES}
        must(*command, bound=60)
        after = {name: pid_of(name) for name in SERVICES}
        stream.flows()
        eventually(all_is_well, 20, "every part and service, ready")
        assert f"{scene.ALICE} says 'hello'" in open_ledger()
    finally:
        stream.finish()
    changed = {name for name in SERVICES if before[name] != after[name]}
    assert changed == set(renewed), changed


@check
def stream_lives_through_a_restart_of_the_broker():
    lives_through("systemctl", "restart", "mutuald.service", renewed=SERVICES[:1])


@check
def stream_lives_through_a_restart_of_keys():
    lives_through("systemctl", "restart", "mutuald-keys.service", renewed=SERVICES[1:2])


@check
def stream_lives_through_a_restart_of_plugins():
    lives_through("systemctl", "restart", "mutuald-plugin.service", renewed=SERVICES[2:3])


@check
def stream_lives_through_an_upgrade():
    lives_through("dpkg", "-i", *PACKAGES, renewed=SERVICES[:3])


@check
def restart_of_channel_ends_its_channels_and_no_other_program():
    streams = [scene.Stream() for _ in range(4)]
    for stream in streams:
        stream.flows()
    before = {name: pid_of(name) for name in SERVICES}
    must("systemctl", "restart", "mutuald-channel@sockets.service", bound=60)
    for stream in streams:
        stream.dies()
    eventually(all_is_well, 20, "every part and service, ready")
    assert f"{scene.ALICE} says 'hello'" in open_ledger()
    assert f"{scene.ALICE} says 'hello'" in open_ledger("low"), "the port that systemd holds"
    changed = {name for name in SERVICES if before[name] != pid_of(name)}
    assert changed == {"mutuald-channel@sockets.service"}, changed


@check
def rule_on_a_systemd_unit_lets_in_that_unit_only():
    drop_in = "/etc/mutuald/mutuald.toml.d/batch.toml"
    write(drop_in, scene.service_of_a_unit())
    must("systemctl", "reload", "mutuald.service")

    def opened_in(name):
        return run("systemd-run", "--wait", "--pipe", "--quiet", "--collect", f"--unit={name}", "--uid=alice",
                   "mutualctl", "open", "batch", input="hello\n", bound=60)
    try:
        done = opened_in("batch@1.service")
        assert done.returncode == 0 and f"{scene.ALICE} says 'hello'" in done.stdout, done.stderr
        done = opened_in("other.service")
        assert done.returncode == 5 and "in other.service" in done.stderr, done.stderr
        done = as_alice("mutualctl", "open", "batch", input="hello\n")
        assert done.returncode == 5 and "service 'batch'" in done.stderr, done.stderr
        said = must("journalctl", "--no-pager", "--output=json", "MUTUALD_CALLER_UNIT=batch@1.service")
        assert '"MUTUALD_SERVICE":"batch"' in said, said[:400]
    finally:
        os.unlink(drop_in)
    must("systemctl", "reload", "mutuald.service")


@check
def plugins_are_reloaded_without_a_restart():
    before = pid_of("mutuald-plugin.service")
    must("systemctl", "reload", "mutuald-plugin.service")
    assert pid_of("mutuald-plugin.service") == before and is_active("mutuald-plugin.service")


@check
def configuration_is_reloaded_without_a_restart():
    drop_in = "/etc/mutuald/mutuald.toml.d/reload.toml"
    before = pid_of("mutuald.service")
    stream = scene.Stream()
    write(drop_in, '[[rule]]\nname = "reloaded"\naction = "deny"\nusers = ["nobody"]\nservices = ["*"]\n')
    try:
        must("systemctl", "reload", "mutuald.service")
        assert pid_of("mutuald.service") == before and is_active("mutuald.service")
        said = must("journalctl", "--no-pager", "--unit=mutuald.service")
        assert "reloaded the configuration (asked by " in said and "rule.reloaded.users" in said, said[-1000:]
        stream.flows()
        # What is wrong is refused by systemctl too, and the running configuration stays.
        write(drop_in, "[daemon]\nrequest_timeot = '5s'\n")
        assert run("systemctl", "reload", "mutuald.service").returncode != 0
        assert pid_of("mutuald.service") == before and is_active("mutuald.service")
        status = unit("mutuald.service", "StatusText")
        assert "with the earlier configuration" in status and f"{drop_in}:2" in status, status
        stream.flows()
        assert all_is_well()
    finally:
        os.unlink(drop_in)
        stream.finish()
    must("systemctl", "reload", "mutuald.service")
    assert "earlier" not in unit("mutuald.service", "StatusText")


@check
def wrong_configuration_stops_the_broker_and_no_channel():
    wrong = "/etc/mutuald/mutuald.toml.d/wrong.toml"
    stream = scene.Stream()
    write(wrong, "[daemon]\nrequest_timeot = '5s'\n")
    try:
        assert run("systemctl", "restart", "mutuald.service").returncode != 0
        assert unit("mutuald.service", "ExecMainStatus") == "78"
        for _ in range(3):  # the socket starts it for each caller, who is told; and not again and again
            told = run("mutualctl", "status")
            assert told.returncode != 0 and "its configuration is wrong" in told.stderr, told.stderr
        assert is_active("mutuald.socket"), unit("mutuald.socket", "Result")
        stream.flows()
    finally:
        os.unlink(wrong)
        must("systemctl", "restart", "mutuald.service")
        stream.finish()
    eventually(all_is_well, 20, "every part and service, ready")


@check
def watchdog_ends_a_broker_that_hangs():
    drop_in = "/run/systemd/system/mutuald.service.d/watchdog.conf"
    write(drop_in, "[Service]\nWatchdogSec=1s\n")
    must("systemctl", "daemon-reload")
    must("systemctl", "restart", "mutuald.service")
    stream = scene.Stream()
    try:
        hung = pid_of("mutuald.service")
        assert hung > 0, "no broker runs"
        os.kill(hung, signal.SIGSTOP)
        eventually(lambda: pid_of("mutuald.service") not in (0, hung) and is_active("mutuald.service"), 20,
                   "another broker")
        stream.flows()
        eventually(all_is_well, 20, "every part and service, ready")
    finally:
        stream.finish()
        os.unlink(drop_in)
        must("systemctl", "daemon-reload")
    said = must("journalctl", "--no-pager", "--unit=mutuald.service")
    assert "Watchdog timeout" in said, "systemd did not say why"


@check
def log_tells_of_the_channel_by_its_fields():
    for match in ("MUTUALD_SERVICE=ledger", f"MUTUALD_PEER={scene.ALICE}", "--unit=mutuald*"):
        said = must("journalctl", "--no-pager", "--output=json", match)
        assert '"MUTUALD_PEER"' in said and scene.ALICE in said, (match, said[:400])


@check
def journal_explains_decisions_by_the_catalog():
    said = must("journalctl", "--no-pager", "--output=json", "MESSAGE_ID=d7e98c1b5c2f4c0fb6a1f9a0c2de1a01")
    assert '"MUTUALD_REQUEST"' in said and '"MUTUALD_CALLER_UID":"1001"' in said, said[:400]
    told = must("journalctl", "--no-pager", "-x", "MESSAGE_ID=d7e98c1b5c2f4c0fb6a1f9a0c2de1a01")
    assert f"Subject: A channel was opened to ledger/{scene.HOST}@{scene.REALM}" in told, told[:800]


@check
def strangers_transport_is_built_installed_and_used():
    """As docs/plugin-guide.md says."""
    drop_in = "/etc/mutuald/mutuald.toml.d/vault.toml"
    flags = must("pkg-config", "--cflags", "mutual").split()
    must("g++", "-std=c++20", "-shared", "-fPIC", "-fvisibility=hidden", *flags, "-o", "/run/example/framed.so",
         "/usr/share/doc/libmutual-dev/examples/transport/framed.cc", bound=120)
    must("install", "-D", "-o", "root", "-g", "root", "-m", "0644", "/run/example/framed.so",
         "/usr/local/lib/mutuald/framed.so")
    write(drop_in, scene.service_over_a_strangers_transport())
    try:
        must("mutuald", "--check-config")
        must("systemctl", "enable", "--now", "mutuald-channel@framed.socket")
        must("systemctl", "reload", "mutuald.service")
        eventually(lambda: scene.parts().get("service vault") == "listening", 20, "the service vault, offered")
        before = pid_of("mutuald-channel@framed.service")
        assert f"{scene.ALICE} says 'hello'" in open_ledger("vault")
        others = pid_of("mutuald-channel@sockets.service")
        must("systemctl", "restart", "mutuald-channel@framed.service")
        eventually(lambda: scene.parts().get("service vault") == "listening", 20, "the service vault, offered again")
        assert f"{scene.ALICE} says 'hello'" in open_ledger("vault")
        assert pid_of("mutuald-channel@framed.service") != before
        assert pid_of("mutuald-channel@sockets.service") == others
    finally:
        os.unlink(drop_in)
        must("systemctl", "disable", "--now", "mutuald-channel@framed.socket")
        must("systemctl", "stop", "mutuald-channel@framed.service")
        must("systemctl", "restart", "mutuald.service")
    eventually(all_is_well, 20, "every part and service, ready")


@check
def stop_leaves_nothing():
    must("systemctl", "stop", "mutuald*.service", "mutuald*.socket")
    for name in SERVICES + SOCKETS:
        assert unit(name, "ActiveState") == "inactive", (name, unit(name, "ActiveState"))
    assert not scene.processes_of(ACCOUNTS), scene.processes_of(ACCOUNTS)
    assert os.listdir("/run/mutuald") == [], os.listdir("/run/mutuald")
    assert os.listdir("/run/mutuald-keys"), "the replay cache is not kept"


@check
def packages_are_removed_whole():
    names = [must("dpkg-deb", "--field", path, "Package").strip() for path in PACKAGES]
    must("systemctl", "start", "mutuald.service")
    must("dpkg", "--purge", *names, bound=60)
    left = run("systemctl", "list-unit-files", "--no-legend", "--plain", "mutuald*").stdout.split("\n")
    assert not [line for line in left if line and "listen" not in line], left
    assert not scene.processes_of(ACCOUNTS) and not os.path.exists("/run/mutuald")
    for folder in ("/etc/systemd/system/multi-user.target.wants", "/etc/systemd/system/sockets.target.wants"):
        dangling = [name for name in os.listdir(folder) if name.startswith("mutuald") and "listen" not in name]
        assert not dangling, dangling


def main():
    failed = 0
    with open(f"{scene.HERE}/results", "w", buffering=1) as results:
        for function in checks:
            begun, why = time.monotonic(), ""
            print(f"\n=== {function.__name__}", flush=True)
            try:
                function()
            except Exception as error:  # whatever it is, it is this line's result
                why = f": {type(error).__name__}: {error}"
                failed += 1
            took = time.monotonic() - begun
            results.write(f"{'FAILED' if why else 'ok    '} {function.__name__} ({took:.1f} s){why}\n")
        results.write(f"\nend: {failed} failed\n")


if __name__ == "__main__":
    main()
