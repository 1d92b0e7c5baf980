# Finds RDKit, which ships no CMake package on Debian. Defines RDKit::<component> for each component asked for.
find_path(RDKit_INCLUDE_DIR GraphMol/GraphMol.h PATH_SUFFIXES rdkit)

set(RDKit_LIBRARY_VARIABLES)
foreach(component IN LISTS RDKit_FIND_COMPONENTS)
  find_library(RDKit_${component}_LIBRARY RDKit${component})
  list(APPEND RDKit_LIBRARY_VARIABLES RDKit_${component}_LIBRARY)
  if(RDKit_${component}_LIBRARY)
    set(RDKit_${component}_FOUND TRUE)
  endif()
endforeach()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(RDKit
  REQUIRED_VARS RDKit_INCLUDE_DIR ${RDKit_LIBRARY_VARIABLES}
  HANDLE_COMPONENTS)

if(RDKit_FOUND)
  foreach(component IN LISTS RDKit_FIND_COMPONENTS)
    if(NOT TARGET RDKit::${component})
      add_library(RDKit::${component} UNKNOWN IMPORTED)
      set_target_properties(RDKit::${component} PROPERTIES
        IMPORTED_LOCATION ${RDKit_${component}_LIBRARY}
        INTERFACE_INCLUDE_DIRECTORIES ${RDKit_INCLUDE_DIR})
    endif()
  endforeach()
endif()
mark_as_advanced(RDKit_INCLUDE_DIR ${RDKit_LIBRARY_VARIABLES})
