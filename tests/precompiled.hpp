// What nearly every test includes, on top of what the house does.
#pragma once

#include "graftline/cmake/precompiled.hpp"

#include "tests/support/cancel_at_every_step.hpp"
#include "tests/support/hang_guard.hpp"
#include "tests/support/test_repository.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
