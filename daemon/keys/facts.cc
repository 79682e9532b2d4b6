// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys/facts.h"

#include <sys/random.h>

#include <array>
#include <cstdlib>

namespace mutual::keys {

namespace {

constexpr std::size_t most_facts = 65536;

}  // namespace

boost::json::object to_json(const Flags& flags) {
    boost::json::object object;
    object["mutual"] = flags.mutual;
    object["confidentiality"] = flags.confidentiality;
    object["integrity"] = flags.integrity;
    object["replay"] = flags.replay;
    object["sequence"] = flags.sequence;
    object["delegation"] = flags.delegation;
    return object;
}

std::string random_context_id() {
    std::array<unsigned char, 16> bytes{};
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) std::abort();
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const unsigned char byte : bytes) {
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

Result<std::string> FactsTable::add(Facts facts, Time until) {
    if (facts_.size() >= most_facts)
        return Error(Code::limit, Stage::handshake, "keep the facts of a context: too many were never read");
    std::string id = random_context_id();
    if (taker_ && taker_(id, facts)) return id;
    facts_.emplace(id, Kept{std::move(facts), until});
    return id;
}

std::optional<Facts> FactsTable::take(const std::string& id) {
    const auto found = facts_.find(id);
    if (found == facts_.end()) return std::nullopt;
    Facts facts = std::move(found->second.facts);
    facts_.erase(found);
    return facts;
}

void FactsTable::sweep(Time now) {
    std::erase_if(facts_, [now](const auto& entry) { return entry.second.until <= now; });
}

}  // namespace mutual::keys
