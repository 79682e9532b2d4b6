// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/request.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace mutual::broker {
namespace {

Result<Request> read(const std::string& request) {
    return read_request(boost::json::parse(R"({"request":)" + request + "}").as_object(), "Open");
}

config::Service payroll() {
    config::Service service;
    service.name = "payroll";
    service.rpc.emplace();
    service.rpc->program = 7;
    service.rpc->versions = {1, 3};
    return service;
}

TEST(RequestText, NamesAServiceOrItsRpcProgram) {
    const auto by_program = read(R"({"rpcProgram":4294967295,"rpcVersion":0})");
    ASSERT_TRUE(by_program) << by_program.error().message;
    EXPECT_EQ(by_program->rpc_program, 4294967295U);
    EXPECT_EQ(by_program->rpc_version, 0U);
    EXPECT_EQ(by_program->service, "");
    EXPECT_FALSE(read(R"({"service":"payroll"})")->rpc_program);
    for (const char* bad : {"{}", R"({"rpcVersion":1})", R"({"rpcProgram":4294967296})",
                            R"({"rpcProgram":-1})", R"({"rpcProgram":"payroll"})"})
        EXPECT_FALSE(read(bad)) << bad;
}

TEST(RpcVersion, IsTheHighestUnlessTheRequestSaysAnother) {
    Request request;
    EXPECT_EQ(rpc_version(payroll(), request).value(), 3U);
    request.rpc_program = 7;
    request.rpc_version = 1;
    EXPECT_EQ(rpc_version(payroll(), request).value(), 1U);
    EXPECT_EQ(rpc_version(config::Service{}, Request{}).value(), 0U);
}

TEST(RpcVersion, RefusesWhatContradictsTheDefinition) {
    Request request;
    request.rpc_version = 2;
    const auto version = rpc_version(payroll(), request);
    ASSERT_FALSE(version);
    EXPECT_EQ(version.error().code, Code::invalid_request);
    EXPECT_NE(version.error().message.find("lists 1, 3"), std::string::npos) << version.error().message;
    EXPECT_FALSE(rpc_version(config::Service{}, request)) << "it is no RPC program";
    request.rpc_version = 1;
    request.rpc_program = 8;
    EXPECT_FALSE(rpc_version(payroll(), request));
}

}  // namespace
}  // namespace mutual::broker
