# One folder, one library, one include directory that holds that folder alone, so that a sideways or
# upward include does not build.

add_library(psephos_options INTERFACE)
target_compile_options(psephos_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Woverloaded-virtual
  -Werror -fstack-protector-strong $<$<CONFIG:Release>:-D_FORTIFY_SOURCE=2>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports false positives of these inside the standard library.
  target_compile_options(psephos_options INTERFACE -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-stringop-overread -Wno-restrict)
endif()
if(PSEPHOS_SANITIZE)
  set(sanitizers -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_compile_options(psephos_options INTERFACE ${sanitizers})
  target_link_options(psephos_options INTERFACE ${sanitizers})
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_link_options(psephos_options INTERFACE -fuse-ld=lld)
endif()
target_link_options(psephos_options INTERFACE -Wl,-z,relro,-z,now)

# psephos_root(<folder>): makes "<folder>/…" includable, and nothing beside it.
function(psephos_root folder)
  set(root ${CMAKE_BINARY_DIR}/include/${folder})
  file(MAKE_DIRECTORY ${root})
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${folder} ${root}/${folder} SYMBOLIC)
  add_library(psephos_root_${folder} INTERFACE)
  target_include_directories(psephos_root_${folder} INTERFACE ${root})
  target_link_libraries(psephos_root_${folder} INTERFACE psephos_options)
endfunction()

# psephos_library(<name> <folder> SOURCES … LINK … [SYSTEM …]): one static library of a folder.
function(psephos_library name folder)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK;SYSTEM" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC psephos_root_${folder} ${arg_LINK})
  if(arg_SYSTEM)
    target_link_libraries(${name} PUBLIC ${arg_SYSTEM})
  endif()
endfunction()

# psephos_program(<name> SOURCES … LINK …); the target `programs` builds all of them and nothing else.
add_custom_target(programs)
function(psephos_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  add_dependencies(programs ${name})
  set_property(GLOBAL APPEND PROPERTY PSEPHOS_PROGRAMS ${name})
  target_link_libraries(${name} PRIVATE psephos_options ${arg_LINK})
endfunction()
