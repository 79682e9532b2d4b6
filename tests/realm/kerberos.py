# SPDX-License-Identifier: Apache-2.0
"""The MIT KDC of the realm: its database, its principals, the keytabs of every host, tickets for users."""
import contextlib
import os

import host
import keytab
import namespaces
import step

DN_WITH_COMMA = r"cn=books,ou=Finance\,EU,dc=mutual,dc=test"
DN_WITH_BACKSLASH_AND_AT = r"cn=a\\b@c,dc=mutual,dc=test"
SEARCH = "mutual-search"
ADMINISTRATOR = "admin/admin"


def password(user):
    return f"{user}-password"


def krb5_conf(clockskew=300):
    kdc = host.full_name("dc")
    return f"""[libdefaults]
    default_realm = {host.REALM}
    dns_lookup_realm = false
    dns_lookup_kdc = false
    dns_canonicalize_hostname = false
    rdns = false
    forwardable = true
    clockskew = {clockskew}
    default_ccache_name = FILE:/tmp/krb5cc_%{{uid}}
[realms]
    {host.REALM} = {{
        kdc = {kdc}
        admin_server = {kdc}
    }}
[domain_realm]
    .{host.DOMAIN} = {host.REALM}
    {host.DOMAIN} = {host.REALM}
"""


def _kdc_conf(folder, max_life):
    return f"""[kdcdefaults]
    kdc_listen = 88
    kdc_tcp_listen = 88
[realms]
    {host.REALM} = {{
        database_name = {folder}/principal
        key_stash_file = {folder}/stash
        acl_file = {folder}/kadm5.acl
        max_life = {max_life}
        max_renewable_life = 7d
        supported_enctypes = aes256-cts-hmac-sha1-96:normal aes256-cts-hmac-sha384-192:normal
        default_principal_flags = +preauth
    }}
[logging]
    kdc = FILE:{folder}/krb5kdc.log
    admin_server = FILE:{folder}/kadmind.log
"""


def service_principals(name):
    """The ledger principals of one host, as component lists, by the keytab that holds them."""
    fqdn = host.full_name(name)
    return {"ledger": [["ledger", fqdn]],
            "ledger-books": [["ledger", fqdn, DN_WITH_COMMA], ["ledger", fqdn, DN_WITH_BACKSLASH_AND_AT]]}


def _quoted(components):
    return '"' + keytab.unparse(components).replace('"', '""') + '"'


def _commands(world):
    """What kadmin.local is told, in one batch: every principal and every keytab."""
    lines = [f"addprinc -pw {password(user)} {user}" for user in (*host.USERS, ADMINISTRATOR)]
    exports = {}

    def add(path, components):
        lines.append("addprinc -randkey " + _quoted(components))
        exports.setdefault(path, []).append(_quoted(components))

    add(f"{world.folder}/kdc/search.keytab", [SEARCH])
    add(f"{world.folder}/kdc/ldap.keytab", ["ldap", host.full_name("dc")])
    for name in world.hosts:
        add(world.keytab(name, "host"), ["host", host.full_name(name)])
        if name != "dc":
            for file, principals in service_principals(name).items():
                for components in principals:
                    add(world.keytab(name, file), components)
    return lines + [f"ktadd -norandkey -k {path} " + " ".join(names) for path, names in exports.items()]


def create(world):
    """Makes the database, all principals and all keytabs; nothing listens yet."""
    folder = f"{world.folder}/kdc"
    with open(f"{folder}/kdc.conf", "w") as file:
        file.write(_kdc_conf(folder, world.options["max_life"]))
    with open(f"{folder}/kadm5.acl", "w") as file:
        file.write(f"*/admin@{host.REALM} *\n")
    with open(f"{folder}/krb5.conf", "w") as file:
        file.write(world.krb5_conf)
    step.run("create the KDC's database",
             ["kdb5_util", "create", "-s", "-r", host.REALM, "-P", "master"], env=environment(world))
    batch(world, _commands(world))
    for name in world.hosts:
        _finish_keytabs(world, name)


def batch(world, lines):
    """Gives kadmin.local the lines; kadmin.local's status says nothing in this mode, so its complaints do."""
    command = ["kadmin.local", "-r", host.REALM]
    said = step.run("add the principals", command, input="\n".join(lines) + "\n", env=environment(world))
    complaints = [line for line in said.splitlines() if " while " in line or "Unknown request" in line]
    if complaints:
        raise step.Failed("add the principals", command, "\n".join(complaints))
    return said


def _finish_keytabs(world, name):
    """Copies the search identity's keytab, makes a wrong one, and gives all to mutuald-keys."""
    with open(f"{world.folder}/kdc/search.keytab", "rb") as source, open(world.keytab(name, SEARCH), "wb") as target:
        target.write(source.read())
    wrong = keytab.wrong_key(["ledger", host.full_name(name)], host.REALM)
    keytab.write(world.keytab(name, "ledger-wrong-key"), [wrong])
    folder = os.path.dirname(world.keytab(name, "host"))
    for file in os.listdir(folder):
        os.chown(f"{folder}/{file}", 0, host.GROUPS["mutuald-keys"])
        os.chmod(f"{folder}/{file}", 0o640)
    with open(world.keytab(name, "host"), "rb") as source:
        world.write_etc(name, "krb5.keytab", source.read(), 0o640, host.GROUPS["mutuald-keys"])


def environment(world):
    return {**os.environ, "KRB5_CONFIG": f"{world.folder}/kdc/krb5.conf",
            "KRB5_KDC_PROFILE": f"{world.folder}/kdc/kdc.conf"}


def start(world):
    """Starts the KDC on the dc and waits until it has really given somebody a ticket."""
    command = [*namespaces.nsenter(world.pids["dc"]), "krb5kdc", "-n", "-r", host.REALM]
    log = f"{world.folder}/kdc/krb5kdc.out"
    world.pids["kdc"] = step.start("start the KDC", command, log, env=environment(world))
    step.ready("ask the KDC for a ticket", [*namespaces.nsenter(world.pids["dc"]), "kinit", "-c", "MEMORY:ready", "-k", "-t",
               f"{world.folder}/kdc/search.keytab", SEARCH], f"{world.folder}/kdc/krb5kdc.log")


def start_kadmind(world):
    """Starts kadmind on the dc and waits until it has answered its administrator."""
    command = [*namespaces.nsenter(world.pids["dc"]), "kadmind", "-nofork", "-r", host.REALM]
    world.pids["kadmind"] = step.start("start kadmind", command, f"{world.folder}/kdc/kadmind.out",
                                       env=environment(world))
    step.ready("ask kadmind", [*namespaces.nsenter(world.pids["dc"]), "kadmin", "-p", ADMINISTRATOR, "-w",
               password(ADMINISTRATOR), "-q", "getprinc alice"], f"{world.folder}/kdc/kadmind.log")


def kinit(world, name, user, lifetime="10h", cache=None):
    """Leaves a ticket in the user's default cache on the host (or in the cache named)."""
    command = world.command(name, user, ["kinit", "-l", lifetime, *(["-c", cache] if cache else []), user])
    step.run(f"kinit of {user} on {name}", command, f"{world.folder}/kdc/krb5kdc.log", input=password(user) + "\n",
             env=world.environment())


def kdestroy(world, name, user):
    """Removes the user's default cache on the host, if there is one."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(world.inside(name, f"/tmp/krb5cc_{host.USERS[user]}"))
