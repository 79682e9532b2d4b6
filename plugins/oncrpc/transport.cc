// SPDX-License-Identifier: Apache-2.0
#include "plugins/oncrpc/transport.h"

#include "plugins/oncrpc/acceptor_session.h"
#include "plugins/oncrpc/initiator_session.h"
#include "plugins/options/options.h"

namespace mutual::oncrpc {
namespace {

class OncrpcTransport final : public Transport {
public:
    Result<std::unique_ptr<Session>> session(const SessionParameters& parameters,
                                             SessionHost& host) override {
        auto options = read_rpc_options(parameters.options);
        if (!options) {
            Error error = std::move(options).error();
            error.stage = Stage::connect;
            return error;
        }
        if (parameters.role == Role::acceptor)
            return std::unique_ptr<Session>{std::make_unique<AcceptorSession>(std::move(*options), host)};
        if (options->versions.size() != 1)
            return Error(Code::invalid_configuration, Stage::connect,
                         "option `versions` must name the one that the channel is opened for");
        return std::unique_ptr<Session>{std::make_unique<InitiatorSession>(std::move(*options), host)};
    }
};

}  // namespace

Result<std::unique_ptr<Transport>> make_transport(std::string_view text) {
    auto object = options::parse(text);
    if (!object) return std::move(object).error();
    options::Reader reader{*object};
    if (auto good = reader.finish(); !good) return std::move(good).error();
    return std::unique_ptr<Transport>{std::make_unique<OncrpcTransport>()};
}

}  // namespace mutual::oncrpc
