// SPDX-License-Identifier: Apache-2.0
// Tickets out of a user's own credential cache.
#include <optional>

#include "daemon/keys/owner_cache.h"
#include "daemon/keys/service_ticket.h"

namespace mutual::keys {

namespace {

class CacheSource final : public TicketSource {
public:
    explicit CacheSource(std::string name) : name_(std::move(name)) {}

    Result<Found> look(const Wanted& wanted) override {
        if (auto opened = open(); !opened) return std::move(opened).error();
        if (!wanted.target.empty()) {
            auto cached = cached_service_ticket(context_.get(), cache_->cache.get(), wanted);
            if (!cached) return named(std::move(cached).error());
            if (*cached) return Found{(*cached)->client, std::move(*cached), 0};
        }
        auto granting = cached_granting_ticket(context_.get(), cache_->cache.get());
        if (!granting) return named(std::move(granting).error());
        if (auto usable = check_granting(*granting, wanted.minimum_lifetime); !usable)
            return std::move(usable).error();
        granting_end_ = (*granting)->end;
        return Found{(*granting)->client, std::nullopt, granting_end_};
    }

    Result<Ticket> ask(const Wanted& wanted) override {
        return ask_for_service_ticket(context_.get(), cache_->cache.get(), wanted, granting_end_,
                                      cache_->has_room());
    }

private:
    Result<void> open() {
        cache_.reset();
        auto context = make_krb5_context();
        if (!context) return std::move(context).error();
        context_ = std::move(*context);
        auto cache = open_owner_cache(context_.get(), name_);
        if (!cache) return std::move(cache).error();
        cache_.emplace(std::move(*cache));
        return {};
    }

    Result<void> check_granting(const std::optional<Ticket>& granting, std::int64_t minimum) const {
        const std::string doing = "use the credential cache " + cache_->name + ": ";
        if (!granting)
            return Error(Code::no_credentials, Stage::credentials,
                         doing + "it holds no ticket-granting ticket", "run kinit to get a ticket");
        const std::int64_t left = granting->end - now_seconds();
        if (left <= 0)
            return Error(Code::no_credentials, Stage::credentials,
                         doing + "the ticket of " + granting->client + " has expired",
                         "run kinit to get a new ticket");
        if (left < minimum)
            return Error(Code::no_credentials, Stage::credentials,
                         doing + "the ticket of " + granting->client + " lasts " + std::to_string(left) +
                             " s, and " + std::to_string(minimum) + " s are asked for",
                         "run kinit to get a new ticket, or ask for less");
        return {};
    }

    // The file is opened by its descriptor; a person knows it by its name.
    Error named(Error error) const {
        constexpr std::string_view doing = "read the credential cache";
        if (error.message.starts_with(doing)) error.message.insert(doing.size(), " " + cache_->name);
        return error;
    }

    std::string name_;
    Krb5Context context_;  // before what was made with it
    std::optional<OwnerCache> cache_;
    std::int64_t granting_end_ = 0;
};

}  // namespace

std::unique_ptr<TicketSource> source_from_cache(std::string name) {
    return std::make_unique<CacheSource>(std::move(name));
}

}  // namespace mutual::keys
