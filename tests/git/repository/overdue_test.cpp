#include "graftline/git/repository/overdue.hpp"

#include <gtest/gtest.h>

namespace graftline::git {
namespace {

TEST(overdue, names_hooks_as_git_does_and_programs_as_they_were_started)
{
    EXPECT_EQ(name_of_program({"/bin/sh", ".git/hooks/pre-commit"}), "the hook pre-commit");
    EXPECT_EQ(name_of_program({"/usr/bin/env", "sh", ".husky/commit-msg", "MSG"}), "the hook commit-msg");
    EXPECT_EQ(name_of_program({"/bin/sh", "-c", "lfs-like clean 'a b'", "x"}), "lfs-like clean 'a b'");
    EXPECT_EQ(name_of_program({"gpg", "-bsau", "A <a@b>"}), "gpg -bsau 'A <a@b>'");
    EXPECT_EQ(name_of_program({"git", "fetch", "origin"}), "");
    EXPECT_EQ(name_of_program({}), "");
    EXPECT_LE(name_of_program({"sh", std::string(5000, 'x')}).size(), 210u);
}

TEST(overdue, tells_no_password)
{
    EXPECT_EQ(name_of_program({"git-remote-https", "origin", "https://me:secret@host/a@b"}),
              "git-remote-https origin https://host/a@b");
    EXPECT_EQ(name_of_program({"x", "http://a@b", "ftp://c:d@e/", "plain@f"}), "x http://b ftp://e/ plain@f");
}

} // namespace
} // namespace graftline::git
