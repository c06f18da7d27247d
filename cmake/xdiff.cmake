# house_xdiff(TARGET): gives TARGET the three-way merge of file contents that git itself uses.
#
# libgit2 carries xdiff, but offers only other algorithms than the one git merges with. Its static library has the
# whole: xdiff's members are taken out and made one object, in which only the merge has a name, one of ours, so that a
# host which links libgit2 statically meets no second xdiff. The layout of its structures is known of libgit2 1.5 on
# these machines only. Elsewhere TARGET is built without, and merges such files by the git command.
function(house_xdiff target)
  find_library(LIBGIT2_ARCHIVE NAMES libgit2.a HINTS ${libgit2_STATIC_LIBRARY_DIRS} ${libgit2_LIBDIR})
  find_program(XDIFF_OBJCOPY NAMES objcopy llvm-objcopy-19 llvm-objcopy)
  find_program(XDIFF_LD NAMES ld ld.lld-19 ld.lld)
  if(NOT libgit2_VERSION MATCHES "^1\\.5\\." OR NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|aarch64)$"
     OR NOT LIBGIT2_ARCHIVE OR NOT XDIFF_OBJCOPY OR NOT XDIFF_LD)
    message(STATUS "xdiff: not to be had here; files changed on both sides are merged by the git command")
    return()
  endif()

  set(folder ${CMAKE_BINARY_DIR}/xdiff)
  set(members xdiffi.c.o xemit.c.o xhistogram.c.o xmerge.c.o xpatience.c.o xprepare.c.o xutils.c.o)
  file(MAKE_DIRECTORY ${folder})
  execute_process(COMMAND ${CMAKE_AR} x ${LIBGIT2_ARCHIVE} ${members}
                  WORKING_DIRECTORY ${folder} RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
  if(NOT failed)
    execute_process(COMMAND ${XDIFF_LD} -r -o together.o ${members}
                    WORKING_DIRECTORY ${folder} RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
  endif()
  if(NOT failed)
    execute_process(COMMAND ${XDIFF_OBJCOPY} --redefine-sym xdl_merge=graftline_xdl_merge
                      --redefine-sym git__allocator=graftline_xdiff_allocator
                      --keep-global-symbol=graftline_xdl_merge together.o xdiff.o
                    WORKING_DIRECTORY ${folder} RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
  endif()
  if(failed)
    message(STATUS "xdiff: it could not be taken out of ${LIBGIT2_ARCHIVE}")
    return()
  endif()
  set_source_files_properties(${folder}/xdiff.o PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
  target_sources(${target} PRIVATE ${folder}/xdiff.o)
  target_compile_definitions(${target} PRIVATE GRAFTLINE_XDIFF)
endfunction()
