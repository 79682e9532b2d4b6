// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/metrics.h"

#include <cstdio>

namespace mutual::broker {

namespace {

std::string result_of(const std::optional<Error>& failure) {
    return failure ? std::string(name(failure->code)) : "Ok";
}

// Label values: a backslash, a quotation mark and a line feed are escaped (OpenMetrics 1.0.0, 3.2).
std::string in_quotes(std::string_view value) {
    std::string text = "\"";
    for (const char c : value) {
        if (c == '\\' || c == '"') text += '\\';
        if (c == '\n')
            text += "\\n";
        else
            text += c;
    }
    return text += '"';
}

std::string number(double value) {
    std::array<char, 40> text{};
    std::snprintf(text.data(), text.size(), "%g", value);
    return text.data();
}

class Writer {
public:
    void family(std::string_view name, std::string_view type, std::string_view help) {
        family_ = name;
        text_.append("# TYPE ").append(name).append(" ").append(type).append("\n");
        text_.append("# HELP ").append(name).append(" ").append(help).append("\n");
    }
    // `labels` without braces; may be empty.
    void sample(std::string_view suffix, const std::string& labels, const std::string& value) {
        text_.append(family_).append(suffix);
        if (!labels.empty()) text_.append("{").append(labels).append("}");
        text_.append(" ").append(value).append("\n");
    }
    void gauge(std::string_view name, std::string_view help, std::int64_t value) {
        family(name, "gauge", help);
        sample("", "", std::to_string(value));
    }
    void states(std::string_view name, std::string_view help, std::string_view label,
                const std::vector<std::pair<std::string, bool>>& all) {
        family(name, "gauge", help);
        for (const auto& [what, is_up] : all)
            sample("", std::string(label) + "=" + in_quotes(what), is_up ? "1" : "0");
    }
    std::string finish() { return std::move(text_) + "# EOF\n"; }

private:
    std::string text_;
    std::string family_;
};

}  // namespace

void Metrics::request(std::string_view method, const std::optional<Error>& failure) {
    ++requests_[{std::string(method), result_of(failure)}];
}

void Metrics::admission(const std::optional<Error>& failure) { ++admissions_[result_of(failure)]; }

void Metrics::spend(Stage stage, Duration time) {
    Histogram& histogram = stages_[static_cast<std::size_t>(stage)];
    const double seconds = std::chrono::duration<double>(time).count();
    std::size_t bucket = 0;
    while (bucket < bounds.size() && seconds > bounds[bucket]) ++bucket;
    ++histogram.counts[bucket];
    histogram.sum += seconds;
}

std::string Metrics::text(const Gauges& gauges) const {
    Writer out;
    out.family("mutuald_requests", "counter",
               "Requests of local programs that are over, by method and result.");
    for (const auto& [key, count] : requests_)
        out.sample("_total", "method=" + in_quotes(key.first) + ",result=" + in_quotes(key.second),
                   std::to_string(count));
    out.family("mutuald_admissions", "counter", "Authenticated peers that asked to be admitted, by result.");
    for (const auto& [result, count] : admissions_)
        out.sample("_total", "result=" + in_quotes(result), std::to_string(count));
    out.family("mutuald_stage_seconds", "histogram", "Time that a request spent in each stage.");
    for (std::size_t i = 0; i < stages_.size(); ++i) {
        const std::string stage = "stage=" + in_quotes(stage_names[i]);
        std::uint64_t sum = 0;
        for (const std::uint64_t count : stages_[i].counts) sum += count;
        if (sum == 0) continue;
        std::uint64_t below = 0;
        for (std::size_t bucket = 0; bucket <= bounds.size(); ++bucket) {
            below += stages_[i].counts[bucket];
            const std::string bound = bucket < bounds.size() ? number(bounds[bucket]) : "+Inf";
            out.sample("_bucket", stage + ",le=" + in_quotes(bound), std::to_string(below));
        }
        out.sample("_count", stage, std::to_string(sum));
        out.sample("_sum", stage, number(stages_[i].sum));
    }
    out.family("mutuald_quota_refusals", "counter",
               "What was refused because a caller, or all, had too much of it.");
    for (const auto& [quota, count] : gauges.quota_refusals)
        out.sample("_total", "quota=" + in_quotes(quota), std::to_string(count));
    out.gauge("mutuald_uptime_seconds", "Since the broker was started.", gauges.uptime_seconds);
    out.gauge("mutuald_channels", "Live channels, opened and accepted.", gauges.channels);
    out.gauge("mutuald_pending_requests", "Requests in progress.", gauges.pending_requests);
    out.gauge("mutuald_waiting_accepts", "Local servers that wait in Accept.", gauges.waiting_accepts);
    out.states("mutuald_part_up", "Whether a program of the daemon answers, or a plugin is ready.", "part",
               gauges.parts);
    out.states("mutuald_service_listening", "Whether a service of this host is offered.", "service",
               gauges.services);
    std::vector<std::pair<std::string, bool>> usable;
    for (const auto& [identity, gauge] : gauges.credentials) usable.emplace_back(identity, gauge.usable);
    out.states("mutuald_credential_usable",
               "Whether the keys of an identity can be used, and its last ticket was got.", "identity",
               usable);
    out.family("mutuald_credential_expiry_seconds", "gauge",
               "When the ticket that is kept for an identity ends, since the epoch.");
    for (const auto& [identity, gauge] : gauges.credentials)
        if (gauge.expires) out.sample("", "identity=" + in_quotes(identity), std::to_string(*gauge.expires));
    return out.finish();
}

}  // namespace mutual::broker
