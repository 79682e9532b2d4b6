// SPDX-License-Identifier: Apache-2.0
// Tickets for a principal whose key is in a keytab.
#include <optional>

#include "daemon/keys/kerberos_error.h"
#include "daemon/keys/keytab.h"
#include "daemon/keys/service_ticket.h"

namespace mutual::keys {

namespace {

struct InitOptions {
    explicit InitOptions(krb5_context context_) : context(context_) {
        krb5_get_init_creds_opt_alloc(context, &options);
        krb5_get_init_creds_opt_set_forwardable(options, 0);
        krb5_get_init_creds_opt_set_proxiable(options, 0);
    }
    InitOptions(const InitOptions&) = delete;
    InitOptions& operator=(const InitOptions&) = delete;
    ~InitOptions() { krb5_get_init_creds_opt_free(context, options); }
    krb5_context context;
    krb5_get_init_creds_opt* options = nullptr;
};

class KeytabSource final : public TicketSource {
public:
    KeytabSource(std::string keytab, std::string principal)
        : keytab_(std::move(keytab)), principal_(std::move(principal)) {}

    Result<Found> look(const Wanted& wanted) override {
        if (auto ready = prepare(); !ready) return std::move(ready).error();
        Found found{principal_, std::nullopt, 0};
        if (wanted.target.empty()) return found;
        if (wanted.granting) {
            if (auto adopted = adopt(*wanted.granting); !adopted) return std::move(adopted).error();
        }
        auto cached = cached_service_ticket(context_.get(), cache_->get(), wanted);
        if (!cached) return std::move(cached).error();
        found.ticket = std::move(*cached);
        return found;
    }

    Result<Ticket> ask(const Wanted& wanted) override {
        if (!wanted.target.empty())
            return ask_for_service_ticket(context_.get(), cache_->get(), wanted, granting_end_);
        return ask_for_granting();
    }

private:
    // Service tickets that were got with another one go: that one's renewal may mean new rights.
    Result<void> adopt(const Ticket& granting) {
        if (granting.start == granting_start_ && granting.end == granting_end_) return {};
        auto cache = memory_cache_of(context_.get(), granting);
        if (!cache) return std::move(cache).error();
        cache_.emplace(std::move(*cache));
        granting_start_ = granting.start;
        granting_end_ = granting.end;
        return {};
    }

    // The keytab is looked at each time: it may have been rotated, or gone.
    Result<void> prepare() {
        auto file = KeytabFile::open(keytab_);
        if (!file) return std::move(file).error();
        auto keys = list_keys(*file);
        if (!keys) return std::move(keys).error();
        if (principal_.empty()) {
            auto host = host_principal(*keys, keytab_);
            if (!host) return std::move(host).error();
            principal_ = std::move(*host);
        }
        if (kvnos_held(*keys, principal_).empty()) return no_key(keytab_, principal_);
        return cache_ ? Result<void>() : make_cache();
    }

    Result<void> make_cache() {
        auto context = make_krb5_context();
        if (!context) return std::move(context).error();
        context_ = std::move(*context);
        auto client = parse_principal(context_.get(), principal_, Stage::credentials);
        if (!client) return std::move(client).error();
        client_.emplace(std::move(*client));
        Krb5MemoryCache cache(context_.get());
        krb5_error_code code = krb5_cc_new_unique(context_.get(), "MEMORY", nullptr, cache.out());
        if (code == 0) code = krb5_cc_initialize(context_.get(), cache.get(), client_->get());
        if (code != 0)
            return krb5_failure(Stage::credentials, "make a memory cache", context_.get(), code,
                                Code::internal);
        cache_.emplace(std::move(cache));
        return {};
    }

    Result<Ticket> ask_for_granting() {
        const std::string doing = "get a ticket for " + principal_ + " with the keytab " + keytab_;
        auto file = KeytabFile::open(keytab_);
        if (!file) return std::move(file).error();
        Krb5Keytab keytab(context_.get());
        krb5_error_code code = krb5_kt_resolve(context_.get(), file->name().c_str(), keytab.out());
        krb5_creds creds{};
        const InitOptions options(context_.get());
        if (code == 0)
            code = krb5_get_init_creds_keytab(context_.get(), &creds, client_->get(), keytab.get(), 0,
                                              nullptr, options.options);
        if (code != 0)
            return file->explained(
                krb5_failure(Stage::credentials, doing, context_.get(), code, Code::no_credentials));
        auto ticket = ticket_of(context_.get(), creds);
        krb5_free_cred_contents(context_.get(), &creds);
        return ticket;
    }

    std::string keytab_;
    std::string principal_;
    Krb5Context context_;  // before what was made with it
    std::optional<Krb5Principal> client_;
    std::optional<Krb5MemoryCache> cache_;
    std::int64_t granting_start_ = 0;
    std::int64_t granting_end_ = 0;
};

}  // namespace

std::unique_ptr<TicketSource> source_from_keytab(std::string keytab, std::string principal) {
    return std::make_unique<KeytabSource>(std::move(keytab), std::move(principal));
}

}  // namespace mutual::keys
