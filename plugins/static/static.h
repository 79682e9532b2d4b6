// SPDX-License-Identifier: Apache-2.0
// Discovery by configuration: the instances that the administrator wrote down. It only finds.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mutual/discovery.h"

namespace mutual::static_plugin {

struct Instance {
    Candidate candidate;
    std::vector<std::string> keywords;
};

// {"instances": [{"class", "host", "port", "transport", "service_name", "keywords", "priority", "weight",
// "version"}]}; class, host and port are required.
Result<std::vector<Instance>> parse_instances(std::string_view json);

// Class and host names are compared without regard to case, keywords too.
bool matches(const Instance& instance, const Query& query);

Result<std::unique_ptr<Discovery>> make_static(std::string_view json);

}  // namespace mutual::static_plugin
