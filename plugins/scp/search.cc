// SPDX-License-Identifier: Apache-2.0
#include "plugins/scp/search.h"

#include "plugins/options/fold.h"
#include "plugins/scp/directory.h"
#include "plugins/scp/filter.h"
#include "plugins/scp/servers.h"
#include "plugins/scp/service_point.h"

namespace mutual::scp {
namespace {

constexpr std::size_t most_entries = 10'000;

// An equal share of what is left for this server and those after it.
Deadline share(Deadline deadline, std::size_t servers) {
    const auto now = std::chrono::steady_clock::now();
    return now + (deadline - now) / static_cast<std::int64_t>(servers);
}

// Another server would answer the same.
bool is_final(Code code) { return code == Code::invalid_request || code == Code::no_credentials; }

}  // namespace

Result<void> Search::run() {
    const auto servers = find_servers(options_, deadline_);
    if (!servers) return servers.error();
    trust_ = servers->trust;
    Error last;
    for (std::size_t i = 0; i < servers->urls.size(); ++i) {
        auto answer = ask(servers->urls[i], share(deadline_, servers->urls.size() - i));
        if (answer || is_final(answer.error().code) || reported_ > 0) return answer;
        last = answer.error();
        if (i + 1 < servers->urls.size()) sink_.note(last.message);
    }
    return last;
}

Result<void> Search::ask(const std::string& url, Deadline deadline) {
    auto directory = Directory::open(url, options_, tickets_, deadline);
    if (!directory) return directory.error();
    const auto names = matching_names(*directory, deadline);
    if (!names) return names.error();
    for (const auto& dn : *names) {
        // Once one of its entries was reported no other server is asked, so it may have all the time.
        const auto more = report_entry(*directory, dn, reported_ > 0 ? deadline_ : deadline);
        if (!more) return more.error();
        if (!*more) break;
    }
    return {};
}

Result<std::vector<std::string>> Search::matching_names(Directory& directory, Deadline deadline) {
    std::string base = query_.base.empty() ? options_.base : query_.base;
    if (options_.global_catalog_port != 0) {
        // Here an empty base is the whole forest.
        const auto url = with_port(directory.url(), options_.global_catalog_port);
        auto catalog = Directory::open(url, options_, tickets_, deadline);
        if (!catalog) return catalog.error();
        return names_in(*catalog, base, deadline);
    }
    if (base.empty()) {
        auto default_base = directory.default_base(deadline);
        if (!default_base) return default_base.error();
        base = std::move(*default_base);
    }
    return names_in(directory, base, deadline);
}

Result<std::vector<std::string>> Search::names_in(Directory& directory, std::string base, Deadline deadline) {
    const auto filter = search_filter(query_, options_.global_catalog_port == 0);
    if (!filter) return filter.error();
    auto found = directory.search_names(base, *filter, options_.page_size, most_entries, deadline);
    if (!found) return found.error();
    if (found->cut)
        sink_.note("only the first " + std::to_string(found->names.size()) +
                   " matching entries were looked at");
    return std::move(found->names);
}

Result<bool> Search::report_entry(Directory& directory, const std::string& dn, Deadline deadline) {
    const auto skip = [&](const std::string& why) {
        sink_.note(dn + ": skipped: " + why);
        return true;
    };
    auto entry = directory.read(dn, point_attributes(), deadline);
    if (!entry) return entry.error();
    if (!*entry) return skip("it cannot be read");
    std::vector<std::string> notes;
    const auto point = read_point(**entry, notes);
    for (auto& note : notes) sink_.note(std::move(note));
    if (!point) return skip(point.error().message);
    if (!is_of_class(*point, query_.service_class)) return true;
    std::vector<SrvRecord> records;
    if (point->srv) {
        auto looked_up = lookup_srv(point->dns_name, deadline);
        if (!looked_up) return skip(looked_up.error().message);
        if (looked_up->empty()) return skip("no SRV records of " + point->dns_name);
        records = std::move(*looked_up);
    }
    return report(candidates_of(*point, trust_, records));
}

bool Search::report(std::vector<Candidate> candidates) {
    for (auto& candidate : candidates) {
        if (!query_.host.empty() && !options::same_host(query_.host, candidate.host)) continue;
        candidate.ttl = std::chrono::seconds(options_.ttl_seconds);
        ++reported_;
        if (!sink_.found(std::move(candidate)) || reported_ >= query_.limit) return false;
    }
    return true;
}

}  // namespace mutual::scp
