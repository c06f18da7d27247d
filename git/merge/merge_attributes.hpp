/// Which files an attributes file lets merge in a way of their own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace graftline::git {

/// The lines of one attributes file that say how files are merged (`merge`, `conflict-marker-size`, and what
/// stands for them: `binary`, macros). Errs on one side only: it may take a line for one that matches.
class merge_attributes {
public:
    merge_attributes() = default;
    explicit merge_attributes(std::string_view text);

    /// May a line be meant for `path`, which is relative to the folder of the attributes file?
    bool may_match(std::string_view path) const;
    bool is_empty() const noexcept { return patterns_.empty() && !everything_; }

private:
    void take_line(std::string_view line);

    std::vector<std::string> patterns_; ///< in small letters
    bool everything_ = false;           ///< a line that we do not take apart
};

} // namespace graftline::git
