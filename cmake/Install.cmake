# `cmake --install`: the programs with their completions (component `programs`, all that an image needs), the systemd
# unit and its documentation.
include(GNUInstallDirs)
foreach(program deepbindnet-server deepbindnet-worker deepbindnet deepbindnet-healthcheck)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT programs)
  endif()
endforeach()
if(DEEPBINDNET_BUILD_SERVICE)
  set(completions ${PROJECT_BINARY_DIR}/completions)
  install(FILES ${completions}/deepbindnet DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
          COMPONENT programs)
  install(FILES ${completions}/_deepbindnet DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions COMPONENT programs)
  install(FILES ${completions}/deepbindnet.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d
          COMPONENT programs)
  install(FILES ${PROJECT_SOURCE_DIR}/deploy/systemd/deepbindnet.service DESTINATION lib/systemd/system
          COMPONENT service)
  install(FILES ${PROJECT_SOURCE_DIR}/docs/operations.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT service)
endif()
