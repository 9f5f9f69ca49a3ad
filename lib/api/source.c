/* Where a model is opened from, as the functions that open one are told it. */
#include "handles.h"

int32_t inlay__source_of_path(const char *function, const char *path, inlay__source *source) {
    if (path == NULL) return inlay__null_argument(function, "path");
    *source = (inlay__source){.kind = INLAY__FROM_PATH, .name = path};
    return INLAY_OK;
}

int32_t inlay__source_of_fd(const char *function, int32_t fd, uint64_t offset, uint64_t size,
                            inlay__source *source) {
    if (fd < 0) return inlay__fail(INLAY_ERR_ARGUMENT, "%s: fd is %d, expected an open file descriptor", function, fd);
    *source = (inlay__source){
        .kind = INLAY__FROM_DESCRIPTOR, .name = "descriptor", .fd = fd, .offset = offset, .size = size};
    return INLAY_OK;
}

int32_t inlay__source_of_read(const char *function, inlay_read_fn read, void *user, uint64_t size,
                              inlay__source *source) {
    if (read == NULL) return inlay__null_argument(function, "read");
    *source =
        (inlay__source){.kind = INLAY__FROM_CALLBACK, .name = "callback", .read = read, .user = user, .size = size};
    return INLAY_OK;
}
