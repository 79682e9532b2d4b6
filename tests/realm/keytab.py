# SPDX-License-Identifier: Apache-2.0
"""Principals as text and keytab files as bytes, for keys that no KDC would hand out (a wrong key, a wrong kvno)."""
import os
import struct
import time

AES256_SHA1 = 18
NT_PRINCIPAL = 1


def unparse(components, realm=None):
    """A principal from its components, escaped as krb5_parse_name reads it."""
    special = {"\\": "\\\\", "/": "\\/", "@": "\\@", "\n": "\\n", "\t": "\\t", "\b": "\\b", "\0": "\\0"}
    text = "/".join("".join(special.get(each, each) for each in component) for component in components)
    return text if realm is None else f"{text}@{realm}"


def _counted(text):
    data = text.encode()
    return struct.pack(">H", len(data)) + data


def entry(components, realm, key, kvno=1, enctype=AES256_SHA1):
    """One keytab entry of file format 0x502."""
    body = struct.pack(">H", len(components)) + _counted(realm) + b"".join(map(_counted, components))
    body += struct.pack(">IIB", NT_PRINCIPAL, int(time.time()), kvno & 0xFF)
    body += struct.pack(">HH", enctype, len(key)) + key + struct.pack(">I", kvno)
    return struct.pack(">i", len(body)) + body


def write(path, entries):
    with open(path, "wb") as file:
        file.write(b"\x05\x02" + b"".join(entries))


def wrong_key(components, realm, kvno=1):
    """An entry that looks right and holds a key that the KDC does not know."""
    return entry(components, realm, os.urandom(32), kvno)
