# SPDX-License-Identifier: Apache-2.0
"""The OpenLDAP of the realm: the project's own schema, who may write what, and service connection points.

Port 389 is a domain controller; port 3268 shows the same entries as a global catalog would, without the three
attributes that are not in it. The administrator comes over ldapi as root of the dc.
"""
import base64

import host
import kerberos
import namespaces
import step

SUFFIX = "dc=mutual,dc=test"
SERVICES, HOSTS, PEOPLE = f"ou=Services,{SUFFIX}", f"ou=Hosts,{SUFFIX}", f"ou=People,{SUFFIX}"
LEDGER_KEYWORD = "6e0bbd5c-91a3-4f0d-8a1c-3d5c3f7b2e10"
NOT_IN_CATALOG = "serviceDNSName,serviceDNSNameType,serviceClassName"
CATALOG = f"ldap://{host.full_name('dc')}:3268"


def _slapd_conf(world):
    tls = world.options["ldaps"]
    certificate = f"{world.folder}/ca/dc"
    return f"""include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include {world.tree}/plugins/scp/schema/mutual.schema
modulepath /usr/lib/ldap
moduleload back_mdb
sasl-host {host.full_name('dc')}
sasl-realm {host.REALM}
sasl-secprops noplain,noanonymous
authz-regexp "gidNumber=0[+]uidNumber=0,cn=peercred,cn=external,cn=auth" "cn=admin,{SUFFIX}"
authz-regexp "uid=admin/admin,(cn=[^,]+,)?cn=gssapi,cn=auth" "cn=admin,{SUFFIX}"
authz-regexp "uid=host/([^.,]+)[.]mutual[.]test,(cn=[^,]+,)?cn=gssapi,cn=auth" "cn=$1,{HOSTS}"
authz-regexp "uid=([^,/]+),(cn=[^,]+,)?cn=gssapi,cn=auth" "cn=$1,{PEOPLE}"
defaultsearchbase {SUFFIX}
sizelimit unlimited
{f'TLSCertificateFile {certificate}.pem' if tls else ''}
{f'TLSCertificateKeyFile {certificate}.key' if tls else ''}
access to dn.base="" by * read
access to dn.base="cn=Subschema" by * read
database mdb
suffix "{SUFFIX}"
rootdn "cn=admin,{SUFFIX}"
directory {world.folder}/ldap/db
dbnosync
index objectClass,keywords,serviceClassName,servicePrincipalName,entryUUID eq
access to attrs={NOT_IN_CATALOG}
    by sockurl="{CATALOG}" none
    by * break
access to dn.regex="^(.+,)?(cn=[^,]+,{HOSTS})$"
    by dn.exact,expand="$2" write
    by users read
access to * by users read
"""


def ldif(dn, classes, **attributes):
    """One entry; values are base64, so that any text may stand in them. A list gives several values."""
    def line(name, value):
        return f"{name}:: {base64.b64encode(str(value).encode()).decode()}\n"
    values = [("objectClass", each) for each in classes]
    for name, value in attributes.items():
        values += [(name, each) for each in (value if isinstance(value, list) else [value])]
    return line("dn", dn) + "".join(line(name, value) for name, value in values if value is not None) + "\n"


def scp(dn, *, service_class="ledger", keyword=LEDGER_KEYWORD, host_name, port, name_type="A", **more):
    """A service connection point as a publisher writes it; None leaves an attribute out."""
    return ldif(dn, ["serviceConnectionPoint"], keywords=keyword, serviceClassName=service_class,
                serviceDNSName=host_name, serviceDNSNameType=name_type, serviceBindingInformation=port, **more)


def _first_entries(world):
    text = ldif(SUFFIX, ["dcObject", "organization"], dc="mutual", o="mutual")
    for unit in (SERVICES, HOSTS, PEOPLE):
        text += ldif(unit, ["organizationalUnit"])
    for name in (*host.USERS, kerberos.SEARCH):
        text += ldif(f"cn={name},{PEOPLE}", ["user"], sn=name, uid=name)
    for name in world.hosts:
        fqdn = host.full_name(name)
        text += ldif(f"cn={name},{HOSTS}", ["computer"], dNSHostName=fqdn, servicePrincipalName=[f"host/{fqdn}"])
    return text


def create(world):
    """Writes the configuration and loads the first entries; nothing listens yet."""
    folder = f"{world.folder}/ldap"
    if world.options["ldaps"]:
        _certificates(world)
    with open(f"{folder}/slapd.conf", "w") as file:
        file.write(_slapd_conf(world))
    step.run("load the directory", ["slapadd", "-q", "-f", f"{folder}/slapd.conf"], input=_first_entries(world))


def _certificates(world):
    """A throw-away CA and the dc's certificate."""
    folder, fqdn = f"{world.folder}/ca", host.full_name("dc")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    step.run("make the CA", ["openssl", "req", "-x509", *key, "-days", "30", "-subj", "/CN=throw-away CA",
                             "-keyout", f"{folder}/ca.key", "-out", f"{folder}/ca.pem"])
    step.run("make the dc's certificate",
             ["openssl", "req", "-x509", *key, "-days", "30", "-subj", f"/CN={fqdn}", "-addext",
              f"subjectAltName=DNS:{fqdn}", "-addext", "basicConstraints=critical,CA:FALSE", "-CA", f"{folder}/ca.pem",
              "-CAkey", f"{folder}/ca.key", "-keyout", f"{folder}/dc.key", "-out", f"{folder}/dc.pem"])
    with open(f"{folder}/ca.pem", "rb") as file:
        authority = file.read()
    for name in world.hosts:
        world.write_etc(name, "ssl/realm-ca.pem", authority)


def start(world):
    """Starts slapd on the dc and waits until it has really answered a query."""
    urls = f"ldap:/// {CATALOG} ldapi:///" + (" ldaps:///" if world.options["ldaps"] else "")
    log = f"{world.folder}/ldap/slapd.log"
    inside = namespaces.nsenter(world.pids["dc"])
    step.run("make slapd's folder", [*inside, "mkdir", "-p", "/run/slapd"])
    command = [*inside, "slapd", "-d", "stats", "-h", urls, "-f", f"{world.folder}/ldap/slapd.conf"]
    world.pids["slapd"] = step.start("start slapd", command, log, env={
        **world.environment(), "KRB5_KTNAME": f"{world.folder}/kdc/ldap.keytab", "KRB5RCACHENAME": "none:"})
    step.ready("ask slapd", [*inside, "ldapsearch", "-Q", "-Y", "EXTERNAL", "-H", "ldapi:///", "-LLL", "-b", SUFFIX,
                             "-s", "base", "dn"], log)


def change(world, text, program="ldapadd"):
    """Adds or modifies entries as the directory's administrator."""
    command = [*namespaces.nsenter(world.pids["dc"]), program, "-Q", "-Y", "EXTERNAL", "-H", "ldapi:///"]
    return step.run(f"{program} as administrator", command, f"{world.folder}/ldap/slapd.log", input=text)


def add_as_host(world, name, text):
    """Adds entries as the host itself: with the key of its own account, as any domain member can."""
    script = ('export KRB5CCNAME=FILE:/run/host.ccache && kinit -k -t /etc/krb5.keytab "$0" && '
              f'ldapadd -Q -Y GSSAPI -H ldap://{host.full_name("dc")}')
    command = [*namespaces.nsenter(world.pids[name]), "sh", "-c", script, f"host/{host.full_name(name)}"]
    return step.run(f"ldapadd as {name}", command, f"{world.folder}/ldap/slapd.log", input=text,
                    env=world.environment())


def publish(world, name, on, port, as_host=None, below=None, **attributes):
    """Writes an SCP as the administrator, or as a domain member under its own object; returns its DN."""
    parent = below or (f"cn={as_host},{HOSTS}" if as_host else SERVICES)
    dn = f"cn={name},{parent}"
    text = scp(dn, **{"host_name": host.full_name(on), "port": port, **attributes})
    if as_host:
        add_as_host(world, as_host, text)
    else:
        change(world, text)
    return dn


def delete(world, dn):
    """Removes an entry as the directory's administrator; one that is gone already is fine."""
    text = f"dn:: {base64.b64encode(dn.encode()).decode()}\nchangetype: delete\n"
    try:
        change(world, text, "ldapmodify")
    except step.Failed as failed:
        if "No such object" not in str(failed):
            raise
