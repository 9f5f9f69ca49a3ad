# Cross-compiles for 32-bit x86 with Debian's gcc-i686-linux-gnu; the tests run on the machine itself, by that package's loader.
# Arithmetic is SSE2's, as x87 rounds twice.
set(triple i686-linux-gnu)
set(CMAKE_SYSTEM_PROCESSOR i686)
set(CMAKE_C_FLAGS_INIT "-msse2 -mfpmath=sse")
set(CMAKE_CROSSCOMPILING_EMULATOR /usr/${triple}/lib/ld-linux.so.2 --library-path /usr/${triple}/lib)
include(${CMAKE_CURRENT_LIST_DIR}/debian-cross.cmake)
