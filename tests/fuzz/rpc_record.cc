// SPDX-License-Identifier: Apache-2.0
// Record marking: the first octet says how long a record may be, the second the length of the pieces in which
// the rest arrives.
#include "wire/rpc_record.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/property.h"

namespace mutual::fuzz {
namespace {

using namespace wire;

constexpr std::uint32_t last_fragment = 0x80000000;

struct Records {
    std::vector<std::string> given;
    std::string refusal;
    bool at_boundary = true;
    bool operator==(const Records&) const = default;
};

Records cut(std::string_view stream, std::size_t piece, std::size_t most) {
    RecordReader reader(most);
    Records records;
    while (!stream.empty()) {
        // On memory of its own, as a socket's buffer is.
        std::string arrived(stream.substr(0, piece));
        stream.remove_prefix(arrived.size());
        MutableBytes input = std::as_writable_bytes(std::span(arrived));
        while (!input.empty()) {
            const auto record = reader.next(input);
            if (!accepted(record)) {
                require(record.error().code == Code::limit, "only a bound refuses a record");
                records.refusal = record.error().message;
                return records;
            }
            if (!record->has_value()) {
                require(input.empty(), "without a record the input is used up");
                break;
            }
            require((*record)->size() <= most, "a record is within its bound");
            records.given.emplace_back(reinterpret_cast<const char*>((*record)->data()), (*record)->size());
        }
    }
    records.at_boundary = reader.is_at_boundary();
    require(!reader.progress().empty(), "the reader says how far it is");
    return records;
}

std::uint32_t mark_at(std::string_view stream) {
    std::uint32_t word = 0;
    for (const char octet : stream.substr(0, record_mark))
        word = word << 8 | static_cast<std::uint8_t>(octet);
    return word;
}

// The same in the simplest way: everything is there, and nothing is bounded but by what is there.
Records expected(std::string_view stream, std::size_t most) {
    Records records;
    std::string record;
    std::size_t fragments = 0;
    while (stream.size() >= record_mark) {
        const std::uint32_t word = mark_at(stream);
        const std::size_t size = word & ~last_fragment;
        if (record.size() + size > most || ++fragments > most_fragments) {
            records.refusal = "refused";
            records.at_boundary = true;  // nobody asks
            return records;
        }
        stream.remove_prefix(record_mark);
        record += stream.substr(0, size);
        records.at_boundary = false;
        if (stream.size() < size) return records;
        stream.remove_prefix(size);
        if ((word & last_fragment) == 0) continue;
        records.given.push_back(std::exchange(record, {}));
        records.at_boundary = true;
        fragments = 0;
    }
    records.at_boundary = records.at_boundary && stream.empty();
    return records;
}

}  // namespace
}  // namespace mutual::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutual::fuzz;
    Input input(data, size);
    const std::size_t most = 4U * (1U + input.octet());
    const std::size_t piece = 1U + input.octet();
    const std::string_view stream = input.rest();
    Records whole = cut(stream, std::max<std::size_t>(1, stream.size()), most);
    require(cut(stream, 1, most) == whole, "octet by octet the records are the same");
    require(cut(stream, piece, most) == whole, "in pieces the records are the same");
    if (!whole.refusal.empty()) whole.refusal = "refused";
    require(whole == expected(stream, most), "records are what their marks say");
    return 0;
}
