// SPDX-License-Identifier: Apache-2.0
// One search for connection points, in the two steps of SCP-31: which entries match, then each entry's
// attributes from a server that holds all of them.
#pragma once

#include "mutual/discovery.h"
#include "plugins/scp/scp_options.h"

namespace mutual::scp {

class Directory;

class Search {
public:
    // All outlive the search.
    Search(const ScpOptions& options, const Query& query, const TicketCache& tickets, Deadline deadline,
           CandidateSink& sink)
        : options_(options), query_(query), tickets_(tickets), deadline_(deadline), sink_(sink) {}

    // Asks one server after the other until one answers.
    Result<void> run();

private:
    Result<void> ask(const std::string& url, Deadline deadline);
    Result<std::vector<std::string>> matching_names(Directory& directory, Deadline deadline);
    Result<std::vector<std::string>> names_in(Directory& directory, std::string base, Deadline deadline);
    // Both: false when no more is wanted.
    Result<bool> report_entry(Directory& directory, const std::string& dn, Deadline deadline);
    bool report(std::vector<Candidate> candidates);

    const ScpOptions& options_;
    const Query& query_;
    const TicketCache& tickets_;
    Deadline deadline_;
    CandidateSink& sink_;
    SourceTrust trust_ = SourceTrust::authenticated;
    std::uint32_t reported_ = 0;
};

}  // namespace mutual::scp
