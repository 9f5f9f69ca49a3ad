# Cross-compiles for 32-bit ARM with Debian's gcc-arm-linux-gnueabihf and runs the tests under qemu-user.
set(triple arm-linux-gnueabihf)
set(CMAKE_SYSTEM_PROCESSOR armhf)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-arm -L /usr/arm-linux-gnueabihf)
include(${CMAKE_CURRENT_LIST_DIR}/debian-cross.cmake)
