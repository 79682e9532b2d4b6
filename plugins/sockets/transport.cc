// SPDX-License-Identifier: Apache-2.0
#include "plugins/sockets/transport.h"

#include "plugins/options/options.h"
#include "plugins/sockets/gss_session.h"

namespace mutual::sockets {
namespace {

Result<void> check_no_options(std::string_view text) {
    auto object = options::parse(text);
    if (!object) return std::move(object).error();
    options::Reader reader{*object};
    return reader.finish();
}

// `planned` is a value that a later version will know: said so, lest it be taken for a misspelling.
void check_choice(options::Reader& reader, std::string_view key, std::string_view only,
                  std::string_view planned) {
    if (reader.text(key) != planned)
        reader.choice(key, {only}, 0);
    else
        reader.fault(key, std::string{"must be one of: "}.append(only) + " (" + std::string{planned} +
                              " is not available in this version)");
}

Result<void> check_service_options(std::string_view text) {
    auto object = options::parse(text);
    if (!object) return std::move(object).error();
    options::Reader reader{*object};
    check_choice(reader, "wire", "gss", "tls");
    check_choice(reader, "dialect", "cli", "libknc");
    return reader.finish();
}

Error at_connect(Error error) {
    error.stage = Stage::connect;
    return error;
}

class SocketsTransport final : public Transport {
public:
    Result<std::unique_ptr<Session>> session(const SessionParameters& parameters,
                                             SessionHost& host) override {
        if (auto good = check_service_options(parameters.options); !good)
            return at_connect(std::move(good).error());
        return std::unique_ptr<Session>{std::make_unique<GssSession>(parameters.role, host)};
    }
};

}  // namespace

Result<std::unique_ptr<Transport>> make_transport(std::string_view options) {
    if (auto good = check_no_options(options); !good) return std::move(good).error();
    return std::unique_ptr<Transport>{std::make_unique<SocketsTransport>()};
}

}  // namespace mutual::sockets
