// SPDX-License-Identifier: Apache-2.0
#include "plugins/static/static.h"

#include <algorithm>

#include "plugins/options/fold.h"
#include "plugins/options/options.h"

namespace mutual::static_plugin {
namespace {

Result<Instance> parse_instance(const options::json::object& object, const std::string& place) {
    options::Reader reader(object, place);
    Instance instance;
    auto& candidate = instance.candidate;
    candidate.service_class = reader.required_text("class", 64);
    candidate.host = reader.required_text("host", 255);
    candidate.port = static_cast<std::uint16_t>(reader.number("port", 1, 65535).value_or(0));
    candidate.transport = reader.text("transport", 64);
    candidate.service_name = reader.text("service_name");
    instance.keywords = reader.texts("keywords");
    candidate.priority = static_cast<std::uint32_t>(reader.number("priority", 0, 65535).value_or(0));
    candidate.weight = static_cast<std::uint32_t>(reader.number("weight", 0, 65535).value_or(0));
    candidate.version = reader.text("version", 256);
    candidate.trust = SourceTrust::administrator;
    candidate.source = place;
    if (auto finished = reader.finish(); !finished) return finished.error();
    return instance;
}

class Static : public Discovery {
public:
    explicit Static(std::vector<Instance> instances) : instances_(std::move(instances)) {}

    Result<void> find(const Query& query, const TicketCache&, Deadline, CandidateSink& sink) override {
        std::uint32_t reported = 0;
        for (const auto& instance : instances_) {
            if (!matches(instance, query)) continue;
            if (reported++ == query.limit || !sink.found(instance.candidate)) break;
        }
        return {};
    }
    Result<std::string> publish(const Publication&, const TicketCache&, Deadline) override {
        return only_finds();
    }
    Result<bool> refresh(const Publication&, const TicketCache&, Deadline) override { return only_finds(); }
    Result<void> withdraw(const Publication&, const TicketCache&, Deadline) override { return only_finds(); }
    Result<void> watch(const Query&, const TicketCache&, WatchSink) override { return only_finds(); }

private:
    static Error only_finds() {
        return {Code::invalid_request, Stage::discovery, "the static plugin only finds",
                "instances are written into the configuration"};
    }

    std::vector<Instance> instances_;
};

}  // namespace

Result<std::vector<Instance>> parse_instances(std::string_view json) {
    const auto object = options::parse(json);
    if (!object) return object.error();
    options::Reader reader(*object);
    const auto tables = reader.objects("instances");
    if (auto finished = reader.finish(); !finished) return finished.error();
    std::vector<Instance> instances;
    for (std::size_t i = 0; i < tables.size(); ++i) {
        auto instance = parse_instance(*tables[i], "instances[" + std::to_string(i) + "]");
        if (!instance) return instance.error();
        instances.push_back(std::move(*instance));
    }
    return instances;
}

bool matches(const Instance& instance, const Query& query) {
    const auto& candidate = instance.candidate;
    // What a written-down instance does not have, it cannot match.
    if (query.rpc_program != 0 || !query.instance.empty()) return false;
    if (!query.service_class.empty() && !options::same(query.service_class, candidate.service_class))
        return false;
    if (!query.host.empty() && !options::same_host(query.host, candidate.host)) return false;
    return std::all_of(query.keywords.begin(), query.keywords.end(), [&](const std::string& wanted) {
        return std::any_of(instance.keywords.begin(), instance.keywords.end(),
                           [&](const std::string& keyword) { return options::same(keyword, wanted); });
    });
}

Result<std::unique_ptr<Discovery>> make_static(std::string_view json) {
    auto instances = parse_instances(json);
    if (!instances) return instances.error();
    return std::unique_ptr<Discovery>(std::make_unique<Static>(std::move(*instances)));
}

}  // namespace mutual::static_plugin
