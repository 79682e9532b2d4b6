// SPDX-License-Identifier: Apache-2.0
// How many of something each has. Whoever has none takes no room.
#pragma once

#include <cstddef>
#include <map>

namespace mutual::unit {

template <class Key>
class Counts {
public:
    std::size_t of(const Key& key) const {
        const auto found = counts_.find(key);
        return found == counts_.end() ? 0 : found->second;
    }
    void add(const Key& key) { ++counts_[key]; }
    // One that was added.
    void remove(const Key& key) {
        const auto found = counts_.find(key);
        if (--found->second == 0) counts_.erase(found);
    }

private:
    std::map<Key, std::size_t> counts_;
};

}  // namespace mutual::unit
