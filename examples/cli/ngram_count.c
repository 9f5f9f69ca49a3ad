/* N-grams are places in the text, sorted by the tokens that follow: those of every order then stand side by side. */
#include "ngram_count.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool ngram_text_add(ngram_text *text, int32_t token) {
    if (text->n == text->capacity) {
        size_t capacity = 2 * text->capacity + 1024;
        int32_t *larger = realloc(text->tokens, capacity * sizeof *larger);

        if (larger == NULL) return false;
        text->tokens = larger;
        text->capacity = capacity;
    }
    text->tokens[text->n++] = token;
    return true;
}

/* ------------------------------------------------------------------- sorting */

/* The first n tokens from two places; the end of a sequence comes before all tokens and ends the comparison. */
static int compare(const int32_t *a, const int32_t *b, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
        if (a[i] == NGRAM_NO_TOKEN) return 0;
    }
    return 0;
}

/* Places in order; equal ones stay as they are. `other` is memory of the same size. */
static void sort(const ngram_model *m, uint32_t *places, uint32_t *other, size_t n) {
    const int32_t *tokens = m->text->tokens;
    uint32_t *from = places, *to = other;

    for (size_t width = 1; width < n; width *= 2) {
        uint32_t *swap = from;

        for (size_t begin = 0; begin < n; begin += 2 * width) {
            size_t middle = n - begin > width ? begin + width : n, end = n - middle > width ? middle + width : n;
            size_t left = begin, right = middle;

            for (size_t i = begin; i < end; i++) {
                bool take_left = right == end ||
                                 (left < middle && compare(tokens + from[left], tokens + from[right], m->order) <= 0);
                to[i] = take_left ? from[left++] : from[right++];
            }
        }
        from = to;
        to = swap;
    }
    if (from != places) memcpy(places, from, n * sizeof *places);
}

/* ------------------------------------------------------------------ counting */

static bool is_whole(const int32_t *tokens, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (tokens[i] == NGRAM_NO_TOKEN) return false;
    return true;
}

static bool alloc_list(ngram_list *list, size_t n) {
    list->n = n;
    list->at = calloc(n + 1, sizeof *list->at);
    list->suffix = calloc(n + 1, sizeof *list->suffix);
    list->count = calloc(n + 1, sizeof *list->count);
    list->p = calloc(n + 1, sizeof *list->p);
    list->backoff = calloc(n + 1, sizeof *list->backoff);
    return list->at != NULL && list->suffix != NULL && list->count != NULL && list->p != NULL && list->backoff != NULL;
}

static size_t find(const ngram_model *m, size_t k, const int32_t *tokens) {
    const ngram_list *list = &m->lists[k - 1];
    size_t begin = 0, end = list->n;

    if (k == 1) return (size_t)tokens[0];
    while (begin < end) {
        size_t middle = begin + (end - begin) / 2;

        if (compare(m->text->tokens + list->at[middle], tokens, k) < 0)
            begin = middle + 1;
        else
            end = middle;
    }
    return begin;
}

/* The n-grams of order k > 1 and how often each stands in the text. */
static bool collect(ngram_model *m, const uint32_t *places, size_t n_places, size_t k) {
    const int32_t *tokens = m->text->tokens;
    ngram_list *list = &m->lists[k - 1];
    size_t n = 0;

    for (int pass = 0; pass < 2; pass++) { /* counts, then writes */
        size_t last = SIZE_MAX;

        if (pass == 1 && !alloc_list(list, n)) return false;
        n = 0;
        for (size_t i = 0; i < n_places; i++) {
            if (!is_whole(tokens + places[i], k)) continue;
            if (last == SIZE_MAX || compare(tokens + places[last], tokens + places[i], k) != 0) n++;
            last = i;
            if (pass == 0) continue;
            list->at[n - 1] = places[i];
            list->count[n - 1] += 1.0;
        }
    }
    return true;
}

/* Those of order k that something of order k + 1 ends with count by how many different tokens stand before them; what
 * begins with the token that begins sequences has nothing before it and keeps its number. */
static void adjust(ngram_model *m, size_t k) {
    const int32_t *tokens = m->text->tokens;
    ngram_list *list = &m->lists[k - 1], *longer = &m->lists[k];

    for (size_t i = 0; i < list->n; i++)
        if (k == 1 || m->begin == NGRAM_NO_TOKEN || tokens[list->at[i]] != m->begin) list->count[i] = 0.0;
    for (size_t i = 0; i < longer->n; i++) {
        longer->suffix[i] = (uint32_t)find(m, k, tokens + longer->at[i] + 1);
        list->count[longer->suffix[i]] += 1.0;
    }
    if (m->begin != NGRAM_NO_TOKEN) return;
    /* The beginning of a sequence is one more that something may stand behind. */
    for (size_t i = 0; i + k < m->text->n; i++)
        if (tokens[i] == NGRAM_NO_TOKEN && is_whole(tokens + i + 1, k)) list->count[find(m, k, tokens + i + 1)] += 1.0;
}

static bool count(ngram_model *m) {
    const ngram_text *text = m->text;
    uint32_t *places = malloc((text->n + 1) * sizeof *places), *other = malloc((text->n + 1) * sizeof *other);
    bool ok = places != NULL && other != NULL && alloc_list(&m->lists[0], (size_t)m->n_vocab);
    size_t n = 0;

    for (size_t i = 0; ok && i < text->n; i++) {
        if (text->tokens[i] == NGRAM_NO_TOKEN) continue;
        places[n++] = (uint32_t)i;
        m->lists[0].count[text->tokens[i]] += 1.0;
    }
    if (ok) sort(m, places, other, n);
    for (size_t k = 2; ok && k <= m->order; k++) ok = collect(m, places, n, k);
    free(places);
    free(other);
    for (size_t k = 1; ok && k < m->order; k++) adjust(m, k);
    return ok;
}

/* ---------------------------------------------------------------- estimating */

static double discount_of(const ngram_list *list, double count) {
    return list->discount[count >= 3.0 ? 3 : (int)count];
}

/* Discounts from how many n-grams have counts 1 to 4. */
static void choose_discounts(const ngram_model *m, size_t k) {
    ngram_list *list = (ngram_list *)&m->lists[k - 1];
    double t[5] = {0.0};

    for (size_t i = 0; i < list->n; i++)
        if (list->count[i] >= 1.0 && list->count[i] <= 4.0 && !(k == 1 && (int32_t)i == m->begin))
            t[(int)list->count[i]] += 1.0;
    for (int j = 1; j <= 3; j++) {
        double y = t[1] / (t[1] + 2.0 * t[2]);

        list->discount[j] = j - (j + 1) * y * t[j + 1] / t[j];
        if (!(list->discount[j] > 0.0 && list->discount[j] <= j)) list->guessed = true; /* also what is not a number */
    }
    for (int j = 1; j <= 3 && list->guessed; j++) list->discount[j] = 0.5 * j;
}

/* Sums over the successors of a context. */
typedef struct sums {
    double count, discounted;
} sums;

static void add(sums *s, const ngram_list *list, size_t i) {
    s->count += list->count[i];
    s->discounted += discount_of(list, list->count[i]);
}

static void estimate_tokens(ngram_model *m) {
    ngram_list *list = &m->lists[0];
    double n_expected = (double)m->n_vocab - (m->begin != NGRAM_NO_TOKEN);
    sums s = {0.0, 0.0};

    for (size_t i = 0; i < list->n; i++)
        if ((int32_t)i != m->begin) add(&s, list, i);
    for (size_t i = 0; i < list->n; i++) {
        double left = s.discounted / s.count / n_expected;

        list->p[i] = (list->count[i] - discount_of(list, list->count[i])) / s.count + left;
        list->backoff[i] = 1.0;
    }
}

/* Order k > 1: contexts stand in the order below as they stand here. */
static void estimate(ngram_model *m, size_t k) {
    const int32_t *tokens = m->text->tokens;
    ngram_list *list = &m->lists[k - 1], *below = &m->lists[k - 2];

    for (size_t begin = 0, end; begin < list->n; begin = end) {
        const int32_t *context = tokens + list->at[begin];
        sums s = {0.0, 0.0};

        for (end = begin; end < list->n && compare(tokens + list->at[end], context, k - 1) == 0; end++)
            add(&s, list, end);
        double backoff = s.discounted / s.count;
        below->backoff[find(m, k - 1, context)] = backoff;
        for (size_t i = begin; i < end; i++) {
            list->p[i] =
                (list->count[i] - discount_of(list, list->count[i])) / s.count + backoff * below->p[list->suffix[i]];
            list->backoff[i] = 1.0;
        }
    }
}

bool ngram_model_estimate(ngram_model *m) {
    if (!count(m)) return false;
    for (size_t k = 1; k <= m->order; k++) choose_discounts(m, k);
    estimate_tokens(m);
    for (size_t k = 2; k <= m->order; k++) estimate(m, k);
    return true;
}

void ngram_model_free(ngram_model *m) {
    for (size_t k = 0; k < m->order; k++) {
        free(m->lists[k].at);
        free(m->lists[k].suffix);
        free(m->lists[k].count);
        free(m->lists[k].p);
        free(m->lists[k].backoff);
    }
}

/* ------------------------------------------------------------------- writing */

void ngram_model_write(const ngram_model *m, FILE *out, void (*word)(void *user, int32_t token, FILE *out),
                       void *user) {
    fputs("\\data\\\n", out);
    for (size_t k = 1; k <= m->order; k++) fprintf(out, "ngram %zu=%zu\n", k, m->lists[k - 1].n);
    for (size_t k = 1; k <= m->order; k++) {
        const ngram_list *list = &m->lists[k - 1];

        fprintf(out, "\n\\%zu-grams:\n", k);
        for (size_t i = 0; i < list->n; i++) {
            int32_t id = (int32_t)i;
            const int32_t *tokens = k == 1 ? &id : m->text->tokens + list->at[i];

            fprintf(out, "%.9g", k == 1 && id == m->begin ? -99.0 : fmin(log10(list->p[i]), 0.0));
            for (size_t j = 0; j < k; j++) {
                fputc(j == 0 ? '\t' : ' ', out);
                word(user, tokens[j], out);
            }
            if (list->backoff[i] != 1.0) fprintf(out, "\t%.9g", log10(list->backoff[i]));
            fputc('\n', out);
        }
    }
    fputs("\n\\end\\\n", out);
}
