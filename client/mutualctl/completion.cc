// SPDX-License-Identifier: Apache-2.0
#include "client/mutualctl/completion.h"

#include <algorithm>
#include <array>
#include <set>

#include "client/mutualctl/options.h"

namespace mutual::ctl {

namespace {

// A command that lists the values of an argument, one a line, or nothing when the daemon is not there. The
// names are of [A-Za-z0-9._-], so that no shell sees more in them.
struct Source {
    std::string_view argument;
    std::string_view function;
    std::string_view command;
};

constexpr std::array<Source, 6> sources{{
    {"SERVICE", "services", "mutualctl --no-legend list-services 2>/dev/null | cut -d' ' -f1"},
    {"CHANNEL", "channels", "mutualctl --no-legend list-channels 2>/dev/null | cut -d' ' -f1"},
    {"REQUEST", "requests", "mutualctl --no-legend list-requests 2>/dev/null | cut -d' ' -f1"},
    {"METHOD", "methods",
     "mutualctl introspect org.mutuald.Broker 2>/dev/null | sed -n 's/^method \\([A-Za-z]*\\).*/\\1/p'"},
    {"INTERFACE", "interfaces", "mutualctl introspect 2>/dev/null"},
    {"PROGRAM", "programs", "getent rpc 2>/dev/null | cut -d' ' -f1"},
}};

const Source* source_of(std::string_view argument) {
    const auto* found = std::find_if(sources.begin(), sources.end(),
                                     [&](const Source& source) { return source.argument == argument; });
    return found == sources.end() ? nullptr : found;
}

bool is_path(std::string_view argument) { return argument == "PATH"; }
bool is_command(std::string_view argument) { return argument == "COMMAND"; }

std::string in_single_quotes(std::string_view text) {
    std::string quoted = "'";
    for (const char octet : text) octet == '\'' ? quoted.append("'\\''") : quoted.append(1, octet);
    return quoted + "'";
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words) text.append(text.empty() ? "" : " ").append(word);
    return text;
}

std::vector<std::string> spellings(const std::vector<GrammarOption>& options) {
    std::vector<std::string> words;
    for (const auto& option : options)
        words.insert(words.end(), option.spellings.begin(), option.spellings.end());
    return words;
}

// A shell's pattern: the options of all verbs that take a value; with a name, only those whose value has that
// name.
std::string taking_a_value(const std::vector<GrammarVerb>& grammar, std::string_view value = {}) {
    std::set<std::string> words;
    for (const auto& verb : grammar)
        for (const auto& option : verb.options)
            if (!option.value.empty() && (value.empty() || option.value == value))
                words.insert(option.spellings.begin(), option.spellings.end());
    std::string text;
    for (const auto& word : words) text.append(text.empty() ? "" : "|").append(word);
    return text;
}

std::string bash_arguments(const GrammarVerb& verb) {
    if (verb.arguments.empty()) return "";
    const std::string_view first = verb.arguments.front();
    if (is_path(first)) return " files=-d";
    const Source* source = source_of(first);
    return source == nullptr ? "" : " values=__mutualctl_" + std::string(source->function);
}

// What completes the values of options.
std::string bash_values(const std::vector<GrammarVerb>& grammar) {
    std::string text =
        taking_a_value(grammar, "PATH") + ") mapfile -t COMPREPLY < <(compgen -f -- \"$current\") ;;\n";
    for (const auto& source : sources)
        if (const std::string options = taking_a_value(grammar, source.argument); !options.empty())
            text.append("    ")
                .append(options)
                .append(") mapfile -t COMPREPLY < <(compgen -W \"$(__mutualctl_")
                .append(source.function)
                .append(")\" -- \"$current\") ;;\n");
    return text;
}

std::string bash_completion(const std::vector<GrammarVerb>& grammar) {
    std::string text = "# Completes mutualctl(1) in bash.\n";
    for (const auto& source : sources)
        text.append("__mutualctl_")
            .append(source.function)
            .append("() { ")
            .append(source.command)
            .append("; }\n");
    std::vector<std::string> verbs;
    std::string cases;
    for (const auto& verb : grammar) {
        if (verb.name.empty()) continue;
        verbs.push_back(verb.name);
        cases.append("    ").append(verb.name).append(") options='").append(joined(spellings(verb.options)));
        cases.append("'").append(bash_arguments(verb)).append(" ;;\n");
    }
    text.append(
        "_mutualctl() {\n"
        "  local current=${COMP_WORDS[COMP_CWORD]} verb='' given='' word options='' values='' files='' at=1\n"
        "  COMPREPLY=()\n"
        "  while [ $at -lt $COMP_CWORD ]; do\n"
        "    word=${COMP_WORDS[at]}\n"
        "    case $word in\n"
        "    --)  # a command of its own\n"
        "      if declare -F _command_offset >/dev/null; then _command_offset $((at + 1))\n"
        "      else mapfile -t COMPREPLY < <(compgen -c -- \"$current\"); fi\n"
        "      return ;;\n    ");
    text.append(taking_a_value(grammar))
        .append(
            ") at=$((at + 1)) ;;\n"
            "    -*) ;;\n"
            "    *) if [ -z \"$verb\" ]; then verb=$word; else given=$word; fi ;;\n"
            "    esac\n"
            "    at=$((at + 1))\n"
            "  done\n"
            "  if [ $at -gt $COMP_CWORD ]; then  # an option's value\n"
            "    case ${COMP_WORDS[COMP_CWORD-1]} in\n    ");
    text.append(bash_values(grammar))
        .append(
            "    esac\n"
            "    return\n"
            "  fi\n"
            "  case $verb in\n    '') values='echo ")
        .append(joined(verbs))
        .append("' ;;\n")
        .append(cases);
    text.append(
            "  esac\n"
            "  if [ \"${current:0:1}\" = - ]; then\n"
            "    mapfile -t COMPREPLY < <(compgen -W \"$options ")
        .append(joined(spellings(grammar.front().options)))
        .append(
            "\" -- \"$current\")\n"
            "  elif [ -n \"$files\" ]; then\n"
            "    mapfile -t COMPREPLY < <(compgen $files -- \"$current\")\n"
            "  elif [ -n \"$values\" ] && [ -z \"$given\" ]; then\n"
            "    mapfile -t COMPREPLY < <(compgen -W \"$($values)\" -- \"$current\")\n"
            "  fi\n"
            "}\n"
            "complete -F _mutualctl mutualctl\n");
    return text;
}

// Within a specification of _arguments a colon and brackets have a meaning.
std::string for_zsh(std::string_view text) {
    std::string escaped;
    for (const char octet : text) {
        if (octet == '[' || octet == ']' || octet == ':' || octet == '\\') escaped.append("\\");
        escaped.append(1, octet);
    }
    return escaped;
}

std::string zsh_action(std::string_view argument) {
    if (is_path(argument)) return "_files";
    if (is_command(argument)) return "_command_names -e";
    const Source* source = source_of(argument);
    return source == nullptr ? "" : "__mutualctl_" + std::string(source->function);
}

std::string zsh_options(const GrammarVerb& verb) {
    std::string text;
    for (const auto& option : verb.options)
        for (const auto& spelling : option.spellings) {
            std::string specification = option.is_repeatable ? "*" : "";
            specification.append(spelling).append("[").append(for_zsh(option.description)).append("]");
            if (!option.value.empty())
                specification.append(":").append(option.value).append(":").append(zsh_action(option.value));
            text.append(" \\\n      ").append(in_single_quotes(specification));
        }
    return text;
}

std::string zsh_arguments(const GrammarVerb& verb) {
    std::string text;
    std::size_t place = 1;
    for (const auto& argument : verb.arguments) {
        if (is_command(argument)) {
            text.append(" \\\n      '*::command:_normal'");
            continue;
        }
        const std::string before = is_path(argument) ? "*" : std::to_string(place++) + ":";
        text.append(" \\\n      ")
            .append(in_single_quotes(before + (is_path(argument) ? ":" : "") + argument + ":" +
                                     zsh_action(argument)));
    }
    return text;
}

std::string zsh_completion(const std::vector<GrammarVerb>& grammar) {
    std::string text = "#compdef mutualctl\n# Completes mutualctl(1) in zsh.\n";
    for (const auto& source : sources)
        text.append("__mutualctl_")
            .append(source.function)
            .append("() { compadd -- ${(f)\"$(")
            .append(source.command)
            .append(")\"} }\n");
    std::string verbs;
    std::string cases;
    for (const auto& verb : grammar) {
        if (verb.name.empty()) continue;
        verbs.append("    ")
            .append(in_single_quotes(verb.name + ":" + for_zsh(verb.description)))
            .append("\n");
        cases.append("  ")
            .append(verb.name)
            .append(")\n    _arguments -s")
            .append(zsh_options(grammar.front()));
        cases.append(zsh_options(verb)).append(zsh_arguments(verb)).append(" ;;\n");
    }
    text.append("_mutualctl() {\n  local state line curcontext=$curcontext\n  local -a verbs=(\n")
        .append(verbs);
    text.append("  )\n  _arguments -C -s").append(zsh_options(grammar.front()));
    text.append(
            " \\\n      '1: :->verb' '*:: :->arguments'\n"
            "  case $state in\n"
            "  verb) _describe verb verbs ; return ;;\n"
            "  arguments) ;;\n"
            "  *) return ;;\n"
            "  esac\n"
            "  curcontext=${curcontext%:*:*}:mutualctl-$words[1]:\n"
            "  case $words[1] in\n")
        .append(cases);
    text.append("  esac\n}\n_mutualctl \"$@\"\n");
    return text;
}

std::string fish_options(const GrammarVerb& verb) {
    std::string text;
    for (const auto& option : verb.options) {
        text.append("complete -c mutualctl");
        if (!verb.name.empty())
            text.append(" -n '__fish_seen_subcommand_from ").append(verb.name).append("'");
        for (const auto& spelling : option.spellings)
            text.append(spelling.starts_with("--") ? " -l " + spelling.substr(2)
                                                   : " -s " + spelling.substr(1));
        if (!option.value.empty()) text.append(is_path(option.value) ? " -r -F" : " -x");
        if (const Source* source = source_of(option.value))
            text.append(" -a '(__mutualctl_").append(source->function).append(")'");
        text.append(" -d ").append(in_single_quotes(option.description)).append("\n");
    }
    return text;
}

std::string fish_arguments(const GrammarVerb& verb) {
    if (verb.arguments.empty()) return "";
    const std::string& first = verb.arguments.front();
    const std::string when = "complete -c mutualctl -n '__fish_seen_subcommand_from " + verb.name + "'";
    if (is_path(first)) return when + " -F\n";
    const Source* source = source_of(first);
    return source == nullptr ? "" : when + " -a '(__mutualctl_" + std::string(source->function) + ")'\n";
}

std::string fish_completion(const std::vector<GrammarVerb>& grammar) {
    std::string text = "# Completes mutualctl(1) in fish.\n";
    for (const auto& source : sources)
        text.append("function __mutualctl_")
            .append(source.function)
            .append("\n    ")
            .append(source.command)
            .append("\nend\n");
    text.append("complete -c mutualctl -f\n").append(fish_options(grammar.front()));
    for (const auto& verb : grammar) {
        if (verb.name.empty()) continue;
        text.append("complete -c mutualctl -n __fish_use_subcommand -a ").append(verb.name).append(" -d ");
        text.append(in_single_quotes(verb.description)).append("\n");
        text.append(fish_options(verb)).append(fish_arguments(verb));
    }
    return text;
}

}  // namespace

std::string completion_for(std::string_view shell) {
    const std::vector<GrammarVerb> verbs = grammar();
    if (shell == "bash") return bash_completion(verbs);
    if (shell == "zsh") return zsh_completion(verbs);
    if (shell == "fish") return fish_completion(verbs);
    return {};
}

}  // namespace mutual::ctl
