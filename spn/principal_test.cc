// SPDX-License-Identifier: Apache-2.0
// Our principal texts, read by the real libkrb5, and its texts read by us.
#include <gtest/gtest.h>
#include <krb5.h>

#include "mutual/spn.h"

namespace mutual {
namespace {

using Components = std::vector<std::string>;

class Library {
public:
    Library() {
        if (krb5_init_context(&context_) != 0) throw std::runtime_error("libkrb5 does not start");
    }
    ~Library() { krb5_free_context(context_); }
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;

    // components, then the realm; empty if the library refuses the text
    Components parse(const std::string& text) const {
        krb5_principal principal = nullptr;
        if (krb5_parse_name(context_, text.c_str(), &principal) != 0) return {};
        Components parts;
        for (int i = 0; i < principal->length; ++i) parts.push_back(string_of(principal->data[i]));
        parts.push_back(string_of(principal->realm));
        krb5_free_principal(context_, principal);
        return parts;
    }

    std::string print(Components parts) const {
        const std::string realm = parts.back();
        parts.pop_back();
        std::vector<krb5_data> data;
        for (auto& part : parts) data.push_back(data_of(part));
        krb5_principal_data principal{};
        principal.realm = data_of(realm);
        principal.data = data.data();
        principal.length = static_cast<krb5_int32>(data.size());
        char* text = nullptr;
        EXPECT_EQ(krb5_unparse_name(context_, &principal, &text), 0);
        std::string printed{text};
        krb5_free_unparsed_name(context_, text);
        return printed;
    }

private:
    static std::string string_of(const krb5_data& data) { return {data.data, data.length}; }
    static krb5_data data_of(const std::string& text) {
        return {KV5M_DATA, static_cast<unsigned>(text.size()), const_cast<char*>(text.data())};
    }
    krb5_context context_ = nullptr;
};

Components parts_of(const std::string& text) {
    auto parts = parse_principal(text);
    if (!parts) return {};
    parts->components.push_back(parts->realm);
    return parts->components;
}

TEST(SpnPrincipal, FT_016_LibraryReadsBackExactlyTheComponents) {
    const Library library;
    for (const std::string name :
         {"CN=books,DC=corp", "CN=Web Mail\\, Inc,OU=x", "CN=a@b", "CN=a\\\\b", "CN=x\\n\\t", "\\", "@",
          " lead and trail ", "CN=\\20x\\#", "a:b;c\"d'e", "\\@\\"}) {
        auto text = to_principal({"ledger", "app1.corp", 7001, "", name}, "CORP.EXAMPLE");
        ASSERT_TRUE(text) << name;
        EXPECT_EQ(library.parse(*text), (Components{"ledger", "app1.corp:7001", name, "CORP.EXAMPLE"}))
            << *text;
    }
}

TEST(SpnPrincipal, FT_016_EveryPrintableOctetSurvivesInEveryPart) {
    const Library library;
    for (char c = ' '; c <= '~'; ++c) {
        const Spn spn{std::string{"a"} + c, std::string{"h"} + c + "x", 0, "",
                      std::string{"n"} + c + "m" + c};
        auto text = to_principal(spn, "R");
        const bool allowed = c != '/' && c != '@' && c != ' ' && c != ':';
        ASSERT_EQ(text.ok(), allowed) << c;
        if (!allowed) continue;
        EXPECT_EQ(library.parse(*text), (Components{spn.service_class, spn.host, spn.service_name, "R"}));
    }
}

TEST(SpnPrincipal, FT_016_TwoPartsAndInstance) {
    const Library library;
    EXPECT_EQ(*to_principal({"ldap", "dc1", 0, "", ""}, "R.X"), "ldap/dc1@R.X");
    EXPECT_EQ(library.parse(*to_principal({"sql", "db", 0, "a\\b", ""}, "R")),
              (Components{"sql", "db:a\\b", "R"}));
}

TEST(SpnPrincipal, FT_017_SpellingIsNotFolded) {
    EXPECT_EQ(*to_principal({"LDAP", "Dc1.Corp", 0, "", "CN=Books"}, "Corp.Example"),
              "LDAP/Dc1.Corp/CN=Books@Corp.Example");
}

TEST(SpnPrincipal, RefusesRealmsThatAreNoDomain) {
    for (const auto* realm : {"", "A@B", "A/B", "A\\B", "A B", "A:B", "R\n", "\xc3\x84"})
        EXPECT_FALSE(to_principal({"c", "h", 0, "", ""}, realm)) << realm;
    EXPECT_TRUE(to_principal({"c", "h", 0, "", ""}, "A-1_b.EXAMPLE"));
}

TEST(SpnPrincipal, RefusesAnSpnThatIsNotValid) {
    EXPECT_FALSE(to_principal({"", "h", 0, "", ""}, "R"));
    EXPECT_FALSE(to_principal({"c", "h", 0, "", "a/b"}, "R"));
}

TEST(PrincipalReader, ReadsWhatTheLibraryPrints) {
    const Library library;
    for (const Components& parts :
         {Components{"alice", "R"}, Components{"a", "b", "c", "d", "R"},
          Components{"a/b", "c@d", "e\\f", "R"}, Components{"a\nb\tc\bd", "R.X"},
          Components{std::string{"a\0b", 3}, "R"}, Components{"", "x", "R"}, Components{"a b", ""},
          Components{"\xc3\xa4", "R"}, Components{"a", "R\\@S"}})
        EXPECT_EQ(parts_of(library.print(parts)), parts) << library.print(parts);
}

TEST(PrincipalReader, AgreesWithTheLibraryOnEveryShortText) {
    const Library library;
    constexpr std::string_view alphabet = "a/@\\n";
    for (std::size_t size = 1; size <= 6; ++size) {
        std::size_t count = 1;
        for (std::size_t i = 0; i < size; ++i) count *= alphabet.size();
        for (std::size_t n = 0; n < count; ++n) {
            std::string text;
            for (std::size_t i = 0, rest = n; i < size; ++i, rest /= alphabet.size())
                text += alphabet[rest % alphabet.size()];
            const auto ours = parts_of(text);
            // We refuse more: escapes that the library never prints. What we accept it reads in the same way.
            if (ours.empty()) continue;
            ASSERT_EQ(library.parse(text), ours) << text;
        }
    }
}

TEST(PrincipalReader, RefusesWhatTheLibraryNeverPrints) {
    for (const auto* text : {"", "alice", "a@b@c", "a@b/c", "a\\", "a\\,b@R", "a@R\\"})
        EXPECT_FALSE(parse_principal(text)) << text;
}

TEST(PrincipalReader, SpnOfPrincipalIsTheInverse) {
    for (const auto* text : {"ldap/dc1", "ldap/dc1:389", "sql/db:i", "ledger/app1/CN=a\\, b@c,DC=x"}) {
        auto spn = parse_spn(text);
        ASSERT_TRUE(spn);
        EXPECT_EQ(*spn_of_principal(*to_principal(*spn, "CORP")), *spn);
    }
}

TEST(PrincipalReader, PrincipalsThatAreNoSpn) {
    for (const auto* text :
         {"alice@R", "a/b/c/d@R", "a/b\\/c@R", "/h@R", "c/@R", "c/h/@R", "c/h\\nx@R", "@R"})
        EXPECT_FALSE(spn_of_principal(text)) << text;
}

TEST(SamePrincipal, ComparesComponentsAndRealm) {
    EXPECT_TRUE(same_principal("a/b@R", "a/b@R"));
    EXPECT_FALSE(same_principal("a/b@R", "a/B@R"));
    EXPECT_FALSE(same_principal("a/b@R", "a/b@S"));
    EXPECT_FALSE(same_principal("a/b@R", R"(a\/b@R)"));
    EXPECT_FALSE(same_principal("a/b", "a/b"));
}

}  // namespace
}  // namespace mutual
