/* A training of an MLP in plain C with vectors, as far as a compiler gets with it: eight examples
   side by side, several outputs at once. Sizes, batch and optimiser are known when it is compiled. */

#include <math.h>
#include <stdint.h>
#include <string.h>

typedef double Eight __attribute__((vector_size(64)));
typedef int64_t Mask __attribute__((vector_size(64)));
enum { LANES = 8, SUMS = 8, ROOM = (BATCH + LANES - 1) / LANES, WIDEST = 64 };
static const int sizes[] = {SIZES};
enum { LAYERS = sizeof(sizes) / sizeof(*sizes) - 1 };

typedef Eight Rows[WIDEST][ROOM];
static Rows activations[LAYERS + 1], slopes;
static double gradient[PARAMETERS], targets[ROOM * LANES];
static int labels[ROOM * LANES];

static double total(Eight x) { return ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7])); }

/* Up to SUMS outputs, from o on, of eight examples; the compiler writes it out for each number. */
static inline __attribute__((always_inline)) void
tile(int many, int inputs, int step, int stride, const double *w, Rows x, int e, Eight *sums) {
    for (int i = 0; i < inputs; i++)
        for (int s = 0; s < many; s++) sums[s] += w[s * step + i * stride] * x[i][e];
}

static inline __attribute__((always_inline)) void
product(int outputs, int inputs, int step, int stride, const double *w, const double *b, Rows x,
        int n, void (*store)(Eight, int, int, Rows), Rows z) {
    for (int o = 0; o < outputs; o += SUMS)
        for (int e = 0; e < n; e++) {
            int many = outputs - o < SUMS ? outputs - o : SUMS;
            Eight sums[SUMS];
            for (int s = 0; s < SUMS; s++) sums[s] = (Eight){} + (b && s < many ? b[o + s] : 0);
            if (many == SUMS) tile(SUMS, inputs, step, stride, w + o * step, x, e, sums);
            else tile(many, inputs, step, stride, w + o * step, x, e, sums);
            for (int s = 0; s < many; s++) store(sums[s], o + s, e, z);
        }
}

static inline Eight on(Eight where, Eight x) { return (Eight)((where > 0) & (Mask)x); }
static inline void as_it_is(Eight x, int o, int e, Rows z) { z[o][e] = x; }
static inline void relu(Eight x, int o, int e, Rows z) { z[o][e] = on(x, x); }
static inline void where_on(Eight x, int o, int e, Rows z) { z[o][e] = on(z[o][e], x); }

/* The gradient along W and b. */
static void weights(int n, int inputs, int outputs, Rows x, Rows g, double *gw, double *gb) {
    for (int o = 0; o < outputs; o++) {
        Eight all = {};
        for (int e = 0; e < n; e++) all += g[o][e];
        gb[o] = total(all);
        for (int i = 0; i < inputs; i += SUMS) {
            int many = inputs - i < SUMS ? inputs - i : SUMS;
            Eight sums[SUMS] = {};
            if (many == SUMS)
                for (int e = 0; e < n; e++)
                    for (int s = 0; s < SUMS; s++) sums[s] += g[o][e] * x[i + s][e];
            else
                for (int e = 0; e < n; e++)
                    for (int s = 0; s < many; s++) sums[s] += g[o][e] * x[i + s][e];
            for (int s = 0; s < many; s++) gw[o * inputs + i + s] = total(sums[s]);
        }
    }
}

/* The mean loss, and its slopes along the outputs: 0 for places that are no examples. */
static double loss_of(int count, int n, Rows outputs) {
    double found = 0;
    double *z = (double *)outputs, *g = (double *)slopes;
    enum { ROW = ROOM * LANES };
    n *= LANES;
#if HINGE
    for (int e = 0; e < n; e++) {
        double margin = 1 - targets[e] * z[e];
        int wrong = margin > 0 && e < count;
        found += wrong ? margin : 0;
        g[e] = wrong ? -targets[e] / count : 0;
    }
#else
    static double top[ROW], sum[ROW];
    int classes = sizes[LAYERS];
    for (int e = 0; e < n; e++) top[e] = z[e], sum[e] = 0;
    for (int c = 1; c < classes; c++)
        for (int e = 0; e < n; e++) top[e] = z[c * ROW + e] > top[e] ? z[c * ROW + e] : top[e];
    for (int c = 0; c < classes; c++)
        for (int e = 0; e < n; e++) sum[e] += g[c * ROW + e] = exp(z[c * ROW + e] - top[e]);
    for (int e = 0; e < count; e++) found += log(sum[e]) + top[e] - z[labels[e] * ROW + e];
    for (int e = 0; e < n; e++) sum[e] = e < count ? 1 / (sum[e] * count) : 0;
    for (int c = 0; c < classes; c++)
        for (int e = 0; e < n; e++) g[c * ROW + e] *= sum[e];
    for (int e = 0; e < count; e++) g[labels[e] * ROW + e] -= 1.0 / count;
#endif
    return found / count;
}

static void update(double *theta, double *state, double rate, double made) {
#if ADAM
    double *m = state, *v = state + PARAMETERS;
    double first = 1 - pow(0.9, made), second = 1 - pow(0.999, made);
    for (int i = 0; i < PARAMETERS; i++) {
        m[i] = 0.9 * m[i] + 0.1 * gradient[i];
        v[i] = 0.999 * v[i] + 0.001 * gradient[i] * gradient[i];
        theta[i] -= rate * (m[i] / first) / (sqrt(v[i] / second) + 1e-8);
    }
#else
    for (int i = 0; i < PARAMETERS; i++) theta[i] -= rate * gradient[i];
#endif
}

static double step(int count, double *theta, double decay) {
    int n = (count + LANES - 1) / LANES, at = 0;
#pragma GCC unroll 4
    for (int k = 0; k < LAYERS; k++) {
        int inputs = sizes[k], outputs = sizes[k + 1];
        double *w = theta + at, *b = w + inputs * outputs;
        if (k + 1 < LAYERS) product(outputs, inputs, inputs, 1, w, b, activations[k], n, relu, activations[k + 1]);
        else product(outputs, inputs, inputs, 1, w, b, activations[k], n, as_it_is, activations[k + 1]);
        at += (inputs + 1) * outputs;
    }
    double loss = loss_of(count, n, activations[LAYERS]);
#pragma GCC unroll 4
    for (int k = LAYERS - 1; k >= 0; k--) {
        int inputs = sizes[k], outputs = sizes[k + 1];
        at -= (inputs + 1) * outputs;
        weights(n, inputs, outputs, activations[k], slopes, gradient + at, gradient + at + inputs * outputs);
        if (k) {
            product(inputs, outputs, 1, inputs, theta + at, 0, slopes, n, where_on, activations[k]);
            memcpy(slopes, activations[k], sizeof(Eight) * ROOM * inputs);
        }
    }
    double squares = 0;
    if (decay > 0)
        for (int i = 0; i < PARAMETERS; i++) {
            squares += theta[i] * theta[i];
            gradient[i] += 2 * decay * theta[i];
        }
    return loss + decay * squares;
}

void train(double *theta, double *state, const double *X, const double *y, const int64_t *order,
           int64_t n, int64_t epochs, double rate, double decay, double *made, double *losses) {
    for (int64_t epoch = 0; epoch < epochs; epoch++) {
        double sum = 0;
        for (int64_t start = 0; start < n; start += BATCH) {
            int count = n - start < BATCH ? n - start : BATCH;
            for (int e = 0; e < count; e++) {
                int64_t row = order[start + e];
                for (int i = 0; i < sizes[0]; i++) ((double *)activations[0][i])[e] = X[row * sizes[0] + i];
                targets[e] = y[row];
                labels[e] = (int)y[row];
            }
            sum += step(count, theta, decay) * count;
            *made += 1;
            update(theta, state, rate, *made);
        }
        losses[epoch] = sum / n;
    }
}
