# SPDX-License-Identifier: Apache-2.0
"""interface_page.py BROKER.VARLINK MUTUAL.H: org.mutuald.Broker(7), on standard output.

The interface's comments explain it; what each error means is told by mutual.h, which has the same ones.
"""
import re
import sys

import roff

MEMBER = re.compile(r"((?:^#.*\n)*)^(method|type|error) (\w+) ?(.*(?:\n[ )].*)*)", re.MULTILINE)
CODE = re.compile(r"MUTUAL_(\w+) = \d+,?\s*/\* (.*?) \*/", re.DOTALL)
HOW = """.SH DESCRIPTION
{about}
.PP
The interface is Varlink: a call is a JSON object that ends with a NUL, sent to the Unix socket
.IR /run/mutuald/mutuald.sock ;
its reply comes back in the same form. Replies come in the order of the calls; a call that may wait should have a
connection of its own, and closing that cancels the call. What is sent:
.PP
.RS 4
.nf
{{"method": "org.mutuald.Broker.Open", "parameters": {{"request": {{"service": "ledger"}}}}}}
.fi
.RE
.PP
and what is answered, the second for a failure:
.PP
.RS 4
.nf
{{"parameters": {{"channelFileDescriptor": 0, "channel": "4f1c", "peer": "ledger/app1@EXAMPLE.ORG", ...}}}}
{{"error": "org.mutuald.Broker.Denied", "parameters": {{"stage": "policy", "message": "...", "hint": "..."}}}}
.fi
.RE
.PP
A descriptor comes as ancillary data (SCM_RIGHTS) of the reply's first octet: read with
.BR recvmsg (2)
from the first octet on. A field whose type begins with ? may be absent; fields that are not known should be ignored.
.PP
From a shell,
.B mutualctl call
.I METHOD JSON
makes a call, and
.B mutualctl introspect org.mutuald.Broker
shows this description.
"""


def text_of(comment):
    return " ".join(line.lstrip("# ") for line in comment.splitlines())


def member(comment, kind, name, rest):
    about = f"{roff.escaped(text_of(comment))}\n" if comment else ""
    return f".SS {name}\n{about}" + roff.verbatim(f"{name}{rest}" if kind == "method" else rest)


def errors(members, header):
    meanings = {name.replace("_", "").lower(): re.sub(r"\s+", " ", meaning) for name, meaning in CODE.findall(header)}
    names = [name for _, kind, name, _ in members if kind == "error"]
    missing = [name for name in names if name.lower() not in meanings]
    if missing:
        sys.exit(f"interface_page.py: mutual.h does not tell what {', '.join(missing)} means")
    (comment,) = {text_of(comment) for comment, kind, _, _ in members if kind == "error" and comment}
    (fields,) = {rest for _, kind, _, rest in members if kind == "error"}
    return (f".SH ERRORS\n{roff.escaped(comment)} Each has these fields:\n{roff.verbatim(fields)}"
            + "".join(f".TP\n.B {name}\n{roff.escaped(meanings[name.lower()])}\n" for name in names))


def page(interface, header):
    about, _, rest = interface.partition("\ninterface org.mutuald.Broker\n")
    members = MEMBER.findall(rest)
    if len(members) != len(re.findall(r"^(?:method|type|error)\b", rest, re.MULTILINE)):
        sys.exit("interface_page.py: a member of the interface is not read")
    def kind_of(kind):
        return "".join(member(*one) for one in members if one[1] == kind)
    return (roff.title("org.mutuald.Broker", 7, "Miscellaneous Information", "varlink/interfaces/org.mutuald.Broker.varlink")
            + ".SH NAME\norg.mutuald.Broker \\- the API of mutuald\n" + HOW.format(about=roff.escaped(text_of(about)))
            + ".SH METHODS\n" + kind_of("method") + ".SH TYPES\n" + kind_of("type") + errors(members, header)
            + '.SH "SEE ALSO"\n.BR mutualctl (1),\n.BR libmutual (3),\n.BR mutuald (8)\n')


if __name__ == "__main__":
    with open(sys.argv[1]) as interface, open(sys.argv[2]) as header:
        sys.stdout.write(page(interface.read(), header.read()))
