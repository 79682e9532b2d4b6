// SPDX-License-Identifier: Apache-2.0
// What a service connection point says, read out of a directory entry, and the candidates that follow from
// it. No input or output here: entries are plain values. An entry that lacks something, or says something
// that we do not understand, gives a reason for people instead (FT-047, FT-052).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "mutual/discovery.h"
#include "plugins/scp/binding.h"
#include "plugins/scp/srv.h"

namespace mutual::scp {

struct Entry {
    std::string
        dn;  // exactly as the directory spells it: the third part of the SPN is compared octet by octet
    std::map<std::string, std::vector<std::string>> attributes;  // names in lower case
};

struct ServicePoint {
    std::string dn;
    std::string service_class;
    std::string dns_name;  // a host, or with `srv` the name of an SRV record set
    bool srv = false;
    std::vector<Binding> bindings;  // not empty, except with `srv`
    std::string version;
};

// The attributes that read_point looks at.
const std::vector<const char*>& point_attributes();

// `notes` gets what was passed over in an entry that is usable all the same.
Result<ServicePoint> read_point(const Entry& entry, std::vector<std::string>& notes);

bool is_of_class(const ServicePoint& point, const std::string& service_class);

// One for each binding; with `srv`, one for each record: the port and the host are the record's (SCP-27), and
// since plain DNS carried them, so is the trust.
std::vector<Candidate> candidates_of(const ServicePoint& point, SourceTrust trust,
                                     const std::vector<SrvRecord>& records);

}  // namespace mutual::scp
