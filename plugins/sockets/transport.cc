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
void check_choice(const options::json::object& object, options::Reader& reader, std::string_view key,
                  std::string_view only, std::string_view planned) {
    const auto* value = object.if_contains(key);
    if (!value || !value->is_string() || value->get_string() != planned) {
        reader.choice(key, {only}, 0);
        return;
    }
    std::string complaint = "must be one of: ";
    complaint.append(only).append(" (").append(planned).append(" is not available in this version)");
    reader.fault(key, complaint);
}

Result<Dialect> read_dialect(std::string_view text) {
    auto object = options::parse(text);
    if (!object) return std::move(object).error();
    options::Reader reader{*object};
    check_choice(*object, reader, "wire", "gss", "tls");
    const auto dialect = static_cast<Dialect>(reader.choice("dialect", {"cli", "libknc"}, 0));
    if (auto good = reader.finish(); !good) return std::move(good).error();
    return dialect;
}

Error at_connect(Error error) {
    error.stage = Stage::connect;
    return error;
}

class SocketsTransport final : public Transport {
public:
    Result<std::unique_ptr<Session>> session(const SessionParameters& parameters,
                                             SessionHost& host) override {
        auto dialect = read_dialect(parameters.options);
        if (!dialect) return at_connect(std::move(dialect).error());
        return std::unique_ptr<Session>{std::make_unique<GssSession>(parameters.role, *dialect, host)};
    }
};

}  // namespace

Result<std::unique_ptr<Transport>> make_transport(std::string_view options) {
    if (auto good = check_no_options(options); !good) return std::move(good).error();
    return std::unique_ptr<Transport>{std::make_unique<SocketsTransport>()};
}

}  // namespace mutual::sockets
