# SPDX-License-Identifier: Apache-2.0
"""pages_test.py TREE BUILD: the manual pages are well-formed, and leave out nothing of what they describe."""
import glob
import os
import re
import subprocess
import sys
import unittest

TREE, BUILD = sys.argv[1:3]
MADE = f"{BUILD}/docs/man"


def contents(path):
    with open(path) as file:
        return file.read()


def plain(page):
    """The page's text without escapes."""
    return re.sub(r"\\f[BIR]|\\&", "", contents(page)).replace("\\-", "-").replace("\\(aq", "'").replace("\\e", "\\")


class Pages(unittest.TestCase):
    def missing(self, names, page):
        text = plain(page)
        self.assertTrue(names, page)
        self.assertEqual([name for name in names if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)], [],
                         f"{os.path.basename(page)} does not name these")

    def test_groff_has_no_complaint(self):
        pages = glob.glob(f"{TREE}/docs/man/*.[1-8]") + [f"{MADE}/mutuald.toml.5", f"{MADE}/org.mutuald.Broker.7"]
        self.assertGreater(len(pages), 7)
        for page in pages:
            done = subprocess.run(["groff", "-man", "-Kutf8", "-Tutf8", "-ww", "-z", page], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""), page)

    def test_every_program_tells_all_its_options(self):
        for page in glob.glob(f"{TREE}/docs/man/*.[18]"):
            program = os.path.basename(page)[:-2]
            told = subprocess.run([f"{BUILD}/bin/{program}", "--help"], capture_output=True, text=True, check=True).stdout
            self.missing(set(re.findall(r"--[a-z][a-z-]+", told)), page)

    def test_the_broker_page_has_every_member_and_field(self):
        text = re.sub(r"^#.*", "", contents(f"{TREE}/varlink/interfaces/org.mutuald.Broker.varlink"), flags=re.MULTILINE)
        names = set(re.findall(r"^(?:method|type|error) (\w+)", text, re.MULTILINE)) | set(re.findall(r"(\w+): ", text))
        self.missing(names, f"{MADE}/org.mutuald.Broker.7")

    def test_the_configuration_page_has_every_key(self):
        text = contents(f"{TREE}/docs/mutuald.toml.md")
        keys = re.findall(r"^\| `(\w+)`", text, re.MULTILINE) + re.findall(r"^##+ (\[.+\])$", text, re.MULTILINE)
        self.missing(keys, f"{MADE}/mutuald.toml.5")

    def test_the_library_page_has_every_function_field_and_value(self):
        text = contents(f"{TREE}/include/mutual/mutual.h")
        names = re.findall(r"^MUTUAL_API .*?(mutual_\w+)\(", text, re.MULTILINE)
        names += re.findall(r"\b(MUTUAL_\w+) = ", text)
        names += re.findall(r"^    [\w* ]+[ *](\w+);", re.search(r"struct mutual_request \{(.*?)\}", text, re.DOTALL)[1],
                            re.MULTILINE)
        self.missing(names, f"{TREE}/docs/man/libmutual.3")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
