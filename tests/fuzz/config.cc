// SPDX-License-Identifier: Apache-2.0
// A configuration file.
#include <boost/json/parse.hpp>

#include "daemon/config/load.h"
#include "daemon/config/tree.h"
#include "tests/fuzz/property.h"

namespace mutual::fuzz {
namespace {

namespace json = boost::json;
using namespace config;

bool is_json_object(const std::string& text) {
    boost::system::error_code problem;
    const json::value value = json::parse(text, problem);
    return !problem && value.is_object();
}

void check_tree(std::string_view text) {
    auto tree = parse_toml(text, "f");
    if (!accepted(tree)) return;
    const auto written = to_json(*tree);
    if (!accepted(written)) return;
    require(written->find('\0') == std::string::npos, "no text holds a NUL");
    require(is_json_object(*written), "a tree is JSON", *written);
}

void check_references(const Configuration& configuration) {
    for (const auto& [name, plugin] : configuration.plugins) {
        require(is_json_object(plugin.options), "a plugin's options are an object", plugin.options);
        require(plugin.identity.empty() || configuration.identity(plugin.identity),
                "a plugin's identity exists");
        require(plugin.path.starts_with('/'), "a plugin's path is absolute", plugin.path);
    }
    for (const auto& [name, service] : configuration.services) {
        require(is_json_object(service.options), "a service's options are an object", service.options);
        require(configuration.identity(service.identity), "a service's identity exists");
        require(!service.realm.empty() && !service.service_class.empty(),
                "a service has a class and a realm");
        for (const auto& plugin : service.discovery)
            require(configuration.plugin(plugin), "a service's plugin exists", plugin);
        if (service.accept)
            require(service.accept->spns.size() == service.accept->principals.size(),
                    "each SPN has its principal");
    }
    for (const auto& rule : configuration.rules)
        for (const auto& service : rule.services)
            require(configuration.service(service), "a rule's service exists", service);
}

}  // namespace
}  // namespace mutual::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutual::fuzz;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check_tree(text);
    const Loaded loaded = load_text(text, "f");
    require(loaded.configuration.has_value() == loaded.errors.empty(), "there is a configuration, or errors");
    for (const auto& error : loaded.errors) {
        require_text(error);
        require(error.code == mutual::Code::invalid_configuration, "an error is one of the configuration");
        require(error.message.starts_with("f:"), "an error names its place", error.message);
        require(error.message.find('\0') == std::string::npos, "an error can be shown", error.message);
    }
    if (loaded.configuration) check_references(*loaded.configuration);
    return 0;
}
