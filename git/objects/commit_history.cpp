#include "graftline/git/objects/commit_history.hpp"

#include "graftline/git/repository/repository.hpp"

#include <algorithm>
#include <charconv>
#include <queue>

namespace graftline::git {
namespace {

/// About 150 bytes each.
constexpr std::size_t most_known = std::size_t{1} << 20;

enum mark : unsigned {
    of_one = 1,   ///< the first commit that was asked about reaches it
    of_other = 2, ///< the second one does
    stale = 4,    ///< below an answer, or not wanted: of no interest any more
    listed = 8,
    placed = 16
};

/// "committer Name <email> 1700000000 +0000". A time that does not read counts as the beginning, as in git.
std::int64_t time_in(std::string_view committer)
{
    std::int64_t seconds = 0;
    const auto end_of_name = committer.rfind("> ");
    if (end_of_name == committer.npos) return 0;
    const std::string_view rest = committer.substr(end_of_name + 2);
    std::from_chars(rest.data(), rest.data() + rest.size(), seconds);
    return seconds;
}

} // namespace

commit_history::commit commit_history::parsed(std::string_view text)
{
    commit c;
    while (!text.empty() && text.front() != '\n') {
        const std::string_view line = text.substr(0, text.find('\n'));
        git_oid parent;
        if (line.starts_with("parent ") && line.size() == 7 + GIT_OID_HEXSZ &&
            git_oid_fromstrn(&parent, line.data() + 7, GIT_OID_HEXSZ) == 0)
            c.parents.push_back(parent);
        if (line.starts_with("committer ")) {
            c.time = time_in(line);
            break;
        }
        text.remove_prefix(std::min(text.size(), line.size() + 1));
    }
    return c;
}

void commit_history::learn(const git_oid& id, std::string_view text)
{
    const std::lock_guard held(mutex_);
    known_.try_emplace(id, parsed(text));
}

result<commit_history::commit_map::value_type*> commit_history::find(object_reader& reader, const git_oid& id)
{
    auto at = known_.find(id);
    if (at == known_.end()) {
        auto text = reader.commit(id);
        if (!text) return text.error();
        at = known_.emplace(id, parsed(*text)).first;
    }
    return &*at;
}

void commit_history::stay_small()
{
    if (known_.size() > most_known) known_.clear();
}

/// From some commits down, the youngest first, carrying marks to the parents.
class commit_history::walk {
public:
    using entry = commit_map::value_type;

    walk(commit_history& in, object_reader& reader) : in_(in), reader_(reader) {}
    walk(const walk&) = delete;
    walk& operator=(const walk&) = delete;
    ~walk()
    {
        for (entry* e : marked_) {
            e->second.marks = 0;
            e->second.waits = false;
        }
    }

    result<void> add(const git_oid& id, unsigned marks)
    {
        auto found = in_.find(reader_, id);
        if (!found) return found.error();
        commit& c = (*found)->second;
        if ((c.marks & marks) == marks) return {};
        if (c.marks == 0) marked_.push_back(*found);
        if (c.waits && !(c.marks & stale)) --interesting_;
        c.marks |= marks;
        if (!c.waits) queue_.push(*found);
        c.waits = true;
        if (!(c.marks & stale)) ++interesting_;
        return {};
    }
    result<void> add_parents(const entry& of, unsigned marks)
    {
        for (const git_oid& parent : of.second.parents)
            if (auto added = add(parent, marks); !added) return added;
        return {};
    }
    bool is_over() const { return interesting_ == 0; }
    entry* next()
    {
        entry* e = queue_.top();
        queue_.pop();
        e->second.waits = false;
        if (!(e->second.marks & stale)) --interesting_;
        return e;
    }

private:
    struct younger_first {
        bool operator()(const entry* one, const entry* other) const
        {
            return one->second.time < other->second.time;
        }
    };
    commit_history& in_;
    object_reader& reader_;
    std::priority_queue<entry*, std::vector<entry*>, younger_first> queue_;
    std::vector<entry*> marked_;
    std::size_t interesting_ = 0; ///< in the queue and not stale
};

result<std::vector<git_oid>> commit_history::merge_bases(object_reader& reader, const git_oid& one,
                                                         const git_oid& other)
{
    const std::lock_guard held(mutex_);
    stay_small();
    walk down(*this, reader);
    auto begun = down.add(one, of_one);
    if (begun) begun = down.add(other, of_other);
    if (!begun) return begun.error();
    std::vector<walk::entry*> candidates;
    while (!down.is_over()) {
        walk::entry* e = down.next();
        unsigned marks = e->second.marks & (of_one | of_other | stale);
        if (marks == (of_one | of_other)) {
            if (!(e->second.marks & listed)) candidates.push_back(e);
            e->second.marks |= listed;
            marks |= stale;
        }
        if (auto added = down.add_parents(*e, marks); !added) return added.error();
    }
    std::vector<git_oid> bases;
    for (const walk::entry* e : candidates)
        if (!(e->second.marks & stale)) bases.push_back(e->first);
    return bases;
}

result<bool> commit_history::contains(object_reader& reader, const git_oid& descendant,
                                      const git_oid& ancestor)
{
    auto bases = merge_bases(reader, descendant, ancestor);
    if (!bases) return bases.error();
    return std::ranges::any_of(*bases, [&](const git_oid& id) { return git_oid_equal(&id, &ancestor) != 0; });
}

result<std::vector<git_oid>> commit_history::between(object_reader& reader, const git_oid& to,
                                                     const git_oid& from)
{
    const std::lock_guard held(mutex_);
    stay_small();
    walk down(*this, reader);
    auto begun = down.add(to, of_one);
    if (begun) begun = down.add(from, stale);
    if (!begun) return begun.error();
    std::vector<walk::entry*> stack;
    while (!down.is_over()) {
        walk::entry* e = down.next();
        if (!(e->second.marks & (stale | listed))) stack.push_back(e);
        if (!(e->second.marks & stale)) e->second.marks |= listed;
        if (auto added = down.add_parents(*e, e->second.marks & (of_one | stale)); !added)
            return added.error();
    }
    // Each waits on the stack until its parents have their place.
    const auto is_open = [](const walk::entry* e) {
        return (e->second.marks & (stale | listed | placed)) == listed;
    };
    std::vector<git_oid> order;
    while (!stack.empty()) {
        walk::entry* e = stack.back();
        const std::size_t before = stack.size();
        if (is_open(e))
            for (const git_oid& parent : e->second.parents)
                if (const auto at = known_.find(parent); at != known_.end() && is_open(&*at))
                    stack.push_back(&*at);
        if (stack.size() > before) continue;
        if (is_open(e)) order.push_back(e->first);
        e->second.marks |= placed;
        stack.pop_back();
    }
    return order;
}

std::shared_ptr<commit_history> history_of(const repository& repo)
{
    return repo.services().use<commit_history>([] { return std::make_shared<commit_history>(); });
}

} // namespace graftline::git
