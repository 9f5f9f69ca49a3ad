/* Prints the version of the library it was linked with. */
#include <inlay.h>
#include <stdio.h>

int main(void) {
    inlay_model *model;
    if (inlay_abi_version() != INLAY_ABI_VERSION) return 1;
    if (inlay_model_open("no such file", NULL, &model) != INLAY_ERR_IO) return 2;
    return puts(inlay_version()) < 0;
}
