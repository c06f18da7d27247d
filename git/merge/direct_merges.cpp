#include "graftline/git/merge/direct_merges.hpp"

#include "graftline/git/merge/tree_merge.hpp"
#include "graftline/git/repository/repository.hpp"

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

/// As much as is kept from one call to the next; the trees of a hundred thousand files take a tenth of it.
constexpr std::size_t most_kept = std::size_t{32} << 20;

constexpr std::size_t most_attributes = 1000;

result<git_oid> only_base(commit_history& history, object_reader& objects, const git_oid& ours,
                          const git_oid& theirs)
{
    auto bases = history.merge_bases(objects, ours, theirs);
    if (!bases) return bases.error();
    if (bases->size() != 1) return fault(errc::unsupported, "not exactly one merge base");
    return bases->front();
}

result<merge_outcome> answer_one(commit_history& history, object_reader& objects, merge_surroundings& around,
                                 const direct_question& asked)
{
    auto ours = from_oid(asked.ours);
    if (!ours) return ours.error();
    auto theirs = from_oid(asked.theirs);
    if (!theirs) return theirs.error();
    auto base = asked.base ? from_oid(*asked.base) : only_base(history, objects, *ours, *theirs);
    if (!base) return base.error();

    git_oid trees[3];
    const git_oid* const commits[3] = {&*base, &*ours, &*theirs};
    for (int side = 0; side < 3; ++side) {
        auto tree = objects.tree_of(*commits[side]);
        if (!tree) return tree.error();
        trees[side] = *tree;
    }
    // What git merge-tree writes into conflict markers: the words that it was called with.
    const side_labels labels{asked.ours.hex(), asked.theirs.hex()};
    return tree_merge(objects, around, merge_trees{trees[0], trees[1], trees[2]}, labels);
}

/// The objects of `repository` and of other folders.
result<void> open_with_more(git_repository& repository, const std::vector<fs::path>& more, odb_ptr& odb)
{
    const fs::path own = fs::path(git_repository_commondir(&repository)) / "objects";
    if (const int code = git_odb_open(out(odb), own.c_str()); code < 0)
        return last_fault(code, "the object database cannot be opened");
    for (const fs::path& folder : more)
        if (const int code = git_odb_add_disk_alternate(odb.get(), folder.c_str()); code < 0)
            return last_fault(code, "an object directory cannot be opened");
    return {};
}

} // namespace

/// Used by the job that runs; there is one at a time.
class direct_merges::memory {
public:
    explicit memory(std::shared_ptr<commit_history> history) : history_(std::move(history)) {}

    /// Nullopt: the settings are not what they were.
    result<std::optional<std::vector<result<merge_outcome>>>>
    answer(git_repository& repository, const merge_settings& settings, bool settings_are_fresh,
           const std::vector<direct_question>& questions, const std::vector<fs::path>& more)
    {
        if (!settings_are_fresh && !settings.is_current())
            return std::optional<std::vector<result<merge_outcome>>>();
        around_.attributes = &settings.attributes();
        if (around_.known_attributes.size() > most_attributes) around_.known_attributes.clear();
        if (settings.is_for_git()) return fault(errc::unsupported, "the configuration is git's business");
        if (more.empty()) {
            if (auto ready = prepare(repository); !ready) return ready.error();
            return std::optional(answer_all(*objects_, questions));
        }
        odb_ptr odb;
        if (auto opened = open_with_more(repository, more, odb); !opened) return opened.error();
        object_reader objects(std::move(odb));
        return std::optional(answer_all(objects, questions));
    }

private:
    result<void> prepare(git_repository& repository)
    {
        odb_ptr odb;
        if (const int code = git_repository_odb(out(odb), &repository); code < 0)
            return last_fault(code, "the object database cannot be opened");
        // The lane opens its handle anew now and then, to let go of packs: what was read goes with it.
        if (objects_ && objects_->is_of(odb.get())) {
            objects_->trim(most_kept);
            return {};
        }
        objects_.emplace(std::move(odb));
        return {};
    }

    std::vector<result<merge_outcome>> answer_all(object_reader& objects,
                                                  const std::vector<direct_question>& questions)
    {
        std::vector<result<merge_outcome>> answers;
        answers.reserve(questions.size());
        for (const direct_question& asked : questions)
            answers.push_back(answer_one(*history_, objects, around_, asked));
        return answers;
    }

    std::shared_ptr<commit_history> history_;
    libgit2_use use_; ///< objects that were read are libgit2's
    std::optional<object_reader> objects_;
    merge_surroundings around_;
};

direct_merges& direct_merges::of(const repository& repo)
{
    auto make = [&] {
        return std::make_shared<direct_merges>(repo.executor(), repo.git_dir(), history_of(repo));
    };
    return *repo.services().use<direct_merges>(make);
}

direct_merges::direct_merges(asio::any_io_executor loop, fs::path git_dir,
                             std::shared_ptr<commit_history> history)
    : lane_(loop, std::move(git_dir)), memory_(std::make_shared<memory>(std::move(history)))
{
}

direct_merges::~direct_merges() = default;

awaitable<std::vector<result<merge_outcome>>> direct_merges::answer(repository& repo,
                                                                    std::vector<direct_question> questions,
                                                                    std::vector<fs::path> more_objects)
{
    const std::size_t count = questions.size();
    fault why(errc::unsupported, "the repository is git's business");
    for (bool fresh = false; repo.may_read_directly();) {
        if (!settings_) {
            auto loaded = co_await merge_settings::load(repo);
            if (!loaded) {
                why = loaded.error();
                break;
            }
            settings_ = *loaded;
            fresh = true;
        }
        auto job = [memory = memory_, settings = settings_, fresh, questions,
                    more_objects](git_repository& r) {
            return memory->answer(r, *settings, fresh, questions, more_objects);
        };
        auto answered = co_await lane_.run(std::move(job));
        if (!answered) {
            why = answered.error();
            break;
        }
        if (*answered) co_return std::move(**answered);
        settings_.reset();
    }
    co_return std::vector<result<merge_outcome>>(count, why);
}

} // namespace graftline::git
