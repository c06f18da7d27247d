#include "graftline/git/repository/identity.hpp"

namespace graftline::git {

const identity& own_identity()
{
    static const identity graftline("graftline", "graftline@localhost");
    return graftline;
}

} // namespace graftline::git
