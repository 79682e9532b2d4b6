// SPDX-License-Identifier: Apache-2.0
#include "plugins/scp/srv.h"

#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "plugins/options/fold.h"

namespace mutual::scp {
namespace {

constexpr std::size_t most_records = 64;

Error failed(const std::string& name, const std::string& why) {
    return {Code::discovery_failed, Stage::discovery, "look up SRV records of " + name + ": " + why};
}

// Owns the resolver's state for one look-up.
class Resolver {
public:
    explicit Resolver(Deadline deadline) {
        ready_ = res_ninit(&state_) == 0;
        const auto left =
            std::chrono::duration_cast<std::chrono::seconds>(deadline - std::chrono::steady_clock::now());
        state_.retrans = static_cast<int>(std::clamp<std::int64_t>(left.count() / 2, 1, 5));
        state_.retry = 2;
    }
    ~Resolver() {
        if (ready_) res_nclose(&state_);
    }
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    bool ready() const { return ready_; }
    int query(const std::string& name, std::span<unsigned char> answer) {
        return res_nquery(&state_, name.c_str(), ns_c_in, ns_t_srv, answer.data(),
                          static_cast<int>(answer.size()));
    }
    int error() const { return state_.res_h_errno; }

private:
    struct __res_state state_ {};
    bool ready_ = false;
};

bool read_record(const ns_msg& message, const ns_rr& record, SrvRecord& srv) {
    const unsigned char* data = ns_rr_rdata(record);
    if (ns_rr_rdlen(record) < 7) return false;
    std::array<char, NS_MAXDNAME> target{};
    if (dn_expand(ns_msg_base(message), ns_msg_end(message), data + 6, target.data(), target.size()) < 0)
        return false;
    srv.priority = static_cast<std::uint16_t>(ns_get16(data));
    srv.weight = static_cast<std::uint16_t>(ns_get16(data + 2));
    srv.port = static_cast<std::uint16_t>(ns_get16(data + 4));
    srv.target = target.data();
    return !srv.target.empty() && srv.target != "." && srv.port != 0;
}

}  // namespace

bool is_dns_name(std::string_view name) {
    name = options::without_final_dot(name);
    const auto good = [](char c) {
        c = options::lower(c);
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
    };
    return !name.empty() && name.size() <= 253 && name.front() != '.' && name.back() != '.' &&
           name.find("..") == name.npos && std::all_of(name.begin(), name.end(), good);
}

Result<std::vector<SrvRecord>> lookup_srv(const std::string& name, Deadline deadline) {
    Resolver resolver(deadline);
    if (!resolver.ready()) return failed(name, "the resolver cannot be set up");
    std::vector<unsigned char> answer(65536);
    const int length = resolver.query(name, answer);
    if (length >= 0)
        return parse_srv(std::span(answer).first(std::min(answer.size(), static_cast<std::size_t>(length))));
    if (resolver.error() == HOST_NOT_FOUND || resolver.error() == NO_DATA) return std::vector<SrvRecord>{};
    return failed(name, hstrerror(resolver.error()));
}

Result<std::vector<SrvRecord>> parse_srv(std::span<const unsigned char> bytes) {
    ns_msg message;
    if (ns_initparse(bytes.data(), static_cast<int>(bytes.size()), &message) < 0)
        return Error{Code::discovery_failed, Stage::discovery, "read a DNS answer: it is malformed"};
    std::vector<SrvRecord> records;
    for (int i = 0; i < ns_msg_count(message, ns_s_an) && records.size() < most_records; ++i) {
        ns_rr record;
        if (ns_parserr(&message, ns_s_an, i, &record) < 0)
            return Error{Code::discovery_failed, Stage::discovery,
                         "read a DNS answer: a record is malformed"};
        SrvRecord srv;
        if (ns_rr_type(record) == ns_t_srv && read_record(message, record, srv))
            records.push_back(std::move(srv));
    }
    return records;
}

std::vector<SrvRecord> ordered(std::vector<SrvRecord> records,
                               const std::function<std::uint32_t(std::uint32_t)>& random) {
    // RFC 2782 wants records of weight 0 at the front of their priority before the draw.
    std::stable_sort(records.begin(), records.end(), [](const SrvRecord& a, const SrvRecord& b) {
        return a.priority != b.priority ? a.priority < b.priority : (a.weight == 0 && b.weight != 0);
    });
    for (auto first = records.begin(); first != records.end(); ++first) {
        const auto last =
            std::find_if(first, records.end(), [&](const auto& r) { return r.priority != first->priority; });
        std::uint32_t sum = 0;
        for (auto i = first; i != last; ++i) sum += i->weight;
        std::uint32_t drawn = random(sum);
        auto chosen = first;
        while (chosen + 1 != last && drawn > chosen->weight) drawn -= (chosen++)->weight;
        std::rotate(first, chosen, chosen + 1);
    }
    return records;
}

}  // namespace mutual::scp
