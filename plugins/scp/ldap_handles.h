// SPDX-License-Identifier: Apache-2.0
// Owners of libldap's and GSS-API's C handles.
#pragma once

#include <gssapi/gssapi.h>
#include <ldap.h>

#include <memory>
#include <utility>

namespace mutual::scp {

template <auto release>
struct Released {
    template <class T>
    void operator()(T* handle) const {
        release(handle);
    }
};

inline void unbind(LDAP* handle) { ldap_unbind_ext(handle, nullptr, nullptr); }

using LdapHandle = std::unique_ptr<LDAP, Released<unbind>>;
using LdapMessage = std::unique_ptr<LDAPMessage, Released<ldap_msgfree>>;
using LdapText = std::unique_ptr<char, Released<ldap_memfree>>;
using LdapValues = std::unique_ptr<berval*, Released<ldap_value_free_len>>;
using LdapControl = std::unique_ptr<LDAPControl, Released<ldap_control_free>>;
using LdapControls = std::unique_ptr<LDAPControl*, Released<ldap_controls_free>>;

class Credential {
public:
    explicit Credential(gss_cred_id_t credential = GSS_C_NO_CREDENTIAL) : credential_(credential) {}
    Credential(Credential&& other) noexcept
        : credential_(std::exchange(other.credential_, GSS_C_NO_CREDENTIAL)) {}
    Credential& operator=(Credential&&) = delete;
    ~Credential() {
        OM_uint32 minor = 0;
        if (credential_ != GSS_C_NO_CREDENTIAL) gss_release_cred(&minor, &credential_);
    }
    gss_cred_id_t value() const { return credential_; }
    explicit operator bool() const { return credential_ != GSS_C_NO_CREDENTIAL; }

private:
    gss_cred_id_t credential_;
};

}  // namespace mutual::scp
