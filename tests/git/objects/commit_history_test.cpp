#include "graftline/git/objects/commit_history.hpp"
#include "graftline/runtime/process/command.hpp"

#include "tests/support/hang_guard.hpp"
#include "tests/support/test_repository.hpp"
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <sstream>

namespace graftline::test {
namespace {

using git::commit_history;

std::string hex(const git_oid& id)
{
    return git::to_oid(id).hex();
}

class history : public testing::Test {
protected:
    void SetUp() override { isolate_git(); }

    /// Makes this many commits, each on one or two before it, with times that say little; the ids in order.
    std::vector<git_oid> random_history(int count, std::uint64_t seed)
    {
        std::mt19937_64 random(seed);
        std::string stream;
        for (int n = 1; n <= count; ++n) {
            const auto time = 1700000000 + n * 10 + static_cast<long>(random() % 200);
            stream += "commit refs/heads/h" + std::to_string(n) + "\nmark :" + std::to_string(n) +
                      "\ncommitter A <a@example.org> " + std::to_string(time) + " +0000\ndata 0\n";
            const auto before = [&] {
                const auto back = 1 + random() % 6;
                return static_cast<std::uint64_t>(n) > back ? static_cast<std::uint64_t>(n) - back : 1;
            };
            const bool is_root = n == 1 || random() % 40 == 0;
            const auto parent = before(), other = before();
            if (!is_root) stream += "from :" + std::to_string(parent) + "\n";
            if (!is_root && other != parent && random() % 2)
                stream += "merge :" + std::to_string(other) + "\n";
            stream += "\n";
        }
        command import("git");
        import.args("fast-import", "--quiet").in(repo.top()).feed(std::move(stream));
        const auto imported = run_here(run(std::move(import)));
        EXPECT_TRUE(imported && imported->ok());
        std::vector<git_oid> ids;
        for (int n = 1; n <= count; ++n)
            ids.push_back(raw(repo.git("rev-parse", "h" + std::to_string(n))));
        return ids;
    }
    static git_oid raw(const std::string& text) { return git::from_oid(git::oid(text)).value(); }
    git::object_reader reader() const { return reader_of(repo.git_folder() / "objects"); }
    static git::object_reader reader_of(const std::filesystem::path& folder)
    {
        git::odb_ptr odb;
        EXPECT_EQ(git_odb_open(git::out(odb), folder.c_str()), 0);
        return git::object_reader(std::move(odb));
    }
    std::set<std::string> asked(std::vector<std::string> words) const
    {
        std::set<std::string> lines;
        std::istringstream in(try_git(repo.top(), std::move(words)).out);
        for (std::string line; std::getline(in, line);)
            lines.insert(line);
        return lines;
    }

    git::libgit2_use use;
    test_repository repo;
    commit_history known;
};

TEST_F(history, AnswersAsGitDoesInRandomHistories)
{
    const auto ids = random_history(120, 7);
    std::mt19937_64 random(8);
    auto objects = reader();
    for (int round = 0; round < 150; ++round) {
        const git_oid one = ids[random() % ids.size()], other = ids[random() % ids.size()];
        const auto bases = known.merge_bases(objects, one, other).value();
        std::set<std::string> found;
        for (const git_oid& id : bases)
            found.insert(hex(id));
        const auto right = asked({"merge-base", "--all", hex(one), hex(other)});
        if (found.size() == 1 || right.size() != 1) {
            EXPECT_TRUE(std::ranges::includes(found, right)) << hex(one) << " " << hex(other);
        }
        if (found.size() <= 1) {
            EXPECT_EQ(found, right) << hex(one) << " " << hex(other);
        }
        const bool below = try_git(repo.top(), {"merge-base", "--is-ancestor", hex(one), hex(other)}).ok;
        EXPECT_EQ(known.contains(objects, other, one).value(), below) << hex(one) << " " << hex(other);
    }
}

TEST_F(history, LeavesNothingOutBetweenTwoCommitsAndPutsParentsFirst)
{
    const auto ids = random_history(120, 9);
    std::map<std::string, std::set<std::string>> parents;
    for (const git_oid& id : ids)
        parents[hex(id)] = asked({"rev-parse", hex(id) + "^@"});
    std::mt19937_64 random(10);
    auto objects = reader();
    for (int round = 0; round < 100; ++round) {
        const git_oid to = ids[random() % ids.size()], from = ids[random() % ids.size()];
        const auto below = asked({"rev-list", hex(from)});
        std::set<std::string> before;
        for (const git_oid& id : known.between(objects, to, from).value()) {
            EXPECT_TRUE(before.insert(hex(id)).second) << "twice";
            for (const auto& parent : parents.at(hex(id)))
                EXPECT_TRUE(before.contains(parent) || below.contains(parent));
        }
        EXPECT_TRUE(std::ranges::includes(before, asked({"rev-list", hex(to), "^" + hex(from)})));
    }
}

TEST_F(history, ReadsEachCommitOnce)
{
    const auto ids = random_history(30, 11);
    auto objects = reader();
    ASSERT_TRUE(known.merge_bases(objects, ids[20], ids[29]));
    ASSERT_TRUE(known.between(objects, ids[29], ids[20]));
    const auto folder = repo.git_folder() / "objects";
    std::filesystem::rename(folder, folder.string() + "-elsewhere");
    std::filesystem::create_directory(folder);
    auto nothing = reader_of(folder);
    EXPECT_TRUE(known.merge_bases(nothing, ids[20], ids[29]));
    EXPECT_FALSE(known.merge_bases(nothing, ids[20], raw(std::string(40, '1'))));
    EXPECT_TRUE(known.merge_bases(nothing, ids[20], ids[29])) << "a walk that fails leaves no marks";
}

TEST_F(history, LearnsOfCommitsThatLieNowhere)
{
    const auto base = repo.commit_file("a", "a\n");
    const git_oid made = raw(std::string(40, '2'));
    known.learn(made, "tree " + std::string(40, '3') + "\nparent " + base +
                          "\nauthor A <a> 1 +0000\ncommitter A <a> 2 +0000\n\nparent " +
                          std::string(40, '4') + "\n");
    auto objects = reader();
    const auto bases = known.merge_bases(objects, made, raw(base)).value();
    ASSERT_EQ(bases.size(), 1u);
    EXPECT_EQ(hex(bases[0]), base);
}

} // namespace
} // namespace graftline::test
