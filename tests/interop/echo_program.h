// SPDX-License-Identifier: Apache-2.0
// The program that tirpc_client calls and tirpc_server serves; its number and version are the tests' to
// choose.
#pragma once

#include <rpc/rpc.h>

#include <string>

namespace mutual::interop {

inline constexpr rpcproc_t null_procedure = 0;
inline constexpr rpcproc_t echo_procedure = 1;  // opaque data, and back
inline constexpr rpcproc_t who_procedure = 2;   // nothing; a JSON object, as opaque data: who the caller is

inline constexpr u_int most_data = 1U << 20U;
// What libtirpc makes of it is its limit, 256 KiB. Larger calls would leave the client in the clear.
inline constexpr u_int buffer_size = 1U << 20U;

struct Data {
    char* octets = nullptr;  // decoded into null, it is XDR's to allocate and xdr_free's to free
    u_int size = 0;
};

inline bool_t xdr_data(XDR* xdr, Data* data) {
    return ::xdr_bytes(xdr, &data->octets, &data->size, most_data);
}

inline bool_t xdr_nothing(XDR*, void*) { return TRUE; }

inline const auto data_codec = reinterpret_cast<xdrproc_t>(xdr_data);
inline const auto void_codec = reinterpret_cast<xdrproc_t>(xdr_nothing);

inline std::uint32_t read_number(const std::string& word) {
    return static_cast<std::uint32_t>(std::stoul(word, nullptr, 0));
}

// The server's side. Every call has to be under RPCSEC_GSS.
void serve_under_gss(svc_req* call, SVCXPRT* transport);
// Under any other flavor, for a server that only this host reaches.
void serve_plainly(svc_req* call, SVCXPRT* transport);

}  // namespace mutual::interop
