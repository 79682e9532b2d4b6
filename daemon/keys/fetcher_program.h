// SPDX-License-Identifier: Apache-2.0
// The helper mode of mutuald-keys: a process that is a ticket's owner, has no capability, and blocks in
// libkrb5 so that mutuald-keys itself need not. Serves org.mutuald.Fetcher, an interface between the two
// alone, on descriptor 3:
//   Look(target, minimumLifetimeSeconds) -> (principal, ticketFileDescriptor?)   what is here already
//   Ask(target, minimumLifetimeSeconds) -> (principal, ticketFileDescriptor)     from the KDC
#pragma once

#include <span>
#include <string>

namespace mutual::keys {

inline constexpr int fetcher_socket = 3;

// `arguments`: "cache" NAME, or "keytab" PATH PRINCIPAL; what may be left to a default is empty. The exit
// status.
int run_fetcher(std::span<const std::string> arguments);

}  // namespace mutual::keys
