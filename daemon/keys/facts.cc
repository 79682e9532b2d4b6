// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys/facts.h"

#include <sys/random.h>

#include <array>
#include <cstdlib>

namespace mutual::keys {

namespace {

constexpr std::size_t most_facts = 65536;
constexpr std::size_t most_taken = 1024;

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
    std::string id = random_context_id();
    if (taker_ && taker_(id, facts)) {
        taken_.emplace_back(id, Kept{std::move(facts), until});
        if (taken_.size() > most_taken) taken_.pop_front();
        return id;
    }
    if (facts_.size() >= most_facts)
        return Error(Code::limit, Stage::handshake, "keep the facts of a context: too many were never read");
    facts_.emplace(id, Kept{std::move(facts), until});
    return id;
}

std::optional<Facts> FactsTable::take(const std::string& id) {
    for (std::map<std::string, Kept>* table : {&facts_, &left_}) {
        const auto found = table->find(id);
        if (found == table->end()) continue;
        std::optional<Facts> facts(std::move(found->second.facts));
        table->erase(found);
        return facts;
    }
    return std::nullopt;
}

void FactsTable::taker_is_gone() {
    for (auto& [id, kept] : std::exchange(taken_, {})) {
        if (left_.size() >= most_taken) break;
        left_.emplace(std::move(id), std::move(kept));
    }
}

void FactsTable::sweep(Time now) {
    while (!taken_.empty() && taken_.front().second.until <= now) taken_.pop_front();
    for (std::map<std::string, Kept>* table : {&facts_, &left_})
        std::erase_if(*table, [now](const auto& entry) { return entry.second.until <= now; });
}

}  // namespace mutual::keys
