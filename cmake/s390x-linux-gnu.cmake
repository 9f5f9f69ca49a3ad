# Cross-compiles for IBM Z, a big-endian machine, with Debian's gcc-s390x-linux-gnu and runs the tests under qemu-user.
set(triple s390x-linux-gnu)
set(CMAKE_SYSTEM_PROCESSOR s390x)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-s390x -L /usr/s390x-linux-gnu)
set(CMAKE_C_FLAGS_INIT "-fexcess-precision=fast") # otherwise the compiler does in double what C11 lets it do in float
include(${CMAKE_CURRENT_LIST_DIR}/debian-cross.cmake)
