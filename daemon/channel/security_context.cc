// SPDX-License-Identifier: Apache-2.0
#include "daemon/channel/security_context.h"

#include <fcntl.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "daemon/channel/gss_error.h"

namespace mutual::channel {
namespace {

constexpr off_t largest_export = 256 * 1024;

gss_buffer_desc buffer_of(Bytes bytes) { return {bytes.size(), const_cast<std::byte*>(bytes.data())}; }

// Memory from the GSS library.
class GssBuffer {
public:
    GssBuffer() = default;
    GssBuffer(const GssBuffer&) = delete;
    GssBuffer& operator=(const GssBuffer&) = delete;
    ~GssBuffer() {
        OM_uint32 minor = 0;
        gss_release_buffer(&minor, &buffer_);
    }
    gss_buffer_t address() { return &buffer_; }
    Bytes bytes() const { return {static_cast<const std::byte*>(buffer_.value), buffer_.length}; }

private:
    gss_buffer_desc buffer_ = GSS_C_EMPTY_BUFFER;
};

Supplementary supplementary_of(OM_uint32 major) {
    return {(major & GSS_S_DUPLICATE_TOKEN) != 0, (major & GSS_S_OLD_TOKEN) != 0,
            (major & GSS_S_UNSEQ_TOKEN) != 0, (major & GSS_S_GAP_TOKEN) != 0};
}

class GssContext final : public SecurityContext {
public:
    GssContext(gss_ctx_id_t context, ContextFacts facts) : context_(context), facts_(std::move(facts)) {}
    GssContext(const GssContext&) = delete;
    GssContext& operator=(const GssContext&) = delete;
    ~GssContext() override {
        OM_uint32 minor = 0;
        gss_delete_sec_context(&minor, &context_, GSS_C_NO_BUFFER);
    }

    Layout layout(std::size_t plaintext) const override;
    std::size_t largest_plaintext(std::size_t token) const override;
    Result<void> seal(MutableBytes frame, std::size_t plaintext) override;
    Result<Opened> open(MutableBytes token) override;
    Result<std::vector<std::byte>> mic(Bytes message) override;
    Result<Supplementary> verify(Bytes message, Bytes mic) override;
    Result<void> prf(Bytes input, MutableBytes output) override;
    bool is_expired() const override { return facts_.expires <= std::chrono::system_clock::now(); }
    const ContextFacts& facts() const override { return facts_; }

private:
    // In the order of a wrap token.
    enum Part { header, data, padding, trailer, parts };
    struct Lengths {
        std::size_t plaintext = 0;
        std::array<std::size_t, parts> of{};
        bool known = false;
    };
    const Lengths& lengths(std::size_t plaintext) const;

    gss_ctx_id_t context_;
    ContextFacts facts_;
    mutable Lengths lengths_;  // of the length last asked for: in bulk it is always the same
};

std::array<gss_iov_buffer_desc, 4> wrap_parts() {
    std::array<gss_iov_buffer_desc, 4> iov{};
    iov[0].type = GSS_IOV_BUFFER_TYPE_HEADER;
    iov[1].type = GSS_IOV_BUFFER_TYPE_DATA;
    iov[2].type = GSS_IOV_BUFFER_TYPE_PADDING;
    iov[3].type = GSS_IOV_BUFFER_TYPE_TRAILER;
    return iov;
}

const GssContext::Lengths& GssContext::lengths(std::size_t plaintext) const {
    if (lengths_.known && lengths_.plaintext == plaintext) return lengths_;
    auto iov = wrap_parts();
    iov[data].buffer.length = plaintext;
    OM_uint32 minor = 0;
    const OM_uint32 major = gss_wrap_iov_length(&minor, context_, 1, GSS_C_QOP_DEFAULT, nullptr, iov.data(),
                                                static_cast<int>(iov.size()));
    lengths_ = {plaintext, {}, major == GSS_S_COMPLETE};
    if (lengths_.known)
        for (std::size_t i = 0; i < iov.size(); ++i) lengths_.of[i] = iov[i].buffer.length;
    return lengths_;
}

SecurityContext::Layout GssContext::layout(std::size_t plaintext) const {
    const auto& of = lengths(plaintext).of;
    return {of[header], of[padding] + of[trailer]};
}

std::size_t GssContext::largest_plaintext(std::size_t token) const {
    OM_uint32 minor = 0;
    OM_uint32 largest = 0;
    const auto wanted = static_cast<OM_uint32>(std::min<std::size_t>(token, 0x7fffffffU));
    const auto major = gss_wrap_size_limit(&minor, context_, 1, GSS_C_QOP_DEFAULT, wanted, &largest);
    return major == GSS_S_COMPLETE ? largest : 0;
}

Result<void> GssContext::seal(MutableBytes frame, std::size_t plaintext) {
    const Lengths& known = lengths(plaintext);
    const auto& of = known.of;
    if (!known.known || frame.size() != of[header] + plaintext + of[padding] + of[trailer])
        return Error{Code::internal, Stage::channel,
                     "seal a message: its frame does not have the layout it needs"};
    auto iov = wrap_parts();
    std::byte* at = frame.data();
    for (std::size_t i = 0; i < iov.size(); ++i) {
        iov[i].buffer = {i == data ? plaintext : of[i], at};
        at += iov[i].buffer.length;
    }
    OM_uint32 minor = 0;
    int confidential = 0;
    const OM_uint32 major = gss_wrap_iov(&minor, context_, 1, GSS_C_QOP_DEFAULT, &confidential, iov.data(),
                                         static_cast<int>(iov.size()));
    if (major != GSS_S_COMPLETE) return gss_error("seal a message", major, minor);
    if (confidential == 0)
        return Error{Code::unprotected, Stage::channel, "seal a message: the mechanism did not encrypt it"};
    return {};
}

Result<SecurityContext::Opened> GssContext::open(MutableBytes token) {
    std::array<gss_iov_buffer_desc, 2> iov{};
    iov[0].type = GSS_IOV_BUFFER_TYPE_STREAM;
    iov[0].buffer = buffer_of(token);
    iov[1].type = GSS_IOV_BUFFER_TYPE_DATA;
    OM_uint32 minor = 0;
    int confidential = 0;
    const OM_uint32 major =
        gss_unwrap_iov(&minor, context_, &confidential, nullptr, iov.data(), static_cast<int>(iov.size()));
    if (GSS_ERROR(major)) return gss_error("open a message", major, minor);
    return Opened{{static_cast<std::byte*>(iov[1].buffer.value), iov[1].buffer.length},
                  confidential != 0,
                  supplementary_of(major)};
}

Result<std::vector<std::byte>> GssContext::mic(Bytes message) {
    auto input = buffer_of(message);
    GssBuffer output;
    OM_uint32 minor = 0;
    const OM_uint32 major = gss_get_mic(&minor, context_, GSS_C_QOP_DEFAULT, &input, output.address());
    if (major != GSS_S_COMPLETE) return gss_error("sign a message", major, minor);
    return std::vector<std::byte>(output.bytes().begin(), output.bytes().end());
}

Result<Supplementary> GssContext::verify(Bytes message, Bytes mic) {
    auto input = buffer_of(message);
    auto signature = buffer_of(mic);
    OM_uint32 minor = 0;
    const OM_uint32 major = gss_verify_mic(&minor, context_, &input, &signature, nullptr);
    if (GSS_ERROR(major)) return gss_error("verify a message", major, minor);
    return supplementary_of(major);
}

Result<void> GssContext::prf(Bytes input, MutableBytes output) {
    auto label = buffer_of(input);
    GssBuffer random;
    OM_uint32 minor = 0;
    const OM_uint32 major = gss_pseudo_random(&minor, context_, GSS_C_PRF_KEY_FULL, &label,
                                              static_cast<ssize_t>(output.size()), random.address());
    if (major != GSS_S_COMPLETE) return gss_error("derive pseudo-random octets", major, minor);
    if (random.bytes().size() != output.size())
        return Error{Code::internal, Stage::channel, "derive pseudo-random octets: not as many as asked for"};
    std::copy(random.bytes().begin(), random.bytes().end(), output.begin());
    return {};
}

Error bad_export(const std::string& why) {
    return {Code::internal, Stage::handshake, "import the context from mutuald-keys: " + why};
}

// Octets that are wiped before their memory goes back.
struct Secret {
    explicit Secret(std::size_t size) : bytes(size) {}
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;
    ~Secret() { explicit_bzero(bytes.data(), bytes.size()); }
    std::vector<std::byte> bytes;
};

Result<std::size_t> sealed_size(int memory) {
    const int seals = ::fcntl(memory, F_GET_SEALS);
    constexpr int needed = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK;
    if (seals < 0 || (seals & needed) != needed) return bad_export("it is not in a sealed memory file");
    struct stat status {};
    if (::fstat(memory, &status) != 0) return bad_export(std::strerror(errno));
    if (status.st_size <= 0 || status.st_size > largest_export)
        return bad_export("its size is " + std::to_string(status.st_size) + " octets");
    return static_cast<std::size_t>(status.st_size);
}

bool is_open_kerberos(gss_ctx_id_t context) {
    OM_uint32 minor = 0;
    gss_OID mechanism = GSS_C_NO_OID;
    int open = 0;
    const auto major =
        gss_inquire_context(&minor, context, nullptr, nullptr, nullptr, &mechanism, nullptr, nullptr, &open);
    return !GSS_ERROR(major) && open != 0 && gss_oid_equal(mechanism, gss_mech_krb5);
}

}  // namespace

Result<std::unique_ptr<SecurityContext>> import_context(UniqueFd memory, ContextFacts facts) {
    auto size = sealed_size(memory.value());
    if (!size) return std::move(size).error();
    Secret secret(*size);
    if (::pread(memory.value(), secret.bytes.data(), *size, 0) != static_cast<ssize_t>(*size))
        return bad_export("its memory file cannot be read");
    auto token = buffer_of(secret.bytes);
    gss_ctx_id_t context = GSS_C_NO_CONTEXT;
    OM_uint32 minor = 0;
    const OM_uint32 major = gss_import_sec_context(&minor, &token, &context);
    if (major != GSS_S_COMPLETE) return gss_error("import the context from mutuald-keys", major, minor);
    auto imported = std::make_unique<GssContext>(context, std::move(facts));
    if (!is_open_kerberos(context)) return bad_export("it is not an open context of Kerberos");
    return std::unique_ptr<SecurityContext>(std::move(imported));
}

}  // namespace mutual::channel
