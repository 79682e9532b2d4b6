# SPDX-License-Identifier: Apache-2.0
"""completion_test.py MUTUALCTL FOLDER: what bash, zsh and fish propose, and that it is all that --help tells."""
import os
import pty
import re
import select
import subprocess
import sys
import tempfile
import time
import unittest

MUTUALCTL, FOLDER = sys.argv[1:3]
FILES = {"bash": f"{FOLDER}/bash/mutualctl", "zsh": f"{FOLDER}/zsh/_mutualctl", "fish": f"{FOLDER}/fish/mutualctl.fish"}
# Stands for the program that the shells ask for names.
STAND_IN = """#!/bin/sh
case "$*" in
"--no-legend list-services") printf 'ledger    yes  no\\nlogbook   no   yes\\n' ;;
"--no-legend list-channels") printf 'c0ffee  initiator\\n' ;;
"--no-legend list-requests") printf 'be11  Open  ledger\\nbe57  Plan  ledger\\n' ;;
"introspect org.mutuald.Broker") printf '# text\\nmethod Open(a: int)\\nmethod WhoIs(b: int)\\n' ;;
introspect) echo org.mutuald.Broker ;;
esac
"""
BASH = """source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_mutualctl && printf '%s\\n' "${COMPREPLY[@]}"
"""
# A terminal is needed for zsh to complete. Every proposal is told on a line of its own instead of being shown.
ZSH = """autoload -Uz compinit; compinit -u -D -d $HOME/dump; fpath=({folder} $fpath); autoload -Uz _mutualctl
compdef _mutualctl mutualctl
compadd() {{ builtin compadd -A found "$@"; for one in $found; do print -r -- "$one" >> $HOME/found; done
  builtin compadd "$@" }}
told() {{ print -r -- done >> $HOME/found; }}
"""


def grammar():
    """Verbs and their options, as --help tells them; "" are those of all verbs."""
    def helped(*verb):
        text = subprocess.run([MUTUALCTL, *verb, "--help"], check=True, capture_output=True, text=True).stdout
        return text, set(re.findall(r"(?:^  |,)(--?[a-z-]+)", text, re.MULTILINE))
    text, everywhere = helped()
    verbs = re.findall(r"^  ([a-z-]+) ", text.partition("Subcommands:")[2], re.MULTILINE)
    return {"": everywhere} | {verb: helped(verb)[1] for verb in verbs}


GRAMMAR = grammar()


class Proposals:
    """A test of one shell: proposed(*words) are the proposals for the last word."""

    @classmethod
    def setUpClass(cls):
        cls.home = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.home.cleanup)
        with open(f"{cls.home.name}/mutualctl", "w") as file:
            file.write(STAND_IN)
        os.chmod(file.name, 0o755)
        cls.environment = {"PATH": f"{cls.home.name}:{os.environ['PATH']}", "HOME": cls.home.name, "TERM": "dumb",
                           "XDG_CONFIG_HOME": cls.home.name, "XDG_DATA_HOME": cls.home.name, "LC_ALL": "C.UTF-8"}

    def run_shell(self, *words, **more):
        done = subprocess.run(words, capture_output=True, text=True, env=self.environment, cwd=self.home.name,
                              timeout=60, **more)
        self.assertEqual((done.returncode, done.stderr), (0, ""), words)
        return done.stdout

    def test_every_verb_is_proposed(self):
        self.assertGreater(len(GRAMMAR), 15)
        self.assertEqual(self.proposed("mutualctl", ""), set(GRAMMAR) - {""})

    def test_every_option_of_every_verb_is_proposed(self):
        for verb, options in GRAMMAR.items():
            with self.subTest(verb=verb):
                words = ["mutualctl", verb] if verb else ["mutualctl"]
                self.assertLessEqual({option for option in options if option.startswith("--")},
                                     self.proposed(*words, "--"))

    def test_names_come_from_the_daemon(self):
        for verb in ("open", "accept", "plan", "find"):
            self.assertEqual(self.proposed("mutualctl", verb, "l"), {"ledger", "logbook"}, verb)
        for verb in ("whois", "close-channel"):
            self.assertEqual(self.proposed("mutualctl", verb, ""), {"c0ffee"}, verb)
        self.assertEqual(self.proposed("mutualctl", "explain", "be"), {"be11", "be57"})
        self.assertEqual(self.proposed("mutualctl", "call", ""), {"Open", "WhoIs"})
        self.assertEqual(self.proposed("mutualctl", "introspect", ""), {"org.mutuald.Broker"})

    def test_an_option_before_the_verb_changes_nothing(self):
        self.assertEqual(self.proposed("mutualctl", "--quiet", "open", "led"), {"ledger"})
        self.assertEqual(self.proposed("mutualctl", "open", "--host", "h", "led"), {"ledger"})

    def test_an_options_value_is_proposed_as_well(self):
        self.assertEqual(self.proposed("mutualctl", "whois", "--service", "led"), {"ledger"})
        self.assertEqual(self.proposed("mutualctl", "find", "--rpc", "portm"), {"portmapper"})


class Bash(Proposals, unittest.TestCase):
    def proposed(self, *words):
        return set(self.run_shell("bash", "--norc", "-c", BASH, "bash", FILES["bash"], *words).split())

    def test_after_two_dashes_it_is_a_command(self):
        self.assertIn("cat", self.proposed("mutualctl", "open", "ledger", "--", "ca"))


class Fish(Proposals, unittest.TestCase):
    def proposed(self, *words):
        line = " ".join(words)
        told = self.run_shell("fish", "--no-config", "-c", f"source {FILES['fish']}; complete -C '{line}'")
        return {proposal.split("\t")[0] for proposal in told.splitlines()}


class Zsh(Proposals, unittest.TestCase):
    def proposed(self, *words):
        found = f"{self.home.name}/found"
        with open(found, "w"):
            pass
        with open(f"{self.home.name}/.zshrc", "w") as file:
            file.write("PS1=; zstyle ':completion:*' list-prompt ''; LISTMAX=10000; unsetopt beep\n"
                       + ZSH.format(folder=os.path.dirname(FILES["zsh"])))
            file.write("whole() { zle complete-word; told }; zle -N whole; bindkey '^I' whole\n")
            file.write("print -r -- ready >> $HOME/found\n")
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.home.name)
            os.execvpe("zsh", ["zsh", "-i"], self.environment)
        try:
            self.until("ready", found, terminal)
            os.write(terminal, " ".join(words).encode() + b"\t")
            return self.until("done", found, terminal)
        finally:
            os.close(terminal)
            os.waitpid(pid, 0)

    def until(self, mark, found, terminal):
        """Reads what zsh shows, so that it goes on, until the mark; returns the lines before that."""
        shown, end = b"", time.monotonic() + 60
        while time.monotonic() < end:
            if select.select([terminal], [], [], 0.02)[0]:
                shown += os.read(terminal, 65536)
            with open(found) as file:
                lines = file.read().split("\n")
            if mark in lines:
                return set(lines[:lines.index(mark)]) - {"ready", ""}
        self.fail(f"zsh did not come to '{mark}': {shown}")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
