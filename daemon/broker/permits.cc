// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/permits.h"

namespace mutual::broker {

Error Permits::refuse(const std::string& who, std::size_t count, const std::string& suffix,
                      std::size_t most) {
    ++refused_;
    if (key_.empty())
        return {Code::limit, Stage::caller,
                who + " " + std::to_string(count) + " " + what_ + ", and " + std::to_string(most) +
                    " are the most",
                "wait for some to end"};
    const std::string key = "daemon.limits." + key_ + suffix;
    return {Code::limit, Stage::caller,
            who + " " + std::to_string(count) + " " + what_ + ", and " + key + " is " + std::to_string(most),
            "wait for some to end, or raise " + key};
}

Result<Permits::Permit> Permits::take(const config::Bounds& bounds, uid_t uid, const std::string& unit) {
    const std::size_t of_uid = counts_->by_uid.of(uid);
    const std::size_t of_unit = unit.empty() ? 0 : counts_->by_unit.of(unit);
    if (of_uid >= bounds.uid)
        return refuse("uid " + std::to_string(uid) + " has", of_uid, "_per_uid", bounds.uid);
    if (bounds.unit != 0 && of_unit >= bounds.unit)
        return refuse("unit " + unit + " has", of_unit, "_per_unit", bounds.unit);
    if (counts_->total >= bounds.all) return refuse("all callers have", counts_->total, "", bounds.all);
    counts_->by_uid.add(uid);
    if (!unit.empty()) counts_->by_unit.add(unit);
    ++counts_->total;
    return Permit(nullptr, [counts = counts_, uid, unit](void*) {
        --counts->total;
        counts->by_uid.remove(uid);
        if (!unit.empty()) counts->by_unit.remove(unit);
    });
}

Result<Permits::Permit> take(Permits& permits, const config::Bounds& bounds, const Caller& caller,
                             CallerUnit& unit) {
    if (bounds.unit != 0 && !unit.name()) return unit.name().error();
    return permits.take(bounds, caller.uid, unit.known());
}

}  // namespace mutual::broker
