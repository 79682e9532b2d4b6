// SPDX-License-Identifier: Apache-2.0
// The interface descriptions obey Varlink's grammar, name only types that they declare, and speak our error
// codes.
#include "varlink/interfaces.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <string>
#include <vector>

#include "mutual/error.h"
#include "varlink/service.h"

namespace mutual::varlink {
namespace {

// Words and signs, without comments.
std::vector<std::string> tokens_of(std::string_view text) {
    std::vector<std::string> tokens;
    for (std::size_t i = 0; i < text.size();) {
        const auto is_word = [&](std::size_t at) {
            return at < text.size() && (std::isalnum(static_cast<unsigned char>(text[at])) ||
                                        text[at] == '_' || (text[at] == '.' && at > i));
        };
        std::size_t end = i + 1;
        if (text[i] == '#')
            end = std::min(text.find('\n', i), text.size());
        else if (is_word(i))
            while (is_word(end)) ++end;
        else if (text.substr(i, 2) == "->" || text.substr(i, 2) == "[]")
            end = i + 2;
        const bool is_nothing = text[i] == '#' || std::isspace(static_cast<unsigned char>(text[i]));
        if (!is_nothing) tokens.emplace_back(text.substr(i, end - i));
        i = end;
    }
    return tokens;
}

// A recursive-descent reader of the grammar; `problem` says where it first failed.
class Reader {
public:
    explicit Reader(std::string_view text) : tokens_(tokens_of(text)) {
        word("interface");
        name_ = take();
        while (problem.empty() && at_ < tokens_.size()) member();
        for (const auto& type : used_)
            if (!types.contains(type)) fail("type " + type + " is not declared");
    }

    std::string problem;
    std::set<std::string> types;
    std::set<std::string> methods;
    std::set<std::string> errors;

private:
    void fail(const std::string& what) {
        if (problem.empty()) problem = name_ + ": " + what + " at token " + std::to_string(at_);
    }
    std::string peek() const { return at_ < tokens_.size() ? tokens_[at_] : std::string(); }
    std::string take() { return at_ < tokens_.size() ? tokens_[at_++] : std::string(); }
    void word(const std::string& expected) {
        if (const std::string got = take(); got != expected)
            fail("'" + got + "' instead of '" + expected + "'");
    }
    bool skip(const std::string& sign) {
        if (peek() != sign) return false;
        ++at_;
        return true;
    }
    // Declares a name that begins with a capital letter, once.
    void declare(std::set<std::string>& names) {
        const std::string name = take();
        if (name.empty() || !std::isupper(static_cast<unsigned char>(name[0])) || !names.insert(name).second)
            fail("'" + name + "' cannot be declared");
    }
    void member() {
        const std::string kind = take();
        if (kind != "type" && kind != "method" && kind != "error")
            return fail("unknown member '" + kind + "'");
        declare(kind == "type" ? types : kind == "method" ? methods : errors);
        fields();
        if (kind != "method") return;
        word("->");
        fields();
    }
    // A structure or, where no field has a type, an enumeration.
    void fields() {
        word("(");
        if (skip(")")) return;
        std::set<std::string> names;
        do {
            const std::string field = take();
            if (field.empty() || !std::islower(static_cast<unsigned char>(field[0])) ||
                !names.insert(field).second)
                return fail("bad field '" + field + "'");
            if (skip(":")) type();
        } while (problem.empty() && skip(","));
        word(")");
    }
    void type() {
        static const std::set<std::string> built_in{"bool", "int", "float", "string", "object"};
        if (skip("?") && peek() == "?") return fail("a type that is optional twice");
        if (skip("[]")) return type();
        if (skip("[")) {
            word("string");
            word("]");
            return type();
        }
        if (peek() == "(") return fields();
        const std::string name = take();
        if (!built_in.contains(name)) used_.insert(name);
    }

    std::vector<std::string> tokens_;
    std::size_t at_ = 0;
    std::string name_;
    std::set<std::string> used_;
};

const std::vector<std::string_view> all{broker_interface,  keys_interface,      grant_interface,
                                        channel_interface, admission_interface, plugins_interface};

TEST(Interfaces, ObeyTheGrammarAndDeclareWhatTheyName) {
    for (const std::string_view text : all) EXPECT_EQ(Reader(text).problem, "") << interface_name(text);
}

TEST(Interfaces, KnowOnlyErrorsThatAreCodes) {
    for (const std::string_view text : all)
        for (const auto& error : Reader(text).errors) EXPECT_TRUE(code_named(error)) << error;
}

TEST(Interfaces, DeclareEveryCodeInThePublicOne) {
    const std::set<std::string> errors = Reader(broker_interface).errors;
    for (const std::string_view code : code_names) EXPECT_TRUE(errors.contains(std::string(code))) << code;
}

TEST(Interfaces, AreRefusedByThisCheckWhenTheyAreWrong) {
    for (const char* wrong : {"interface a.b type t ()", "interface a.b method M()",
                              "interface a.b type T (a: Unknown)", "interface a.b type T (a: int, a: int)",
                              "interface a.b type T (a: ??int)", "interface a.b type T (a: int",
                              "interface a.b error E (A: int)", "interface a.b type T () type T ()"})
        EXPECT_NE(Reader(wrong).problem, "") << wrong;
    EXPECT_EQ(
        Reader("interface a.b # c\ntype T (a: ?[]int, b: [string]T, c: (x, y)) method M() -> (t: T)").problem,
        "");
}

}  // namespace
}  // namespace mutual::varlink
