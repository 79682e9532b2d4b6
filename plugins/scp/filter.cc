// SPDX-License-Identifier: Apache-2.0
#include "plugins/scp/filter.h"

#include <ldap.h>

#include "plugins/scp/guid.h"

namespace mutual::scp {
namespace {

Result<void> add_term(std::string& filter, std::string_view attribute, std::string_view value) {
    auto text = escaped(value);
    if (!text) return text.error();
    filter.append("(").append(attribute).append("=").append(*text).append(")");
    return {};
}

// OpenLDAP knows an entry by entryUUID, AD by objectGUID; each leaves the other's term undefined, which an
// "or" passes over.
Result<void> add_instance(std::string& filter, const std::string& instance) {
    const auto guid = parse_guid(instance);
    if (!guid)
        return Error{Code::invalid_request, Stage::discovery,
                     "the instance of a connection point must be a GUID",
                     "write it as 8-4-4-4-12 hexadecimal digits without braces"};
    filter += "(|";
    if (auto added = add_term(filter, "entryUUID", instance); !added) return added;
    std::string octets(guid->begin(), guid->end());
    if (auto added = add_term(filter, "objectGUID", octets); !added) return added;
    filter += ")";
    return {};
}

}  // namespace

Result<std::string> escaped(std::string_view value) {
    berval in{value.size(), const_cast<char*>(value.data())};
    berval out{};
    if (ldap_bv2escaped_filter_value(&in, &out) != 0)
        return Error{Code::internal, Stage::discovery, "escape a value for a filter: out of memory"};
    std::string text = out.bv_val ? std::string(out.bv_val, out.bv_len) : std::string();
    ber_memfree(out.bv_val);
    return text;
}

Result<std::string> search_filter(const Query& query, bool with_class) {
    std::string filter = "(&(objectClass=serviceConnectionPoint)";
    for (const auto& keyword : query.keywords)
        if (auto added = add_term(filter, "keywords", keyword); !added) return added.error();
    if (with_class && !query.service_class.empty())
        if (auto added = add_term(filter, "serviceClassName", query.service_class); !added)
            return added.error();
    if (!query.instance.empty())
        if (auto added = add_instance(filter, query.instance); !added) return added.error();
    return filter + ")";
}

bool is_distinguished_name(const std::string& text) {
    if (text.empty() || text.find('\0') != std::string::npos) return false;
    LDAPDN dn = nullptr;
    const bool good = ldap_str2dn(text.c_str(), &dn, LDAP_DN_FORMAT_LDAPV3) == LDAP_SUCCESS && dn;
    ldap_dnfree(dn);
    return good;
}

}  // namespace mutual::scp
