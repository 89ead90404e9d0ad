// The inputs of one neuron at the chosen point, the strongest first where there are too many.
export function termsOf(app, most) {
  const { run, frame } = app, [l, i] = app.node, E = app.example(), n = run.sizes[l - 1];
  const all = Array.from({ length: n }, (_, j) => {
    const q = run.at(l - 1, i, j), a = E.a[l - 1][j], w = frame.theta[q];
    return { j, q, a, w, v: w * a, slope: E.own[q], name: run.node(l - 1, j) };
  });
  let list = all, rest = null;
  if (n > most) {
    const order = [...all].sort((x, y) => Math.abs(y.v) - Math.abs(x.v)), kept = new Set(order.slice(0, most - 1));
    list = all.filter((t) => kept.has(t));
    rest = { n: n - most + 1, v: order.slice(most - 1).reduce((s, t) => s + t.v, 0) };
  }
  const q = run.at(l - 1, i, n), name = run.activations[l - 1].replaceAll("_", " ");
  return { l, i, E, list, rest, q, b: frame.theta[q], slopeOfB: E.own[q], z: E.z[l][i], a: E.a[l][i], dz: E.dz[l][i], da: E.da[l][i], f: E.f[l][i], isLast: l === run.L, name, isBent: name !== "linear" && !run.isSoftmax(l) };
}
