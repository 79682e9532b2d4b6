// SPDX-License-Identifier: Apache-2.0
#include "plugins/scp/scp.h"

#include "plugins/scp/filter.h"
#include "plugins/scp/scp_options.h"
#include "plugins/scp/search.h"

namespace mutual::scp {
namespace {

class Scp : public Discovery {
public:
    explicit Scp(ScpOptions options) : options_(std::move(options)) {}

    Result<void> find(const Query& query, const TicketCache& tickets, Deadline deadline,
                      CandidateSink& sink) override {
        if (query.rpc_program != 0) return {};
        if (query.service_class.empty() && query.keywords.empty() && query.instance.empty())
            return Error{Code::invalid_request, Stage::discovery,
                         "a search for connection points needs a class, a keyword or an instance"};
        if (!query.base.empty() && !is_distinguished_name(query.base))
            return Error{Code::invalid_request, Stage::discovery,
                         "the search base is not a distinguished name"};
        return Search(options_, query, tickets, deadline, sink).run();
    }
    Result<std::string> publish(const Publication&, const TicketCache&, Deadline) override {
        return only_finds();
    }
    Result<bool> refresh(const Publication&, const TicketCache&, Deadline) override { return only_finds(); }
    Result<void> withdraw(const Publication&, const TicketCache&, Deadline) override { return only_finds(); }
    Result<void> watch(const Query&, const TicketCache&, WatchSink) override { return only_finds(); }

private:
    static Error only_finds() {
        return {Code::invalid_request, Stage::discovery,
                "the scp plugin only finds; it publishes in a later version",
                "write the connection point with the directory's own tools"};
    }

    ScpOptions options_;
};

}  // namespace

Result<std::unique_ptr<Discovery>> make_scp(std::string_view json) {
    auto options = parse_options(json);
    if (!options) return options.error();
    return std::unique_ptr<Discovery>(std::make_unique<Scp>(std::move(*options)));
}

}  // namespace mutual::scp
