# What LibTorch's exported targets do not say: which back ends of its distributed package its headers can be used with.
# Sets DEEPBINDNET_C10D_DEFINITIONS and DEEPBINDNET_C10D_INCLUDE_DIRS.
set(DEEPBINDNET_C10D_DEFINITIONS)
set(DEEPBINDNET_C10D_INCLUDE_DIRS)

find_path(GLOO_INCLUDE_DIR gloo/rendezvous/store.h HINTS ${TORCH_INCLUDE_DIRS})
if(GLOO_INCLUDE_DIR)
  list(APPEND DEEPBINDNET_C10D_DEFINITIONS USE_C10D_GLOO)
  list(APPEND DEEPBINDNET_C10D_INCLUDE_DIRS ${GLOO_INCLUDE_DIR})
endif()

# PyTorch's wheels bring NCCL in a package beside their own.
if(TARGET torch_cuda)
  find_path(NCCL_INCLUDE_DIR nccl.h HINTS ${TORCH_INSTALL_PREFIX}/../nvidia/nccl/include)
  if(NCCL_INCLUDE_DIR)
    list(APPEND DEEPBINDNET_C10D_DEFINITIONS USE_C10D_NCCL)
    list(APPEND DEEPBINDNET_C10D_INCLUDE_DIRS ${NCCL_INCLUDE_DIR})
  endif()
endif()
mark_as_advanced(GLOO_INCLUDE_DIR NCCL_INCLUDE_DIR)
