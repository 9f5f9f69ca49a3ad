/* Opening model files: one, or the parts of a split model. The parts' names are derived from the name of the
 * first, "-00001-of-0000N.gguf" at its end; nothing in a file's metadata ever becomes a part of a path. */
#include "format/weights.h"

#include "base/text.h"

/* Of a file that is read through a function, so much is read at first; metadata are mostly longer than a few KiB and
 * shorter than a few MiB. */
enum { FIRST_HEAD = 1 << 20 };

/* "-00001-of-00005.gguf" */
enum { SUFFIX_SIZE = 20, NUMBER_DIGITS = 5, NUMBER_AT = 1, COUNT_AT = 10, MAX_PARTS = 99999 };

/* --------------------------------------------------------------- split names */

static bool read_digits(const char *text, uint32_t *value) {
    *value = 0;
    for (size_t i = 0; i < NUMBER_DIGITS; i++) {
        if (text[i] < '0' || text[i] > '9') return false;
        *value = *value * 10 + (uint32_t)(text[i] - '0');
    }
    return true;
}

static void write_digits(char *text, uint32_t value) {
    for (size_t i = NUMBER_DIGITS; i-- > 0; value /= 10)
        text[i] = (char)('0' + value % 10);
}

/* Part (1 to N) and number of parts that a name tells; false for a name of another form. */
static bool split_name(const char *path, size_t size, uint32_t *part, uint32_t *n_parts) {
    if (size < SUFFIX_SIZE) return false;
    const char *suffix = path + size - SUFFIX_SIZE;
    return suffix[0] == '-' && read_digits(suffix + NUMBER_AT, part) && memcmp(suffix + 6, "-of-", 4) == 0 &&
           read_digits(suffix + COUNT_AT, n_parts) && memcmp(suffix + 15, ".gguf", 6) == 0;
}

/* --------------------------------------------------------------------- parts */

static inlay__weights_part *last_part(inlay__weights *w) { return &w->parts[w->n_parts - 1]; }

/* Room for one more part, which is then closed with the others, however far its opening gets. */
static int32_t add_part(inlay__weights *w) {
    void *parts = w->parts;
    INLAY__TRY(inlay__grow(w->sys, &parts, &w->part_capacity, w->n_parts + 1, sizeof *w->parts));
    w->parts = parts;
    memset(&w->parts[w->n_parts++], 0, sizeof *w->parts);
    inlay__file_lend(NULL, 0, &last_part(w)->file);
    return INLAY_OK;
}

int32_t inlay__weights_add_part(inlay__weights *w, const char *path, size_t size, inlay__weights_part **part) {
    INLAY__TRY(add_part(w));
    *part = last_part(w);
    (*part)->path = inlay__copy_text(w->sys, path, size);
    if ((*part)->path == NULL) return INLAY_ERR_MEMORY;
    (*part)->path_size = size + 1;
    return INLAY_OK;
}

/* Reads the bytes of the head that are not there yet, `*size` of `wanted`, into larger memory. */
static int32_t read_head(const inlay__weights *w, const char *name, uint8_t **head, size_t *size, size_t wanted) {
    uint8_t *grown = inlay__alloc(w->sys, wanted);
    if (grown == NULL) return INLAY_ERR_MEMORY;
    if (*size > 0) memcpy(grown, *head, *size);
    inlay__free(w->sys, *head, *size);
    int32_t status = inlay__file_read(&w->parts[0].file, name, *size, grown + *size, wanted - *size);
    *head = grown;
    *size = wanted;
    return status;
}

/* Parses what is read through a function: as much of it as metadata and table of tensors take. */
static int32_t parse_head(inlay__weights *w, const char *name) {
    inlay__weights_part *part = last_part(w);
    uint8_t *head = NULL;
    size_t size = 0, wanted = inlay__min_size(FIRST_HEAD, part->file.size);
    int32_t status = INLAY_OK;
    while (wanted > 0) {
        status = read_head(w, name, &head, &size, wanted);
        if (status != INLAY_OK) break;
        status = inlay__gguf_parse_head(w->sys, name, head, size, part->file.size, &part->gguf, &wanted);
    }
    inlay__free(w->sys, head, size);
    return status;
}

static int32_t parse_part(inlay__weights *w, const char *name) {
    inlay__weights_part *part = last_part(w);
    if (!inlay__add_u64(w->file_size, part->file.size, &w->file_size))
        return inlay__fail(INLAY_ERR_FORMAT, "file '%s': the parts have more bytes than 64 bits can count", name);
    if (part->file.read != NULL) return parse_head(w, name);
    return inlay__gguf_parse(w->sys, name, part->file.data, part->file.size, &part->gguf);
}

static int32_t open_part(inlay__weights *w, const inlay__source *source) {
    inlay__weights_part *part;
    inlay__file file;
    if (source->kind == INLAY__FROM_MEMORY) {
        INLAY__TRY(add_part(w)); /* whose name is its absence */
        part = last_part(w);
    } else {
        INLAY__TRY(inlay__weights_add_part(w, source->name, strlen(source->name), &part));
    }
    INLAY__TRY(inlay__file_open_source(w->sys, source, &file));
    part->file = file;
    return parse_part(w, source->name);
}

/* An integer of a part's metadata: `absent` when there is no such key. */
static int32_t read_count(const inlay__gguf *gguf, const char *name, const char *key, int64_t absent, int64_t *value) {
    const inlay__gguf_kv *kv = inlay__gguf_find(gguf, key);
    *value = absent;
    if (kv == NULL) return INLAY_OK;
    if (kv->is_array || !inlay__gguf_i64(kv, 0, value) || *value < 0)
        return inlay__fail(INLAY_ERR_FORMAT,
                           "file '%s': key '%s' is no count: a single integer of at least 0 is expected", name, key);
    return INLAY_OK;
}

/* Part i (from 0) says about itself what its name and part 0 say. */
static int32_t check_part(const inlay__weights_part *part, int64_t i, int64_t n_parts) {
    int64_t number, count;
    INLAY__TRY(read_count(&part->gguf, part->path, "split.no", -1, &number));
    INLAY__TRY(read_count(&part->gguf, part->path, "split.count", -1, &count));
    if (count != n_parts)
        return inlay__fail(INLAY_ERR_FORMAT,
                           "file '%s': key 'split.count' is %lld (-1 if absent), where the first part says %lld",
                           part->path, (long long)count, (long long)n_parts);
    if (number != i)
        return inlay__fail(INLAY_ERR_FORMAT,
                           "file '%s': key 'split.no' is %lld (-1 if absent), where %lld is expected for this name",
                           part->path, (long long)number, (long long)i);
    return INLAY_OK;
}

/* Part 0 is open and says that there are n_parts, more than one. */
static int32_t check_first(const inlay__weights_part *first, int64_t n_parts) {
    int64_t number;
    uint32_t part, count;
    INLAY__TRY(read_count(&first->gguf, first->path, "split.no", -1, &number));
    if (number > 0)
        return inlay__fail(INLAY_ERR_FORMAT,
                           "file '%s': is part %lld of a model of %lld parts; open the first part instead", first->path,
                           (long long)number + 1, (long long)n_parts);
    if (n_parts > MAX_PARTS)
        return inlay__fail(INLAY_ERR_FORMAT,
                           "file '%s': key 'split.count' is %lld, more than the %d parts that names can number",
                           first->path, (long long)n_parts, MAX_PARTS);
    bool named = split_name(first->path, first->path_size - 1, &part, &count);
    if (!named || part != 1 || count != n_parts)
        return inlay__fail(INLAY_ERR_FORMAT,
                           "file '%s': is the first of %lld parts, but its name does not end with '-00001-of-' and "
                           "that number, five digits and '.gguf', so the other parts cannot be found",
                           first->path, (long long)n_parts);
    return check_part(first, 0, n_parts);
}

static int32_t open_others(inlay__weights *w, int64_t n_parts, const inlay__source *first) {
    INLAY__TRY(check_first(&w->parts[0], n_parts));
    size_t path_size = w->parts[0].path_size;
    char *path = inlay__copy_text(w->sys, w->parts[0].path, path_size - 1);
    if (path == NULL) return INLAY_ERR_MEMORY;
    inlay__source source = *first;
    source.name = path;
    int32_t status = INLAY_OK;
    for (int64_t i = 1; i < n_parts && status == INLAY_OK; i++) {
        write_digits(path + path_size - 1 - SUFFIX_SIZE + NUMBER_AT, (uint32_t)i + 1);
        status = open_part(w, &source);
        if (status == INLAY_OK) status = check_part(last_part(w), i, n_parts);
    }
    inlay__free(w->sys, path, path_size);
    return status;
}

/* ------------------------------------------------------- the table of tensors */

int32_t inlay__weights_make_table(inlay__weights *w, size_t n) {
    if (n > UINT32_MAX)
        return inlay__fail(INLAY_ERR_UNSUPPORTED, "file '%s': its parts have %zu tensors, too many", w->parts[0].path,
                           n);
    w->merged = inlay__alloc_array(w->sys, n, sizeof *w->merged);
    if (w->merged == NULL) return INLAY_ERR_MEMORY;
    w->n_tensors = w->table_capacity = n;
    w->tensors = w->merged;
    return inlay__hash_map_init(w->sys, &w->by_name, n);
}

/* One table over the tensors of several parts. */
static int32_t merge(inlay__weights *w) {
    size_t n = 0;
    for (size_t p = 0; p < w->n_parts; p++)
        n += w->parts[p].gguf.n_tensors; /* each is in memory already */
    INLAY__TRY(inlay__weights_make_table(w, n));
    uint32_t k = 0;
    for (size_t p = 0; p < w->n_parts; p++)
        for (size_t i = 0; i < w->parts[p].gguf.n_tensors; i++) {
            const inlay__tensor *t = &w->parts[p].gguf.tensors[i];
            if (!inlay__hash_map_put(&w->by_name, t->name.text, t->name.size, k))
                return inlay__fail(INLAY_ERR_FORMAT, "file '%s': tensor '%.*s' is in an earlier part, too",
                                   w->parts[p].path, (int)inlay__min_size(t->name.size, 120), t->name.text);
            w->merged[k++] = *t;
        }
    return INLAY_OK;
}

static int32_t check_tensor_count(const inlay__weights *w) {
    int64_t count;
    const char *name = inlay__weights_name(w);
    INLAY__TRY(read_count(&w->parts[0].gguf, name, "split.tensors.count", (int64_t)w->n_tensors, &count));
    if (count != (int64_t)w->n_tensors)
        return inlay__fail(INLAY_ERR_FORMAT,
                           "file '%s': key 'split.tensors.count' is %lld, but its %zu parts have %zu tensors", name,
                           (long long)count, w->n_parts, w->n_tensors);
    return INLAY_OK;
}

/* Part 0 is open; opens what else there is. */
static int32_t complete(inlay__weights *w, const inlay__source *source) {
    int64_t n_parts;
    INLAY__TRY(read_count(&w->parts[0].gguf, inlay__weights_name(w), "split.count", 1, &n_parts));
    if (n_parts > 1 && (source == NULL || source->kind != INLAY__FROM_PATH))
        return inlay__fail(INLAY_ERR_UNSUPPORTED,
                           "file '%s': is one of the %lld parts of a split model, which can only be opened from "
                           "files, by the path of the first",
                           inlay__weights_name(w), (long long)n_parts);
    if (n_parts > 1) {
        INLAY__TRY(open_others(w, n_parts, source));
        INLAY__TRY(merge(w));
    } else {
        w->tensors = w->parts[0].gguf.tensors;
        w->n_tensors = w->parts[0].gguf.n_tensors;
    }
    return check_tensor_count(w);
}

/* ------------------------------------------------------------- open and close */

static int32_t finish(inlay__weights *opened, int32_t status, inlay__weights *weights) {
    if (status == INLAY_OK)
        *weights = *opened;
    else
        inlay__weights_close(opened);
    return status;
}

int32_t inlay__weights_open(const inlay__sys *sys, const inlay__source *source, inlay__weights *weights) {
    inlay__weights w = {.sys = sys};
    int32_t status = open_part(&w, source);
    if (status == INLAY_OK) status = complete(&w, source);
    return finish(&w, status, weights);
}

int32_t inlay__weights_open_memory(const inlay__sys *sys, const void *data, size_t size, inlay__weights *weights) {
    const inlay__source source = {.kind = INLAY__FROM_MEMORY, .name = "memory", .data = data, .size = size};
    return inlay__weights_open(sys, &source, weights);
}

int32_t inlay__weights_open_empty(const inlay__sys *sys, const char *path, inlay__weights *weights) {
    inlay__weights w = {.sys = sys};
    int32_t status = add_part(&w);
    if (status == INLAY_OK) {
        inlay__file_lend("", 0, &w.parts[0].file);
        w.parts[0].gguf.sys = sys;
    }
    if (status == INLAY_OK && path != NULL) {
        size_t size = strlen(path);
        w.parts[0].path = inlay__copy_text(sys, path, size);
        w.parts[0].path_size = size + 1;
        if (w.parts[0].path == NULL) status = INLAY_ERR_MEMORY;
    }
    return finish(&w, status, weights);
}

int32_t inlay__weights_open_written(inlay__gguf_writer *from, const char *path, uint64_t file_size,
                                    inlay__weights *weights) {
    inlay__weights w;
    inlay__gguf gguf;
    INLAY__TRY(inlay__weights_open_empty(from->sys, path, &w));
    int32_t status = inlay__gguf_writer_finish(from, inlay__weights_name(&w), &gguf);
    if (status == INLAY_OK) {
        inlay__weights_part *part = last_part(&w);
        part->gguf = gguf;
        part->file = (inlay__file){.data = from->bytes, .size = from->capacity, .fd = -1, .owned = true};
        from->bytes = NULL;
        from->size = from->capacity = 0;
        w.file_size = file_size;
        status = complete(&w, NULL);
    }
    return finish(&w, status, weights);
}

/* ------------------------------------------------------------------- reading */

bool inlay__weights_is_read(const inlay__weights *weights) { return weights->parts[0].file.read != NULL; }

int32_t inlay__weights_read(const inlay__weights *weights, uint64_t place, void *out, size_t size) {
    return inlay__file_read(&weights->parts[0].file, inlay__weights_name(weights), place, out, size);
}

int32_t inlay__weights_get(const inlay__weights *weights, const inlay__tensor *t, const uint8_t **data,
                           uint8_t **memory) {
    *data = t->data;
    *memory = NULL;
    if (t->data != NULL) return INLAY_OK;
    size_t size = (size_t)t->size;
    uint8_t *bytes = inlay__alloc(weights->sys, size);
    if (bytes == NULL) return INLAY_ERR_MEMORY;
    int32_t status = inlay__weights_read(weights, t->place, bytes, size);
    if (status == INLAY_OK)
        *data = *memory = bytes;
    else
        inlay__free(weights->sys, bytes, size);
    return status;
}

void inlay__weights_close(inlay__weights *weights) {
    const inlay__sys *sys = weights->sys;
    if (sys == NULL) return;
    inlay__hash_map_free(sys, &weights->by_name);
    for (size_t i = 0; weights->made != NULL && i < weights->n_tensors; i++)
        inlay__free(sys, weights->made[i].memory, weights->made[i].size);
    inlay__free(sys, weights->made, weights->table_capacity * sizeof *weights->made);
    inlay__free(sys, weights->recipes, weights->table_capacity * sizeof *weights->recipes);
    inlay__free(sys, weights->sources, weights->n_sources * sizeof *weights->sources);
    inlay__free(sys, weights->names, weights->names_size);
    inlay__free(sys, weights->merged, weights->table_capacity * sizeof *weights->merged);
    for (size_t p = 0; p < weights->n_parts; p++) {
        inlay__weights_part *part = &weights->parts[p];
        inlay__gguf_free(&part->gguf);
        inlay__safetensors_free(&part->safetensors);
        inlay__file_close(sys, &part->file);
        inlay__free(sys, part->path, part->path_size);
    }
    inlay__free(sys, weights->parts, weights->part_capacity * sizeof *weights->parts);
    memset(weights, 0, sizeof *weights);
}

int32_t inlay__weights_check(const inlay__weights *weights) {
    for (size_t p = 0; p < weights->n_parts; p++) {
        const inlay__weights_part *part = &weights->parts[p];
        if (part->file.mapped) INLAY__TRY(inlay__file_check(weights->sys, part->path, &part->file));
    }
    return INLAY_OK;
}

static bool is_within(const inlay__made *made, const uint8_t *data) {
    uintptr_t begin = (uintptr_t)made->memory, at = (uintptr_t)data;
    return made->memory != NULL && at >= begin && at - begin < made->size;
}

bool inlay__weights_is_made(const inlay__weights *weights, const uint8_t *data) {
    for (size_t i = 0; weights->made != NULL && i < weights->n_tensors; i++)
        if (is_within(&weights->made[i], data)) return true;
    return false;
}

/* Whether all of a tensor that was made has been let go. */
static bool forget_made(inlay__made *made, const uint8_t *data, size_t size) {
    if (!is_within(made, data)) return false;
    made->forgotten += size;
    return made->forgotten >= made->size;
}

void inlay__weights_forget_pages(const inlay__weights *weights, const uint8_t *data, size_t size) {
    for (size_t i = 0; i < weights->n_parts; i++) inlay__file_forget(weights->sys, &weights->parts[i].file, data, size);
}

void inlay__weights_forget_files(const inlay__weights *weights) {
    for (size_t i = 0; i < weights->n_parts; i++) {
        const inlay__file *file = &weights->parts[i].file;
        inlay__file_forget(weights->sys, file, file->data, file->size);
    }
}

void inlay__weights_forget_metadata(const inlay__weights *weights) {
    for (size_t i = 0; i < weights->n_parts; i++) {
        const inlay__weights_part *part = &weights->parts[i];
        /* other containers keep their tensors elsewhere */
        size_t size = part->gguf.n_tensors > 0 ? part->file.size : 0;
        for (size_t k = 0; k < part->gguf.n_tensors; k++)
            size = inlay__min_size(size, (size_t)part->gguf.tensors[k].place);
        inlay__file_forget(weights->sys, &part->file, part->file.data, size);
    }
}

void inlay__weights_forget(const inlay__weights *weights, const uint8_t *data, size_t size) {
    inlay__weights_forget_pages(weights, data, size);
    for (size_t i = 0; weights->made != NULL && i < weights->n_tensors; i++) {
        inlay__made *made = &weights->made[i];
        if (!forget_made(made, data, size) || strcmp(weights->merged[i].name.text, "token_embd.weight") == 0) continue;
        inlay__free(weights->sys, made->memory, made->size);
        made->memory = NULL;
        weights->merged[i].data = NULL;
    }
}

void inlay__weights_populate(const inlay__weights *weights, const atomic_int *stop) {
    for (size_t i = 0; i < weights->n_parts; i++) inlay__file_populate(weights->sys, &weights->parts[i].file, stop);
}

const inlay__tensor *inlay__weights_find(const inlay__weights *weights, const char *name) {
    uint32_t i;
    if (weights->merged == NULL) return inlay__gguf_tensor_find(&weights->parts[0].gguf, name);
    return inlay__hash_map_get(&weights->by_name, name, strlen(name), &i) ? &weights->merged[i] : NULL;
}

const char *inlay__weights_origin(const inlay__weights *w, const char *name, char text[INLAY__ORIGIN_SIZE]) {
    char origin[INLAY__ORIGIN_SIZE] = "";
    if (w->origin != NULL) w->origin(w, name, origin, sizeof origin - 4);
    inlay__format(text, INLAY__ORIGIN_SIZE, origin[0] != '\0' ? " (%s)" : "%s", origin);
    return text;
}

const inlay__gguf *inlay__weights_metadata(const inlay__weights *weights) { return &weights->parts[0].gguf; }

const char *inlay__weights_name(const inlay__weights *weights) {
    return weights->parts[0].path != NULL ? weights->parts[0].path : "memory";
}
