// SPDX-License-Identifier: Apache-2.0
// What mutualctl does, one function per verb. Each returns the exit status.
#pragma once

#include "client/mutualctl/options.h"

namespace mutual::ctl {

int open_channel(const Options& options);
int accept_channel(const Options& options);
int plan(const Options& options);
int find(const Options& options);
int whois(const Options& options);
int list_channels(const Options& options);
int close_channel(const Options& options);
int list_services(const Options& options);
int list_credentials(const Options& options);
int list_plugins(const Options& options);
int explain(const Options& options);
int list_requests(const Options& options);
int monitor(const Options& options);
int metrics(const Options& options);
int status(const Options& options);  // short_status too
int check_config(const Options& options);
int cat_config(const Options& options);
int reload(const Options& options);
int log_level(const Options& options);
int call(const Options& options);
int introspect(const Options& options);

}  // namespace mutual::ctl
