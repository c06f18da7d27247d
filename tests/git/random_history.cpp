#include "tests/git/random_history.hpp"

#include "tests/git/imported_history.hpp"

#include <random>

namespace graftline::test {
namespace {

class dice {
public:
    explicit dice(std::uint64_t seed) : random_(seed) {}
    /// 0 to `below` - 1.
    std::size_t pick(std::size_t below) { return below == 0 ? 0 : random_() % below; }
    bool chance(unsigned percent) { return pick(100) < percent; }
    template <class C> auto& one_of(C& choices) { return choices[pick(choices.size())]; }

private:
    std::mt19937_64 random_;
};

using lines = std::vector<std::string>;

lines lines_of(const std::string& text)
{
    lines all;
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find('\n', at), text.size() - 1);
        all.push_back(text.substr(at, end - at + 1));
        at = end + 1;
    }
    return all;
}

std::string joined(const lines& all)
{
    std::string text;
    for (const std::string& line : all)
        text += line;
    return text;
}

/// Few words, so that lines repeat: then algorithms differ in what they find common.
std::string some_line(dice& d)
{
    static const std::vector<std::string> often{"{\n", "}\n", "\n", "    return x;\n", "    }\n", "end\n"};
    if (d.chance(45)) return d.one_of(often);
    return "line " + std::to_string(d.pick(40)) + "\n";
}

lines some_lines(dice& d, std::size_t most)
{
    lines all(d.pick(most + 1));
    for (std::string& line : all)
        line = some_line(d);
    return all;
}

void insert(lines& all, std::size_t at, const lines& more)
{
    all.insert(all.begin() + static_cast<std::ptrdiff_t>(at), more.begin(), more.end());
}

/// Takes a block of lines out.
lines cut(dice& d, lines& all, std::size_t most)
{
    const std::size_t from = d.pick(all.size());
    const std::size_t count = std::min(1 + d.pick(most), all.size() - from);
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(from);
    lines block(begin, begin + static_cast<std::ptrdiff_t>(count));
    all.erase(begin, begin + static_cast<std::ptrdiff_t>(count));
    return block;
}

std::string edited(dice& d, const std::string& text)
{
    lines all = lines_of(text);
    for (std::size_t edits = 1 + d.pick(4); edits > 0; --edits) {
        const std::size_t what = d.pick(6);
        if (all.empty() || what == 0) {
            insert(all, d.pick(all.size() + 1), some_lines(d, 3));
        } else if (what <= 2) {
            all[d.pick(all.size())] = some_line(d);
        } else if (what == 3) {
            cut(d, all, 3);
        } else if (what == 4) {
            const lines moved = cut(d, all, 6);
            insert(all, d.pick(all.size() + 1), moved);
        } else {
            const lines block = cut(d, all, 6);
            insert(all, d.pick(all.size() + 1), block);
            insert(all, d.pick(all.size() + 1), block);
        }
    }
    std::string made = joined(all);
    if (d.chance(4) && made.ends_with('\n')) made.pop_back();
    if (d.chance(2))
        for (std::size_t at = made.find('\n'); at != made.npos; at = made.find('\n', at + 2))
            made.insert(at, 1, '\r');
    return made;
}

tree_file some_file(dice& d)
{
    if (d.chance(4)) return {"120000", "target" + std::to_string(d.pick(5))};
    if (d.chance(2)) return {"160000", std::string(39, 'a') + std::to_string(d.pick(10))};
    tree_file made{d.chance(10) ? "100755" : "100644", joined(some_lines(d, 30))};
    if (d.chance(3)) made.text.insert(d.pick(made.text.size() + 1), 1, '\0');
    return made;
}

/// Few names in few folders, so that both sides hit the same and files meet folders.
std::string some_path(dice& d)
{
    static const std::vector<std::string> names{"a", "b", "c.txt", "d-e", "d", "e f", "main.cpp", "x.1", "x"};
    std::string path;
    for (std::size_t depth = d.pick(4); depth > 0; --depth)
        path += "dir" + std::string(1, static_cast<char>('0' + d.pick(4))) + "/";
    if (d.chance(5)) path += d.one_of(names) + "/";
    return path + d.one_of(names) + (d.chance(30) ? std::to_string(d.pick(9)) : "");
}

/// Puts a file where git lets one be: nothing above it is a file, nothing lies below it.
void put(file_tree& tree, const std::string& path, tree_file what)
{
    for (auto slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1))
        tree.erase(path.substr(0, slash));
    tree.erase(tree.lower_bound(path + "/"), tree.lower_bound(path + "0"));
    tree[path] = std::move(what);
}

file_tree::iterator some_entry(dice& d, file_tree& tree)
{
    return std::next(tree.begin(), static_cast<std::ptrdiff_t>(d.pick(tree.size())));
}

/// A folder that has something in it: "dir1/dir2/"; empty for the whole.
std::string some_folder(dice& d, file_tree& tree)
{
    const std::string& path = some_entry(d, tree)->first;
    const auto slash = path.find('/', d.pick(path.size()));
    return slash == path.npos ? path.substr(0, path.rfind('/') + 1) : path.substr(0, slash + 1);
}

void rename_folder(dice& d, file_tree& tree)
{
    const std::string from = some_folder(d, tree);
    if (from.empty()) return;
    const std::string to = d.chance(50) ? "moved/" : from.substr(0, from.size() - 1) + "new/";
    file_tree moved;
    for (auto at = tree.lower_bound(from); at != tree.end() && at->first.starts_with(from);
         at = tree.erase(at))
        moved.emplace(to + at->first.substr(from.size()), at->second);
    for (auto& [path, what] : moved)
        put(tree, path, what);
}

void edit_file(dice& d, tree_file& what)
{
    if (what.mode == "160000")
        what.text = std::string(39, 'b') + std::to_string(d.pick(10));
    else if (what.mode == "120000")
        what.text = "target" + std::to_string(d.pick(9));
    else
        what.text = edited(d, what.text);
}

/// `calm`: edits and little else, so that most can be decided without looking for renames.
void change(dice& d, file_tree& tree, bool calm)
{
    const std::size_t what = d.pick(100);
    if (tree.empty() || what < (calm ? 12u : 10u)) {
        put(tree, some_path(d), some_file(d));
    } else if (what < (calm ? 92u : 55u)) {
        edit_file(d, some_entry(d, tree)->second);
    } else if (what < (calm ? 96u : 70u)) {
        tree.erase(some_entry(d, tree));
    } else if (what < (calm ? 98u : 75u)) {
        tree_file& one = some_entry(d, tree)->second;
        if (one.mode.starts_with("100")) one.mode = one.mode == "100644" ? "100755" : "100644";
    } else if (calm) {
        const std::string folder = some_folder(d, tree);
        if (!folder.empty()) tree.erase(tree.lower_bound(folder), tree.lower_bound(folder + "\xff"));
    } else if (what < 85) {
        const auto from = some_entry(d, tree);
        tree_file moved = from->second;
        tree.erase(from);
        if (d.chance(40)) edit_file(d, moved);
        put(tree, some_path(d), std::move(moved));
    } else if (what < 90) {
        rename_folder(d, tree);
    } else if (what < 94) {
        const std::string folder = some_folder(d, tree);
        if (!folder.empty()) tree.erase(tree.lower_bound(folder), tree.lower_bound(folder + "\xff"));
    } else if (what < 97) {
        some_entry(d, tree)->second = some_file(d);
    } else {
        const std::string path = some_entry(d, tree)->first;
        put(tree, path + "/below", some_file(d));
    }
}

/// Some commits on top of `parent`; gives the last one.
int add_commits(dice& d, history_importer& to, file_tree& tree, int parent, bool calm)
{
    for (std::size_t commits = 1 + d.pick(2); commits > 0; --commits) {
        for (std::size_t changes = 1 + d.pick(calm ? 6 : 4); changes > 0; --changes)
            change(d, tree, calm);
        parent = to.commit(tree, {parent});
    }
    return parent;
}

std::pair<int, int> add_case(dice& d, history_importer& to)
{
    const bool calm = d.chance(70);
    file_tree tree;
    for (std::size_t files = 2 + d.pick(24); files > 0; --files)
        put(tree, some_path(d), some_file(d));
    const int base = to.commit(tree, {});
    file_tree ours = tree;
    file_tree theirs = tree;
    if (d.chance(30)) { // the same on both sides
        for (std::size_t changes = 1 + d.pick(3); changes > 0; --changes)
            change(d, ours, calm);
        theirs = ours;
    }
    int one = add_commits(d, to, ours, base, calm);
    int other = add_commits(d, to, theirs, base, calm);
    if (d.chance(5)) { // each merges the other: two bases
        const int crossed = to.commit(ours, {one, other});
        other = add_commits(d, to, theirs, to.commit(theirs, {other, one}), calm);
        one = add_commits(d, to, ours, crossed, calm);
    }
    return {one, other};
}

} // namespace

std::vector<git::merge_question> make_random_cases(const test_repository& repo, std::uint64_t seed, int count)
{
    dice d(seed);
    history_importer to;
    std::vector<std::pair<int, int>> marks;
    for (int made = 0; made < count; ++made)
        marks.push_back(add_case(d, to));
    const auto ids = to.run(repo);
    std::vector<git::merge_question> cases;
    for (const auto& [one, other] : marks)
        cases.push_back({ids.at(one), ids.at(other)});
    return cases;
}

} // namespace graftline::test
