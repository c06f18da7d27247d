# house_floor(NAME LINKS <libraries> [PRIVATE <libraries>]): one static library from one folder and its rooms.
function(house_floor name)
  cmake_parse_arguments(floor "" "" "LINKS;PRIVATE" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${name}/*.cpp)
  list(TRANSFORM floor_LINKS REPLACE "^(runtime|git|agents|effects)$" "graftline_\\1")
  add_library(graftline_${name} STATIC ${sources})
  add_library(graftline::${name} ALIAS graftline_${name})
  set_target_properties(graftline_${name} PROPERTIES EXPORT_NAME ${name})
  target_include_directories(graftline_${name} PUBLIC
    $<BUILD_INTERFACE:${CMAKE_BINARY_DIR}/include> $<INSTALL_INTERFACE:include>)
  target_link_libraries(graftline_${name} PUBLIC ${floor_LINKS} PRIVATE ${floor_PRIVATE} $<BUILD_INTERFACE:house_options>)
  if(name STREQUAL "runtime")
    # Asio is compiled once, in runtime/base/asio.cpp. Hosts inherit every macro that Asio's layout depends on.
    target_compile_definitions(graftline_runtime PUBLIC BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_DISABLE_BOOST_COROUTINE)
    target_compile_features(graftline_runtime PUBLIC cxx_std_20)
  endif()
  house_precompile(graftline_${name} cmake/precompiled.hpp)
endfunction()

# house_program(NAME FLOOR folder LINKS <libraries>): an executable from a folder; its folder's sources but main.cpp
# are a library too, so that tests can reach them.
function(house_program name)
  cmake_parse_arguments(program "" "FLOOR" "LINKS" ${ARGN})
  house_floor(${program_FLOOR} LINKS ${program_LINKS})
  get_target_property(sources graftline_${program_FLOOR} SOURCES)
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  set_target_properties(graftline_${program_FLOOR} PROPERTIES SOURCES "${sources}")
  add_executable(${name} ${CMAKE_SOURCE_DIR}/${program_FLOOR}/main.cpp)
  target_link_libraries(${name} PRIVATE graftline_${program_FLOOR} house_options)
  target_compile_definitions(${name} PRIVATE GRAFTLINE_VERSION="${PROJECT_VERSION}")
  house_precompile(${name} cmake/precompiled.hpp)
endfunction()

# house_precompile(TARGET HEADER): one precompiled header for all that compile with the same flags, made for the
# first target that names it. By a path that is the same in every clone, for the compiler's cache.
function(house_precompile target header)
  get_property(maker GLOBAL PROPERTY "precompiles ${header}")
  if(maker)
    target_precompile_headers(${target} REUSE_FROM ${maker})
  else()
    target_precompile_headers(${target} PRIVATE <graftline/${header}>)
    set_property(GLOBAL PROPERTY "precompiles ${header}" ${target})
  endif()
endfunction()
