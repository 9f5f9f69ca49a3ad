/* The tiny model as the layer below the public functions has it: weights, network, decoder. */
#ifndef INLAY_TINY_NETWORK_H
#define INLAY_TINY_NETWORK_H

#include "model/decoder.h"
#include "model/layers.h"
#include "support/tiny_model.h"

typedef struct tiny_network {
    int32_t status;      /* of opening */
    inlay__model *model; /* NULL after an error */
    inlay__weights *weights;
    uint8_t *data; /* [size] the file */
    size_t size;
} tiny_network;

/* The best CPU level, two threads, no callback. */
inlay__model_config tiny_network_config(void);

/* Takes the file's bytes, which came from malloc; `config` NULL: the one above. */
tiny_network tiny_network_open_file(uint8_t *data, size_t size, const inlay__sys *sys,
                                    const inlay__model_config *config);
/* The status of opening the writer's file as a network; inlay__error_text says why it failed. Ends the program when
 * something is held afterwards. */
int32_t tiny_network_try(gguf_writer *w);
/* The network of these parameters; what goes wrong ends the test program. */
tiny_network tiny_network_open(const tiny_params *params, const inlay__model_config *config);
void tiny_network_close(tiny_network *n);

/* llama, qwen2 and gemma3, so small that all of their paths are taken: heads that share keys, narrower than the
 * embedding, of which a part rotates; vocabularies that fill no panel; gemma3 of 7 layers with a window of 20,
 * whose global layers rotate at another pace. */
enum { TINY_N_ARCHITECTURES = 3 };
tiny_params tiny_architecture(int i);

/* What goes wrong here ends the test program. */
inlay__decoder *tiny_decoder(const inlay__model *model, size_t n_context, size_t n_batch, size_t n_threads,
                             uint32_t cache_type);
/* Without callbacks. */
int32_t tiny_decode(inlay__decoder *decoder, const int32_t *tokens, size_t n_tokens, float *logits);
/* Evaluates tokens one call for each `step` of them; the rows [n_tokens, n_vocab] from malloc. */
float *tiny_rows(inlay__decoder *decoder, size_t n_vocab, const int32_t *tokens, size_t n_tokens, size_t step);

#endif
