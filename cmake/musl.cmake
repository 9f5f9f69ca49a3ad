# Builds for musl with Debian's musl-tools. The tests run on the machine itself; it counts as another one, whose libraries
# this machine's Python cannot load.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${CMAKE_HOST_SYSTEM_PROCESSOR})
set(CMAKE_C_COMPILER musl-gcc)
