/* A client of release 0.1, which must run on every later library unchanged. Never edit it. */
#include <inlay.h>

#include <stdio.h>
#include <string.h>

#define EXPECT(condition) \
    do { \
        if (!(condition)) return printf("line %d: %s\n", __LINE__, #condition), 1; \
    } while (0)

int main(void) {
    inlay_options *options = NULL;
    inlay_model *model = NULL;
    inlay_session *session = NULL;
    int64_t integer = 0;
    double number = 0;
    EXPECT(inlay_abi_version() == 1);
    EXPECT(inlay_arithmetic_version() >= 1);
    EXPECT(inlay_version()[0] != '\0' && inlay_build_info()[0] != '\0' && inlay_cpu()[0] != '\0');
    EXPECT(strcmp(inlay_status_name(-4), "INLAY_ERR_FORMAT") == 0);
    EXPECT(inlay_options_new(&options) == INLAY_OK);
    EXPECT(inlay_options_set_int(options, 300, 1) == INLAY_ERR_ARGUMENT);
    EXPECT(inlay_options_set_float(options, 300, 0.5) == INLAY_OK);
    EXPECT(inlay_options_get_float(options, 300, &number) == INLAY_OK && number == 0.5);
    EXPECT(inlay_options_set_int(options, 100, 1) == INLAY_OK);
    EXPECT(inlay_options_get_int(options, 100, &integer) == INLAY_OK && integer == 1);
    EXPECT(inlay_options_set_int(options, 999999, 1) == INLAY_ERR_KEY);
    EXPECT(inlay_model_open("/no such file.gguf", options, &model) == INLAY_ERR_IO && model == NULL);
    EXPECT(strstr(inlay_error(), "/no such file.gguf") != NULL);
    EXPECT(inlay_model_open_memory("GGUF", 4, options, &model) == INLAY_ERR_FORMAT);
    EXPECT(inlay_session_new(NULL, options, &session) == INLAY_ERR_ARGUMENT);
    inlay_session_free(NULL);
    inlay_model_free(NULL);
    inlay_options_free(options);
    return 0;
}
