/* Takes ^ and $ out of a tree.
 *
 * Of each node four are made: the texts that it matches anywhere, at the begin of the whole, at its end, and as the
 * whole. In a sequence, ^ may only stand where nothing can have been read before it, $ where nothing can be read
 * behind. */
#include "grammar/ecma_tree.h"

enum { AT_BEGIN = 1, AT_END = 2, N_VARIANTS = 4 };

typedef uint32_t variants[N_VARIANTS];

static int32_t misplaced(const inlay__ecma_node *node, const char *what) {
    return inlay__fail(INLAY_ERR_UNSUPPORTED, "the regular expression has at byte %u: %s is not supported", node->from,
                       what);
}

static int32_t join_sequence(inlay__ecma *tree, const uint32_t *a, const uint32_t *b, uint32_t from, uint32_t *out) {
    inlay__ecma_node at = {.from = from};
    for (unsigned i = 0; i < N_VARIANTS; i++)
        for (unsigned k = 0; k < N_VARIANTS; k++) {
            uint32_t both;
            if (a[i] == INLAY__ECMA_NEVER || b[k] == INLAY__ECMA_NEVER) continue;
            bool fits =
                ((k & AT_BEGIN) == 0 || a[i] == INLAY__ECMA_EMPTY) && ((i & AT_END) == 0 || b[k] == INLAY__ECMA_EMPTY);
            if (!fits) return misplaced(&at, "an anchor in the midst of a sequence");
            INLAY__TRY(inlay__ecma_join(tree, INLAY__ECMA_SEQUENCE, a[i], b[k], &both));
            INLAY__TRY(inlay__ecma_join(tree, INLAY__ECMA_CHOICE, out[i | k], both, &out[i | k]));
        }
    return INLAY_OK;
}

static int32_t repeat(inlay__ecma *tree, inlay__ecma_node node, const uint32_t *a, uint32_t *out) {
    bool has_anchors = false;
    for (unsigned i = 0; i < N_VARIANTS; i++) {
        out[i] = a[i];
        has_anchors |= i > 0 && a[i] != INLAY__ECMA_NEVER;
    }
    if (node.b == 1 && node.c == 1) return INLAY_OK;
    if (node.b == 0 && node.c == 1) return inlay__ecma_join(tree, INLAY__ECMA_CHOICE, a[0], INLAY__ECMA_EMPTY, &out[0]);
    if (has_anchors) return misplaced(&node, "a repeated anchor");
    out[0] = INLAY__ECMA_EMPTY;
    if (a[0] == INLAY__ECMA_EMPTY || node.c == 0) return INLAY_OK;
    if (a[0] == INLAY__ECMA_NEVER) return out[0] = node.b == 0 ? INLAY__ECMA_EMPTY : INLAY__ECMA_NEVER, INLAY_OK;
    node.a = a[0];
    return inlay__ecma_add(tree, node, &out[0]);
}

static int32_t resolve_node(inlay__ecma *tree, variants *all, uint32_t number) {
    inlay__ecma_node node = tree->nodes[number];
    uint32_t *out = all[number];
    for (unsigned i = 0; i < N_VARIANTS; i++)
        out[i] = INLAY__ECMA_NEVER;
    switch ((inlay__ecma_kind)node.kind) {
    case INLAY__ECMA_BEGIN:
        out[AT_BEGIN] = INLAY__ECMA_EMPTY;
        break;
    case INLAY__ECMA_END:
        out[AT_END] = INLAY__ECMA_EMPTY;
        break;
    case INLAY__ECMA_SEQUENCE:
        return join_sequence(tree, all[node.a], all[node.b], node.from, out);
    case INLAY__ECMA_REPEAT:
        return repeat(tree, node, all[node.a], out);
    case INLAY__ECMA_CHOICE:
        for (unsigned i = 0; i < N_VARIANTS; i++)
            INLAY__TRY(inlay__ecma_join(tree, INLAY__ECMA_CHOICE, all[node.a][i], all[node.b][i], &out[i]));
        break;
    default:
        out[0] = number;
        break;
    }
    return INLAY_OK;
}

/* What lies around a match that is not held to the begin or end is any text. */
static int32_t make_root(inlay__ecma *tree, const uint32_t *root, bool search) {
    uint32_t any = INLAY__ECMA_EMPTY;
    tree->root = INLAY__ECMA_NEVER;
    if (search) {
        INLAY__TRY(inlay__ecma_any(tree, &any));
        INLAY__TRY(inlay__ecma_add(tree, (inlay__ecma_node){INLAY__ECMA_REPEAT, any, 0, INLAY__RULES_NO_END, 0}, &any));
    }
    for (unsigned i = 0; i < N_VARIANTS; i++) {
        uint32_t text = root[i];
        if ((i & AT_BEGIN) == 0) INLAY__TRY(inlay__ecma_join(tree, INLAY__ECMA_SEQUENCE, any, text, &text));
        if ((i & AT_END) == 0) INLAY__TRY(inlay__ecma_join(tree, INLAY__ECMA_SEQUENCE, text, any, &text));
        INLAY__TRY(inlay__ecma_join(tree, INLAY__ECMA_CHOICE, tree->root, text, &tree->root));
    }
    return INLAY_OK;
}

int32_t inlay__ecma_resolve(inlay__ecma *tree, bool search) {
    size_t n = tree->n_nodes;
    variants *all = inlay__alloc_array(tree->sys, n, sizeof *all);
    int32_t status = all != NULL ? INLAY_OK : INLAY_ERR_MEMORY;
    for (uint32_t i = 0; i < n && status == INLAY_OK; i++)
        status = resolve_node(tree, all, i);
    if (status == INLAY_OK) status = make_root(tree, all[tree->root], search);
    inlay__free(tree->sys, all, n * sizeof *all);
    return status;
}
