/* Temperatures: logits are divided by them. The greatest moves to 0 first,
 * which changes no probability. */
#include "sample/stage.h"

static void divide(inlay__choice *choice, float temperature) {
  inlay__candidates *c = &choice->c;
  if (temperature == 1.0f)
    return;
  if (temperature == 0.0f) {
    inlay__candidates_list(c);
    c->ids[0] = c->best;
    c->n = 1;
    c->is_sorted = choice->is_decided = true;
    return;
  }
  size_t n = c->is_listed ? c->n : c->n_vocab;
  for (size_t i = 0; i < n; i++) {
    size_t id = c->is_listed ? (size_t)c->ids[i] : i;
    choice->logits[id] =
        (choice->logits[id] - c->greatest) / temperature; /* never above 0 */
  }
  c->origin = (c->origin + c->greatest) / temperature;
  c->greatest = 0.0f;
  choice->is_changed =
      true; /* quotients may have become equal, or minus infinity */
}

void inlay__stage_temperature(const inlay__stage *stage,
                              inlay__choice *choice) {
  divide(choice, (float)stage->values[0]);
}

/* Between the lowest and the highest, by the entropy of the candidates as a
 * part of the most there could be (entropy-based temperature, kalomaze 2023).
 */
void inlay__stage_dynamic_temperature(const inlay__stage *stage,
                                      inlay__choice *choice) {
  inlay__candidates *c = &choice->c;
  double lowest = stage->values[0], highest = stage->values[1],
         exponent = stage->values[2], sum = 0.0, part = 0.0;
  inlay__candidates_weigh(c);
  inlay__candidates_list(c);
  double total = (double)inlay__candidates_total(c);
  for (size_t i = 0; i < c->n; i++)
    sum +=
        (double)c->weights[c->ids[i]] * inlay__candidates_below(c, c->ids[i]);
  double entropy = inlay__log_f64(total) - sum / total;
  if (c->n > 1 && entropy > 0.0)
    part = inlay__pow_f64(entropy / inlay__log_f64((double)c->n), exponent);
  if (part > 1.0)
    part = 1.0;
  divide(choice, (float)(lowest + (highest - lowest) * part));
}
