// SPDX-License-Identifier: Apache-2.0
#include "plugins/scp/directory.h"

#include <sasl/sasl.h>

#include <algorithm>

#include "plugins/options/fold.h"
#include "plugins/scp/tickets.h"

namespace mutual::scp {
namespace {

constexpr std::size_t most_values = 256;

timeval time_left(Deadline deadline) {
    using namespace std::chrono;
    const auto left = std::clamp<std::int64_t>(
        duration_cast<microseconds>(deadline - steady_clock::now()).count(), 1000, 3'600'000'000);
    return {left / 1'000'000, left % 1'000'000};
}

// libldap takes the credential only while its SASL session is alive, so here and not before the bind; every
// question (authorization name and the like) is answered by "none".
int answer_sasl(LDAP* handle, unsigned, void* credential, void* questions) {
    if (ldap_set_option(handle, LDAP_OPT_X_SASL_GSS_CREDS, credential) != LDAP_OPT_SUCCESS)
        return LDAP_LOCAL_ERROR;
    for (auto* question = static_cast<sasl_interact_t*>(questions); question->id != SASL_CB_LIST_END;
         ++question) {
        question->result = "";
        question->len = 0;
    }
    return LDAP_SUCCESS;
}

std::string diagnostic(LDAP* handle) {
    char* text = nullptr;
    if (ldap_get_option(handle, LDAP_OPT_DIAGNOSTIC_MESSAGE, &text) != LDAP_OPT_SUCCESS || !text) return {};
    const LdapText owner(text);
    return std::string(text).substr(0, 512);
}

// libldap has no code of its own for what SASL calls "mechanism too weak".
bool is_too_weak(const std::string& text) {
    return text.starts_with("SASL(" + std::to_string(SASL_TOOWEAK) + ")");
}

// What SASL's GSSAPI mechanism says is "GSSAPI Error: (major) Unspecified GSS failure.  Minor code may
// provide more information (minor)": only the last part tells anything.
std::string without_major(const std::string& text) {
    static constexpr std::string_view general = "Minor code may provide more information";
    const auto at = text.find(general);
    if (at == std::string::npos) return text;
    std::string minor = text.substr(at + general.size());
    const auto open = minor.find_first_not_of(" (");
    minor = open == std::string::npos ? std::string() : minor.substr(open);
    if (minor.ends_with(')')) minor.pop_back();
    return minor.empty() ? "the mechanism did not say why" : minor;
}

// What a person can do about a refused bind, as far as its text tells.
std::string bind_hint(const std::string& text) {
    if (text.find("not found in Kerberos database") != std::string::npos)
        return "the KDC knows no ldap/ principal of that host: name the server as its key does in "
               "plugin.scp.options";
    if (text.find("expired") != std::string::npos)
        return "see `mutualctl list-credentials` for the search identity";
    if (text.find("Cannot contact any KDC") != std::string::npos)
        return "see whether the realm's KDC runs and can be reached from this host";
    if (text.find("lock skew") != std::string::npos) return "set the clocks of both hosts and the KDC (NTP)";
    return "see the directory server's log, and its keytab for ldap/";
}

std::string to_string(const berval& value) { return {value.bv_val, value.bv_len}; }

std::string name_of(LDAP* handle, LDAPMessage* entry) {
    berval dn{};
    BerElement* position = nullptr;
    const int result = ldap_get_dn_ber(handle, entry, &position, &dn);
    std::string name = result == LDAP_SUCCESS && dn.bv_val ? to_string(dn) : std::string();
    ber_free(position, 0);
    return name;
}

Entry entry_of(LDAP* handle, LDAPMessage* message) {
    Entry entry{name_of(handle, message), {}};
    BerElement* position = nullptr;
    for (LdapText name(ldap_first_attribute(handle, message, &position)); name;
         name.reset(ldap_next_attribute(handle, message, position))) {
        const LdapValues values(ldap_get_values_len(handle, message, name.get()));
        auto& texts = entry.attributes[options::lowered(name.get())];
        for (auto** value = values.get(); value && *value && texts.size() < most_values; ++value)
            texts.push_back(to_string(**value));
    }
    ber_free(position, 0);
    return entry;
}

struct PageEnd {
    std::string cookie;  // empty: it was the last page
    bool cut = false;    // the server would not give more, though there is more
};

// A server that does not page answers without the control: then this was everything.
std::optional<PageEnd> page_end(LDAP* handle, LDAPMessage* message) {
    int result = LDAP_SUCCESS;
    LDAPControl** raw = nullptr;
    if (ldap_parse_result(handle, message, &result, nullptr, nullptr, nullptr, &raw, 0) != LDAP_SUCCESS)
        return std::nullopt;
    const LdapControls controls(raw);
    PageEnd end;
    end.cut = result == LDAP_SIZELIMIT_EXCEEDED;
    LDAPControl* paged = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls.get(), nullptr);
    if (!paged) return end;
    ber_int_t estimate = 0;
    berval cookie{};
    if (ldap_parse_pageresponse_control(handle, paged, &estimate, &cookie) != LDAP_SUCCESS)
        return std::nullopt;
    if (cookie.bv_val) end.cookie = to_string(cookie);
    ber_memfree(cookie.bv_val);
    return end;
}

}  // namespace

Error Directory::failure(const std::string& what, int result) const {
    std::string text = what + " (" + url_ + "): " + ldap_err2string(result);
    const auto more = without_major(diagnostic(handle_.get()));
    if (!more.empty()) text += ": " + more;
    const bool late = result == LDAP_TIMEOUT || result == LDAP_TIMELIMIT_EXCEEDED;
    const bool away = late || result == LDAP_SERVER_DOWN || result == LDAP_CONNECT_ERROR;
    std::string hint;
    if (away) hint = "see whether that directory server runs and can be reached from this host";
    if (result == LDAP_NO_SUCH_OBJECT)
        hint = "correct `base` in the service's definition or the plugin's options";
    if (result == LDAP_INSUFFICIENT_ACCESS) hint = "let the search identity read there";
    return {late ? Code::timed_out : Code::discovery_failed, Stage::discovery, std::move(text),
            std::move(hint)};
}

Result<Directory> Directory::open(const std::string& url, const ScpOptions& options,
                                  const TicketCache& tickets, Deadline deadline) {
    LDAP* raw = nullptr;
    if (const int result = ldap_initialize(&raw, url.c_str()); result != LDAP_SUCCESS)
        return Error{Code::invalid_configuration, Stage::discovery,
                     "use " + url + ": " + ldap_err2string(result)};
    Directory directory(url, LdapHandle(raw));
    if (auto prepared = directory.prepare(options, deadline); !prepared) return prepared.error();
    if (auto bound = directory.bind(options, tickets); !bound) return bound.error();
    return directory;
}

Result<void> Directory::prepare(const ScpOptions& options, Deadline deadline) {
    LDAP* handle = handle_.get();
    const int version = LDAP_VERSION3;
    const int demand = LDAP_OPT_X_TLS_DEMAND;
    const int client = 0;
    const timeval left = time_left(deadline);
    bool good = ldap_set_option(handle, LDAP_OPT_PROTOCOL_VERSION, &version) == LDAP_OPT_SUCCESS &&
                ldap_set_option(handle, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) == LDAP_OPT_SUCCESS &&
                ldap_set_option(handle, LDAP_OPT_NETWORK_TIMEOUT, &left) == LDAP_OPT_SUCCESS &&
                ldap_set_option(handle, LDAP_OPT_TIMEOUT, &left) == LDAP_OPT_SUCCESS &&
                ldap_set_option(handle, LDAP_OPT_X_SASL_NOCANON, LDAP_OPT_ON) == LDAP_OPT_SUCCESS;
    if (good && options.security == Security::ldaps)
        good =
            ldap_set_option(handle, LDAP_OPT_X_TLS_CACERTFILE, options.ca_file.c_str()) == LDAP_OPT_SUCCESS &&
            ldap_set_option(handle, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand) == LDAP_OPT_SUCCESS &&
            ldap_set_option(handle, LDAP_OPT_X_TLS_NEWCTX, &client) == LDAP_OPT_SUCCESS;
    if (good) return {};
    return Error{Code::invalid_configuration, Stage::discovery, "set up the connection to " + url_,
                 options.security == Security::ldaps ? "check that " + options.ca_file + " can be read" : ""};
}

Result<void> Directory::bind(const ScpOptions& options, const TicketCache& tickets) {
    LDAP* handle = handle_.get();
    const bool inside_tls = options.security == Security::ldaps;
    if (inside_tls && tickets.name.empty()) {
        // Nobody in particular asks, but the server has proven its name by its certificate.
        const int result =
            ldap_sasl_bind_s(handle, nullptr, LDAP_SASL_SIMPLE, nullptr, nullptr, nullptr, nullptr);
        if (result != LDAP_SUCCESS) return failure("connect to the directory", result);
        return {};
    }
    const auto credential = open_tickets(tickets);
    if (!credential) return credential.error();
    const char* properties = inside_tls ? "noanonymous,noplain,maxssf=0" : "noanonymous,noplain,minssf=1";
    if (ldap_set_option(handle, LDAP_OPT_X_SASL_SECPROPS, properties) != LDAP_OPT_SUCCESS)
        return Error{Code::internal, Stage::discovery, "require protection of the connection to " + url_};
    const int result = ldap_sasl_interactive_bind_s(handle, nullptr, "GSSAPI", nullptr, nullptr,
                                                    LDAP_SASL_QUIET, answer_sasl, credential->value());
    ber_len_t strength = 0;
    ldap_get_option(handle, LDAP_OPT_X_SASL_SSF, &strength);
    const bool weak = result == LDAP_SUCCESS ? !inside_tls && strength == 0 : is_too_weak(diagnostic(handle));
    if (weak)
        return Error{Code::unprotected, Stage::discovery,
                     "authenticate to the directory (" + url_ + "): it would not protect the connection",
                     "the server must allow SASL integrity or confidentiality"};
    if (result == LDAP_SUCCESS) return {};
    Error error = failure("authenticate to the directory", result);
    if (error.hint.empty()) error.hint = bind_hint(error.message);
    return error;
}

Result<LdapMessage> Directory::search(const std::string& base, int scope, const std::string& filter,
                                      const std::vector<const char*>& attributes, LDAPControl* control,
                                      Deadline deadline) {
    std::vector<char*> names;
    names.reserve(attributes.size() + 1);
    for (const char* attribute : attributes) names.push_back(const_cast<char*>(attribute));
    names.push_back(nullptr);
    LDAPControl* controls[] = {control, nullptr};
    timeval left = time_left(deadline);
    LDAPMessage* raw = nullptr;
    const int result = ldap_search_ext_s(handle_.get(), base.c_str(), scope, filter.c_str(), names.data(), 0,
                                         controls, nullptr, &left, LDAP_NO_LIMIT, &raw);
    LdapMessage message(raw);
    // The server's own limit: what came is good, and is known to be incomplete.
    if (result == LDAP_SUCCESS || result == LDAP_SIZELIMIT_EXCEEDED) return message;
    if (result == LDAP_NO_SUCH_OBJECT && scope == LDAP_SCOPE_BASE) return LdapMessage();
    return failure("search \"" + base + "\"", result);
}

Result<std::string> Directory::default_base(Deadline deadline) {
    auto root = read("", {"defaultNamingContext", "namingContexts"}, deadline);
    if (!root) return root.error();
    for (const char* attribute : {"defaultnamingcontext", "namingcontexts"})
        if (*root)
            if (const auto& values = (*root)->attributes[attribute]; !values.empty()) return values.front();
    return Error{Code::discovery_failed, Stage::discovery,
                 "ask " + url_ + " for its naming context: it gave none",
                 "set `base` in the plugin's options"};
}

Result<Directory::Page> Directory::page(const std::string& base, const std::string& filter, int size,
                                        std::string cookie, Deadline deadline) {
    LDAP* handle = handle_.get();
    berval from{cookie.size(), cookie.data()};
    LDAPControl* raw = nullptr;
    if (const int result = ldap_create_page_control(handle, size, &from, 1, &raw); result != LDAP_SUCCESS)
        return failure("ask for a page", result);
    const LdapControl control(raw);
    auto message = search(base, LDAP_SCOPE_SUBTREE, filter, {LDAP_NO_ATTRS}, control.get(), deadline);
    if (!message) return message.error();
    Page page;
    for (auto* entry = ldap_first_entry(handle, message->get()); entry;
         entry = ldap_next_entry(handle, entry))
        page.names.push_back(name_of(handle, entry));
    auto next = page_end(handle, message->get());
    if (!next) return failure("read the end of a page", LDAP_DECODING_ERROR);
    page.cookie = std::move(next->cookie);
    page.cut = next->cut;
    return page;
}

Result<Directory::Names> Directory::search_names(const std::string& base, const std::string& filter,
                                                 int page_size, std::size_t most, Deadline deadline) {
    Names found;
    std::string cookie;
    do {
        auto next = page(base, filter, page_size, std::move(cookie), deadline);
        if (!next) return next.error();
        for (auto& name : next->names)
            if (found.names.size() < most) found.names.push_back(std::move(name));
        cookie = std::move(next->cookie);
        found.cut = next->cut || (found.names.size() == most && !cookie.empty());
    } while (!cookie.empty() && !found.cut);
    return found;
}

Result<std::optional<Entry>> Directory::read(const std::string& dn,
                                             const std::vector<const char*>& attributes, Deadline deadline) {
    auto message = search(dn, LDAP_SCOPE_BASE, "(objectClass=*)", attributes, nullptr, deadline);
    if (!message) return message.error();
    auto* entry = *message ? ldap_first_entry(handle_.get(), message->get()) : nullptr;
    if (!entry) return std::optional<Entry>();
    return std::optional<Entry>(entry_of(handle_.get(), entry));
}

}  // namespace mutual::scp
