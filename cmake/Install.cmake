# `cmake --install`: the programs, and the systemd unit that starts the server.
include(GNUInstallDirs)
foreach(program deepbindnet-server deepbindnet-worker deepbindnet deepbindnet-healthcheck)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endforeach()
install(FILES ${PROJECT_SOURCE_DIR}/deploy/systemd/deepbindnet.service DESTINATION lib/systemd/system)
install(FILES ${PROJECT_SOURCE_DIR}/docs/operations.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
