// SPDX-License-Identifier: Apache-2.0
#include "plugins/oncrpc/rpc_options.h"

#include <limits>

#include "plugins/options/options.h"

namespace mutual::oncrpc {

namespace {

constexpr std::int64_t highest = std::numeric_limits<std::uint32_t>::max();

std::uint32_t required_number(options::Reader& reader, std::string_view key, std::int64_t lowest) {
    const auto value = reader.number(key, lowest, highest);
    if (!value) reader.fault(key, "is missing");
    return static_cast<std::uint32_t>(value.value_or(0));
}

std::vector<std::uint32_t> required_versions(options::Reader& reader) {
    std::vector<std::uint32_t> versions;
    for (const std::int64_t version : reader.numbers("versions", 0, highest))
        versions.push_back(static_cast<std::uint32_t>(version));
    if (versions.empty()) reader.fault("versions", "is missing or empty");
    std::ranges::sort(versions);
    return versions;
}

}  // namespace

Result<RpcOptions> read_rpc_options(std::string_view json) {
    auto object = options::parse(json);
    if (!object) return std::move(object).error();
    options::Reader reader{*object};
    RpcOptions read;
    read.program = required_number(reader, "program", 1);
    read.versions = required_versions(reader);
    constexpr std::size_t privacy = 2;
    const std::size_t service = reader.choice("service", {"none", "integrity", "privacy"}, privacy);
    read.service = static_cast<wire::GssService>(service + 1);
    const auto most = reader.number("max_record", 4096, static_cast<std::int64_t>(wire::largest_record));
    if (most) read.max_record = static_cast<std::size_t>(*most);
    read.tells_server = reader.choice("credential", {"sys", "none"}, 0) == 0;
    if (auto good = reader.finish(); !good) return std::move(good).error();
    return read;
}

}  // namespace mutual::oncrpc
