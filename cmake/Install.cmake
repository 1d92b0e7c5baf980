# `cmake --install`: the programs (component `programs`, all that an image needs), the systemd unit and its documentation.
include(GNUInstallDirs)
foreach(program deepbindnet-server deepbindnet-worker deepbindnet deepbindnet-healthcheck)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT programs)
  endif()
endforeach()
if(DEEPBINDNET_BUILD_SERVICE)
  install(FILES ${PROJECT_SOURCE_DIR}/deploy/systemd/deepbindnet.service DESTINATION lib/systemd/system
          COMPONENT service)
  install(FILES ${PROJECT_SOURCE_DIR}/docs/operations.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT service)
endif()
