include(CMakePackageConfigHelpers)

install(TARGETS graftline RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS graftline_runtime graftline_git graftline_agents graftline_effects
        EXPORT graftline_targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
foreach(floor runtime git agents effects)
  install(DIRECTORY ${CMAKE_SOURCE_DIR}/${floor}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/graftline/${floor}
          FILES_MATCHING PATTERN "*.hpp")
endforeach()
install(EXPORT graftline_targets NAMESPACE graftline:: FILE graftline-targets.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/graftline)
configure_package_config_file(cmake/graftline-config.cmake.in graftline-config.cmake
        INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/graftline)
write_basic_package_version_file(graftline-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/graftline-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/graftline-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/graftline)
