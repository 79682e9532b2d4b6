// SPDX-License-Identifier: Apache-2.0
#include "client/mutualctl/rpc_target.h"

#include <netdb.h>

#include <array>
#include <charconv>

namespace mutual::ctl {

namespace {

Error wrong(std::string message, std::string hint) {
    return {Code::invalid_request, Stage::request, std::move(message), std::move(hint)};
}

std::optional<std::uint32_t> number(std::string_view text) {
    const bool is_hexadecimal = text.starts_with("0x") || text.starts_with("0X");
    if (is_hexadecimal) text.remove_prefix(2);
    std::uint32_t value = 0;
    const char* end = text.data() + text.size();
    const auto [read_to, problem] = std::from_chars(text.data(), end, value, is_hexadecimal ? 16 : 10);
    return problem == std::errc() && read_to == end ? std::optional(value) : std::nullopt;
}

Result<std::uint32_t> program_of(const std::string& text) {
    if (const auto value = number(text); value && *value != 0) return *value;
    rpcent storage{};
    rpcent* entry = nullptr;
    std::array<char, 4096> room{};
    if (::getrpcbyname_r(text.c_str(), &storage, room.data(), room.size(), &entry) == 0 && entry != nullptr)
        return static_cast<std::uint32_t>(entry->r_number);
    return wrong("'" + text + "' is no RPC program",
                 "write a number from 1 to 4294967295, or a name of /etc/rpc");
}

// What follows the first of these; the text loses both.
std::optional<std::string> cut_at(std::string& text, char mark) {
    const auto at = text.find(mark);
    if (at == std::string::npos) return std::nullopt;
    std::string rest = text.substr(at + 1);
    text.resize(at);
    return rest;
}

}  // namespace

Result<RpcTarget> parse_rpc_target(std::string_view text) {
    static constexpr auto form = "write PROGRAM[:VERSION][@HOST], as in payroll:2@app1.example.org";
    std::string program(text);
    RpcTarget target;
    target.host = cut_at(program, '@');
    const auto version = cut_at(program, ':');
    if (target.host && target.host->empty()) return wrong("there is no host behind the '@'", form);
    if (version) {
        target.version = number(*version);
        if (!target.version) return wrong("'" + *version + "' is no version of an RPC program", form);
    }
    if (program.empty()) return wrong("no RPC program is named", form);
    auto found = program_of(program);
    if (!found) return std::move(found).error();
    target.program = *found;
    return target;
}

}  // namespace mutual::ctl
