// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <map>
#include <system_error>

#include "daemon/config/tree.h"
#include "varlink/unique_fd.h"

namespace mutual::config {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t largest_file = 1024 * 1024;

Error cannot(const char* verb, const std::string& file, int error_number) {
    return error_at({file, 0, 0}, "",
                    std::string(verb) + ": " + std::generic_category().message(error_number));
}

// By name of the drop-in, in the order of the folders: the last one counts.
using DropIns = std::map<std::string, std::vector<fs::path>>;

void collect_drop_ins(const fs::path& folder, DropIns& found, std::vector<Error>& errors) {
    std::error_code failure;
    for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end;
         entry.increment(failure))
        if (entry->path().extension() == ".toml") found[entry->path().filename()].push_back(entry->path());
    if (failure && failure != std::errc::no_such_file_or_directory)
        errors.push_back(cannot("list", folder, failure.value()));
}

bool is_mask(const fs::path& file) {
    std::error_code ignored;
    return fs::is_character_file(file, ignored) ||
           (fs::is_regular_file(file, ignored) && fs::is_empty(file, ignored));
}

Result<std::string> read_all(int fd, const std::string& file) {
    std::string text(largest_file + 1, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        const auto got = ::read(fd, text.data() + size, text.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return cannot("read", file, errno);
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    if (size > largest_file) return error_at({file, 0, 0}, "", "is larger than 1 MiB");
    text.resize(size);
    return text;
}

}  // namespace

namespace {

struct Found {
    std::string path;
    std::string why_not;  // empty: it counts
};

std::vector<Found> find_files(const ConfigurationPaths& paths, std::vector<Error>& errors) {
    std::vector<Found> files;
    DropIns drop_ins;
    for (const std::string& folder : paths.folders) {
        const fs::path main = fs::path(folder) / "mutuald.toml";
        std::error_code ignored;
        if (fs::symlink_status(main, ignored).type() != fs::file_type::not_found)
            files.push_back({main, is_mask(main) ? "empty" : ""});
        collect_drop_ins(fs::path(folder) / "mutuald.toml.d", drop_ins, errors);
    }
    for (const auto& [name, same] : drop_ins) {
        for (const fs::path& path : same)
            if (path != same.back()) files.push_back({path, "masked by " + same.back().string()});
        files.push_back({same.back(), is_mask(same.back()) ? "empty: a mask" : ""});
    }
    return files;
}

}  // namespace

std::vector<std::string> configuration_files(const ConfigurationPaths& paths, std::vector<Error>& errors) {
    std::vector<std::string> files;
    for (Found& found : find_files(paths, errors))
        if (found.why_not.empty()) files.push_back(std::move(found.path));
    return files;
}

std::string concatenated(const ConfigurationPaths& paths, std::vector<Error>& errors) {
    std::string all;
    for (const Found& found : find_files(paths, errors)) {
        all.append(all.empty() ? "# " : "\n# ").append(found.path);
        if (!found.why_not.empty()) {
            all.append(" (" + found.why_not + ")\n");
            continue;
        }
        all.push_back('\n');
        const Result<std::string> text = read_text(found.path);
        if (!text) {
            errors.push_back(text.error());
            continue;
        }
        all.append(*text);
        if (!all.ends_with('\n')) all.push_back('\n');
    }
    return all;
}

Result<std::string> read_text(const std::string& file) {
    const UniqueFd fd{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    struct stat status {};
    if (!fd || ::fstat(fd.value(), &status) != 0) return cannot("open", file, errno);
    if (!S_ISREG(status.st_mode)) return error_at({file, 0, 0}, "", "is not a regular file");
    if ((status.st_mode & S_IWOTH) != 0)
        return error_at({file, 0, 0}, "", "everyone may write to it", "chmod o-w " + file);
    return read_all(fd.value(), file);
}

}  // namespace mutual::config
