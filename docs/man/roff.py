# SPDX-License-Identifier: Apache-2.0
"""Text for manual pages."""
import re

COMMENT = '.\\" SPDX-License-Identifier: Apache-2.0\n.\\" Made from {} when mutuald is built.\n'
CHARACTERS = {"\\": "\\e", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti", "→": "\\(->", "←": "\\(<-"}


def escaped(text):
    text = "".join(CHARACTERS.get(character, character) for character in text)
    return re.sub(r"^(?=[.])", r"\\&", text, flags=re.MULTILINE)


def inline(text):
    """A paragraph of Markdown: code and stress become bold, of a link its text is left."""
    text = re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", text)
    parts = re.split(r"`([^`]+)`|\*\*([^*]+)\*\*", text)
    words = ""
    for plain, code, stressed in zip(parts[::3], [*parts[1::3], None], [*parts[2::3], None]):
        words += escaped(plain)
        if code or stressed:
            words += f"\\fB{escaped(code or stressed)}\\fR"
    return words


def verbatim(text):
    return f".PP\n.RS 4\n.nf\n{escaped(text)}\n.fi\n.RE\n"


def title(name, section, volume, source):
    return COMMENT.format(source) + f'.TH {name.upper()} {section} "" mutuald "{volume}"\n'
