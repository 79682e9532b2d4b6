// SPDX-License-Identifier: Apache-2.0
// A DNS answer with SRV records.
#include <algorithm>

#include "plugins/scp/srv.h"
#include "tests/fuzz/property.h"

namespace mutual::fuzz {
namespace {

using scp::SrvRecord;

void check_order(const std::vector<SrvRecord>& records) {
    std::uint32_t state = 1;
    const auto random = [&state](std::uint32_t most) {
        state = state * 1664525U + 1013904223U;
        return static_cast<std::uint32_t>(state % (std::uint64_t{most} + 1));
    };
    const auto sorted = ordered(records, random);
    require(std::is_permutation(records.begin(), records.end(), sorted.begin(), sorted.end()),
            "ordering loses no record");
    require(std::is_sorted(sorted.begin(), sorted.end(),
                           [](const auto& a, const auto& b) { return a.priority < b.priority; }),
            "a lower priority comes first");
}

}  // namespace
}  // namespace mutual::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutual::fuzz;
    const auto records = mutual::scp::parse_srv(std::span(data, size));
    if (!accepted(records)) return 0;
    require(records->size() <= 64, "the number of records is bounded");
    for (const auto& record : *records) {
        require(record.port != 0 && !record.target.empty() && record.target != ".",
                "a record leads somewhere");
        require(record.target.size() <= 1024, "a name is bounded");
    }
    check_order(*records);
    return 0;
}
