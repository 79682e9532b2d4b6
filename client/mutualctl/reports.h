// SPDX-License-Identifier: Apache-2.0
// What mutualctl shows to people, as text that ends with a newline: explanations, failures, and the tables.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "client/broker_types.h"
#include "mutual/error.h"

namespace mutual::ctl {

std::string explanation_text(const client::Explanation& explanation);

// "mutualctl: cannot open a channel to 'ledger': MESSAGE (stage handshake, WrongPeer)", and the hint if there
// is one.
std::string failure_text(std::string_view what_for, const Error& error);

// What is asked for: "'ledger'", or "RPC program 100550 version 2".
std::string target_text(const client::Request& request);
std::string found_text(const client::Found& found, bool with_legend);
std::string channels_text(const std::vector<client::ChannelFacts>& channels, bool with_legend,
                          std::int64_t now);
std::string channel_text(const client::ChannelFacts& channel, std::int64_t now);
std::string services_text(const std::vector<client::Service>& services, bool with_legend);
// A row each; below the table what is wrong and what to do about it.
std::string credentials_text(const std::vector<client::Credential>& credentials, bool with_legend,
                             std::int64_t now);
std::string plugins_text(const std::vector<client::Plugin>& plugins, bool with_legend);
std::string requests_text(const std::vector<client::RequestSummary>& requests, bool with_legend,
                          std::int64_t now);
// "Open: Denied: no rule allows ...", and the hint if there is one.
std::string past_request_text(const client::PastRequest& past);
std::string event_text(const client::Event& event);
// One line, and what is not running.
std::string short_status_text(const client::Status& status);
std::string status_text(const client::Status& status, bool with_legend);

std::string reloaded_text(const client::Reloaded& reloaded);
std::string log_level_text(const client::LogLevel& level);

}  // namespace mutual::ctl
