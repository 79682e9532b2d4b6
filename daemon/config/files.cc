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

// By name of the drop-in: the path of the last folder that has one.
void collect_drop_ins(const fs::path& folder, std::map<std::string, fs::path>& found,
                      std::vector<Error>& errors) {
    std::error_code failure;
    for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end;
         entry.increment(failure))
        if (entry->path().extension() == ".toml") found[entry->path().filename()] = entry->path();
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

std::vector<std::string> configuration_files(const ConfigurationPaths& paths, std::vector<Error>& errors) {
    std::vector<std::string> files;
    std::map<std::string, fs::path> drop_ins;
    for (const std::string& folder : paths.folders) {
        const fs::path main = fs::path(folder) / "mutuald.toml";
        std::error_code ignored;
        if (fs::symlink_status(main, ignored).type() != fs::file_type::not_found && !is_mask(main))
            files.push_back(main);
        collect_drop_ins(fs::path(folder) / "mutuald.toml.d", drop_ins, errors);
    }
    for (const auto& [name, path] : drop_ins)
        if (!is_mask(path)) files.push_back(path);
    return files;
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
