// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/metrics.h"

#include <gtest/gtest.h>

namespace mutual::broker {
namespace {

using std::chrono::milliseconds;

bool has(const std::string& text, const std::string& line) {
    return text.find(line + "\n") != std::string::npos;
}

TEST(Metrics, CountsRequestsByMethodAndResult) {
    Metrics metrics;
    metrics.request("Open", std::nullopt);
    metrics.request("Open", std::nullopt);
    metrics.request("Open", Error(Code::denied, Stage::policy, "no"));
    metrics.request("Find", std::nullopt);
    metrics.admission(Error(Code::denied, Stage::admission, "no"));
    const std::string text = metrics.text({});
    EXPECT_TRUE(has(text, R"(mutuald_requests_total{method="Open",result="Ok"} 2)")) << text;
    EXPECT_TRUE(has(text, R"(mutuald_requests_total{method="Open",result="Denied"} 1)"));
    EXPECT_TRUE(has(text, R"(mutuald_requests_total{method="Find",result="Ok"} 1)"));
    EXPECT_TRUE(has(text, R"(mutuald_admissions_total{result="Denied"} 1)"));
    EXPECT_TRUE(has(text, "# TYPE mutuald_requests counter"));
}

TEST(Metrics, HistogramsAreCumulative) {
    Metrics metrics;
    metrics.spend(Stage::connect, milliseconds(1));
    metrics.spend(Stage::connect, milliseconds(30));
    metrics.spend(Stage::connect, std::chrono::seconds(60));
    const std::string text = metrics.text({});
    EXPECT_TRUE(has(text, R"(mutuald_stage_seconds_bucket{stage="connect",le="0.001"} 1)")) << text;
    EXPECT_TRUE(has(text, R"(mutuald_stage_seconds_bucket{stage="connect",le="0.025"} 1)"));
    EXPECT_TRUE(has(text, R"(mutuald_stage_seconds_bucket{stage="connect",le="0.05"} 2)"));
    EXPECT_TRUE(has(text, R"(mutuald_stage_seconds_bucket{stage="connect",le="10"} 2)"));
    EXPECT_TRUE(has(text, R"(mutuald_stage_seconds_bucket{stage="connect",le="+Inf"} 3)"));
    EXPECT_TRUE(has(text, R"(mutuald_stage_seconds_count{stage="connect"} 3)"));
    EXPECT_TRUE(has(text, R"(mutuald_stage_seconds_sum{stage="connect"} 60.031)"));
    EXPECT_EQ(text.find(R"(stage="spn")"), text.npos) << "what was never seen is left out";
}

TEST(Metrics, GaugesTellTheMomentAndLabelsAreEscaped) {
    Gauges gauges;
    gauges.channels = 7;
    gauges.parts = {{"plugin \"odd\\\n", false}};
    gauges.services = {{"ledger", true}};
    const std::string text = Metrics().text(gauges);
    EXPECT_TRUE(has(text, "mutuald_channels 7"));
    EXPECT_TRUE(has(text, R"(mutuald_part_up{part="plugin \"odd\\\n"} 0)")) << text;
    EXPECT_TRUE(has(text, R"(mutuald_service_listening{service="ledger"} 1)"));
    EXPECT_TRUE(text.ends_with("# EOF\n"));
}

}  // namespace
}  // namespace mutual::broker
