/* activation.c with vectors, for activation_avx2.c and activation_avx512.c, which name a register of N floats and what
 * is done with it. What does not fill a register goes through the scalar definition. */

/* inlay__erf, lane by lane: both of its cases, then the one that counts. */
LANES floats erf_of(floats x) {
    floats t = magnitude(x), z = multiply(x, x), p = all(0x1.5ebd84p-14f);
    floats y = t;
    p = multiply_add(p, z, all(-0x1.aad914p-11f));
    p = multiply_add(p, z, all(0x1.54da22p-8f));
    p = multiply_add(p, z, all(-0x1.b8108cp-6f));
    p = multiply_add(p, z, all(0x1.ce2e22p-4f));
    p = multiply_add(p, z, all(-0x1.812744p-2f));
    p = multiply_add(p, z, all(0x1.20dd76p+0f));
    floats small = multiply(p, x);
    t = lesser(t, all(4.0f));
    p = all(0x1.ea053cp-22f);
    p = multiply_add(p, t, all(0x1.fe7f92p-17f));
    p = multiply_add(p, t, all(-0x1.a58ccep-12f));
    p = multiply_add(p, t, all(0x1.0acb72p-8f));
    p = multiply_add(p, t, all(-0x1.987584p-6f));
    p = multiply_add(p, t, all(0x1.ba9908p-4f));
    p = multiply_add(p, t, all(0x1.445b5ep-1f));
    p = multiply_add(p, t, all(0x1.21238cp+0f));
    p = multiply_add(p, t, all(-0x1.56035ep-13f));
    floats large = with_sign_of(subtract(all(1.0f), exp_of(negate(p))), x);
    return where_below(y, all(0.925f), small, large);
}

LANES floats apply(inlay__activation activation, floats x) {
    const floats one = all(1.0f);
    floats v;
    switch (activation) {
    case INLAY__SILU: return divide(x, add(one, exp_of(negate(x))));
    case INLAY__GELU_TANH:
        v = multiply(multiply(x, all(0.797884561f)), multiply_add(multiply(x, x), all(0.044715f), one));
        return divide(x, add(one, exp_of(multiply(all(-2.0f), v))));
    case INLAY__GELU_ERF: return multiply(multiply(all(0.5f), x), add(one, erf_of(multiply(x, all(0.707106769f)))));
    case INLAY__GELU_QUICK: return divide(x, add(one, exp_of(multiply(all(-1.702f), x))));
    case INLAY__RELU: return where_above_0(x, x);
    case INLAY__RELU2: return where_above_0(x, multiply(x, x));
    default: return subtract(one, divide(all(2.0f), add(exp_of(add(x, x)), one)));
    }
}

LANES void activate(inlay__activation activation, const float *gate, const float *up, size_t n, float *out) {
    size_t i = 0;
    for (; i + N <= n; i += N) {
        floats y = apply(activation, load(gate + i));
        store(out + i, up != NULL ? multiply(y, load(up + i)) : y);
    }
    if (i < n) inlay__activate(activation, gate + i, up != NULL ? up + i : NULL, n - i, out + i);
}

LANES_FUNCTION ACTIVATE(inlay__activation activation, const float *gate, const float *up, size_t n, float *out) {
    switch (activation) {
    case INLAY__SILU: activate(INLAY__SILU, gate, up, n, out); break;
    case INLAY__GELU_TANH: activate(INLAY__GELU_TANH, gate, up, n, out); break;
    case INLAY__GELU_ERF: activate(INLAY__GELU_ERF, gate, up, n, out); break;
    case INLAY__GELU_QUICK: activate(INLAY__GELU_QUICK, gate, up, n, out); break;
    case INLAY__RELU: activate(INLAY__RELU, gate, up, n, out); break;
    case INLAY__RELU2: activate(INLAY__RELU2, gate, up, n, out); break;
    default: activate(INLAY__TANH, gate, up, n, out); break;
    }
}

/* cap tanh(x / cap) */
LANES_FUNCTION SOFT_CAP(float cap, size_t n, float *x) {
    size_t i = 0;
    for (; i + N <= n; i += N) store(x + i, multiply(all(cap), apply(INLAY__TANH, divide(load(x + i), all(cap)))));
    inlay__soft_cap(cap, n - i, x + i);
}
