# SPDX-License-Identifier: Apache-2.0
"""toml_page.py MUTUALD.TOML.MD: mutuald.toml(5), on standard output."""
import re
import sys

import roff


def cells(line):
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def table(lines):
    """Each row a key, its default in brackets, and its meaning."""
    rows, text = [cells(line) for line in lines], ""
    for key, default, meaning in rows[2:]:
        text += f".TP\n{roff.inline(key)}" + (f" ({roff.inline(default)})" if default else "") + "\n"
        text += f"{roff.inline(meaning)}\n"
    return text


def block(lines):
    if lines[0].startswith("|"):
        return table(lines)
    if lines[0].startswith("## ") or lines[0].startswith("### "):
        name = lines[0].lstrip("# ")
        return f".SH {roff.escaped(name if '[' in name else name.upper())}\n" if lines[0].startswith("## ") else \
            f".SS {roff.escaped(name)}\n"
    if re.match(r"\d+\. ", lines[0]):
        items = re.split(r"^(\d+)\. ", "\n".join(lines), flags=re.MULTILINE)[1:]
        return "".join(f".IP {number}. 4\n{roff.inline(re.sub(chr(10) + ' *', ' ', item).strip())}\n"
                       for number, item in zip(items[::2], items[1::2]))
    return f".PP\n{roff.inline(' '.join(lines))}\n"


def blocks(text):
    """Paragraphs, headings, lists and tables, as lists of lines; code as one text."""
    for part in re.split(r"(^```\w*\n.*?^```\n)", text, flags=re.MULTILINE | re.DOTALL):
        if part.startswith("```"):
            yield part.split("\n", 1)[1].removesuffix("```\n").rstrip("\n")
        else:
            yield from (paragraph.splitlines() for paragraph in re.split(r"\n\s*\n", part.strip()) if paragraph)


def page(text):
    heading, _, text = text.partition("\n")
    if heading != "# mutuald.toml":
        sys.exit("toml_page.py: this is not the description of mutuald.toml")
    body = "".join(roff.verbatim(part) if isinstance(part, str) else block(part) for part in blocks(text))
    return (roff.title("mutuald.toml", 5, "File Formats", "docs/mutuald.toml.md")
            + ".SH NAME\nmutuald.toml \\- configuration of mutuald\n.SH DESCRIPTION\n" + body
            + '.SH "SEE ALSO"\n.BR mutuald (8),\n.BR mutualctl (1)\n')


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        sys.stdout.write(page(file.read()))
