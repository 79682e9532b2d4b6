// SPDX-License-Identifier: Apache-2.0
// Ownership of libkrb5's objects. A handle must not outlive the context that it was made with.
#pragma once

#include <krb5/krb5.h>

#include <memory>
#include <string>
#include <utility>

#include "mutual/error.h"

namespace mutual::keys {

struct Krb5ContextDeleter {
    void operator()(krb5_context context) const { krb5_free_context(context); }
};
using Krb5Context = std::unique_ptr<std::remove_pointer_t<krb5_context>, Krb5ContextDeleter>;

// Reads the configuration; while another context lives, only if krb5.conf itself has changed. A change of a
// file that it includes is not seen until then.
Result<Krb5Context> make_krb5_context();

// The one that lives as long as the program, for its one thread: to read and write names, tickets and caches
// in memory. What opens files or asks a KDC makes its own.
Result<krb5_context> lasting_krb5_context();

template <class T, auto Free>
class Krb5Handle {
public:
    explicit Krb5Handle(krb5_context context) : context_(context) {}
    Krb5Handle(Krb5Handle&& other) noexcept
        : context_(other.context_), handle_(std::exchange(other.handle_, T{})) {}
    Krb5Handle& operator=(Krb5Handle&& other) noexcept {
        if (this == &other) return *this;
        reset();
        context_ = other.context_;
        handle_ = std::exchange(other.handle_, T{});
        return *this;
    }
    Krb5Handle(const Krb5Handle&) = delete;
    Krb5Handle& operator=(const Krb5Handle&) = delete;
    ~Krb5Handle() { reset(); }

    T get() const { return handle_; }
    T operator->() const { return handle_; }
    decltype(auto) operator*() const { return *handle_; }
    T* out() {
        reset();
        return &handle_;
    }
    [[nodiscard]] T release() { return std::exchange(handle_, T{}); }
    void reset() {
        if (handle_) Free(context_, std::exchange(handle_, T{}));
    }

private:
    krb5_context context_;
    T handle_{};
};

using Krb5Principal = Krb5Handle<krb5_principal, krb5_free_principal>;
using Krb5Cache = Krb5Handle<krb5_ccache, krb5_cc_close>;
using Krb5MemoryCache = Krb5Handle<krb5_ccache, krb5_cc_destroy>;  // its content ends with the handle
using Krb5Keytab = Krb5Handle<krb5_keytab, krb5_kt_close>;
using Krb5Creds = Krb5Handle<krb5_creds*, krb5_free_creds>;
using Krb5Ticket = Krb5Handle<krb5_ticket*, krb5_free_ticket>;
using Krb5Text = Krb5Handle<char*, krb5_free_unparsed_name>;

// The escaped form with realm; empty if libkrb5 cannot.
std::string to_text(krb5_context context, krb5_const_principal principal);
// Demands a realm.
Result<Krb5Principal> parse_principal(krb5_context context, const std::string& text, Stage stage);

// The principal's text as libkrb5 writes it, so that two texts can be compared.
Result<std::string> canonical_principal(const std::string& text);

}  // namespace mutual::keys
