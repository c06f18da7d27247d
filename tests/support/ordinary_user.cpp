#include "tests/support/ordinary_user.hpp"

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

namespace graftline::test {
namespace {

constexpr unsigned nobody = 65534;

bool become_nobody()
{
    return ::setgroups(0, nullptr) == 0 && ::setresgid(nobody, nobody, nobody) == 0 &&
           ::setresuid(nobody, nobody, nobody) == 0;
}

} // namespace

int as_nobody(const std::function<int()>& what)
{
    const pid_t child = ::fork();
    if (child == 0) ::_exit(become_nobody() ? what() : 99);
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
    return WEXITSTATUS(status);
}

int run_tests_as_nobody(const std::string& filter)
{
    // By descriptor: others may not reach the folder that it lies in.
    const int program = ::open("/proc/self/exe", O_RDONLY);
    const int status = as_nobody([&] {
        std::string name = "tests";
        std::string chosen = "--gtest_filter=" + filter;
        std::array<char*, 3> words{name.data(), chosen.data(), nullptr};
        if (::chdir("/") == 0) ::fexecve(program, words.data(), environ);
        return 98;
    });
    ::close(program);
    return status;
}

void as_ordinary_user(const std::function<void()>& body)
{
    if (::geteuid() != 0) return body();
    const auto& present = *testing::UnitTest::GetInstance()->current_test_info();
    const auto name = std::string(present.test_suite_name()) + "." + present.name();
    EXPECT_EQ(run_tests_as_nobody(name), 0) << "as an ordinary user it failed: see above";
}

} // namespace graftline::test
