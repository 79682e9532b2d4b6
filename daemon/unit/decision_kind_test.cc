// SPDX-License-Identifier: Apache-2.0
#include "daemon/unit/decision_kind.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <string>

namespace mutual::unit {
namespace {

// The catalog's entries: the text by id.
std::map<std::string, std::string> read_catalog() {
    std::ifstream file(MUTUAL_CATALOG);
    std::map<std::string, std::string> entries;
    std::string* text = nullptr;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("-- ")) {
            const auto [entry, is_new] = entries.try_emplace(line.substr(3));
            EXPECT_TRUE(is_new) << line << " is there twice";
            text = &entry->second;
        } else if (text != nullptr) {
            text->append(line).push_back('\n');
        }
    }
    return entries;
}

TEST(DecisionKinds, HaveIdsOfTheirOwn) {
    std::set<std::string_view> ids;
    for (const DecisionKind& kind : decision_kinds) {
        EXPECT_EQ(kind.id.size(), 32U);
        EXPECT_EQ(kind.id.find_first_not_of("0123456789abcdef"), std::string_view::npos);
        EXPECT_TRUE(ids.insert(kind.id).second) << kind.id;
    }
}

TEST(DecisionKinds, AreExplainedByTheCatalogAndNothingElseIs) {
    auto entries = read_catalog();
    for (const DecisionKind& kind : decision_kinds) {
        const auto entry = entries.extract(std::string(kind.id));
        ASSERT_FALSE(entry.empty()) << kind.id << " is not in the catalog";
        EXPECT_TRUE(entry.mapped().starts_with("Subject: ")) << kind.id;
        EXPECT_NE(entry.mapped().find("\nDefined-By: mutuald\n"), std::string::npos) << kind.id;
        EXPECT_NE(entry.mapped().find("\n\n"), std::string::npos) << kind.id << " has no text";
    }
    for (const auto& [id, text] : entries) ADD_FAILURE() << id << " is of no decision";
}

TEST(DecisionKinds, AreFoundByTheDecision) {
    EXPECT_EQ(kind_of({{Field::service, "ledger"}}), nullptr);
    EXPECT_EQ(kind_of({{Field::decision, "admitted"}})->decision, "admitted");
    EXPECT_EQ(kind_of({{Field::request, "1"}, {Field::decision, "Denied"}})->decision,
              "(a request that failed)");
    EXPECT_EQ(kind_of({{Field::peer, "p"}, {Field::decision, "Denied"}})->decision,
              "(a peer that was refused)");
}

}  // namespace
}  // namespace mutual::unit
