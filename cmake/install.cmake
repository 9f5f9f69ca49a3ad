# The install target: header, both libraries, the program, a CMake package and inlay.pc.
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Inlay)

install(TARGETS inlay_shared inlay_static EXPORT InlayTargets
        RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES include/inlay.h include/inlay_session.h include/inlay_sampler.h include/inlay_speculation.h
        include/inlay_grammar.h include/inlay_replay.h
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT InlayTargets NAMESPACE Inlay:: DESTINATION ${package_dir})
if(TARGET inlay_program)
    install(TARGETS inlay_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

configure_package_config_file(cmake/InlayConfig.cmake.in ${PROJECT_BINARY_DIR}/InlayConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
# Before 1.0 a minor release may add functions but never removes one, so any earlier request is met.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/InlayConfigVersion.cmake COMPATIBILITY AnyNewerVersion)
install(FILES ${PROJECT_BINARY_DIR}/InlayConfig.cmake ${PROJECT_BINARY_DIR}/InlayConfigVersion.cmake
        DESTINATION ${package_dir})

# inlay.pc follows its own place, so that an installed tree can be moved.
cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_LIBDIR BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX} OUTPUT_VARIABLE pc_libdir)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig
           OUTPUT_VARIABLE pc_up)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_INCLUDEDIR BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX}
           OUTPUT_VARIABLE pc_includedir)
if(INLAY_BLIS)
    set(pc_blis " -lblis")
endif()
configure_file(cmake/inlay.pc.in ${PROJECT_BINARY_DIR}/inlay.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/inlay.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
