// A run as Python describes it, and a frame of it: where numbers are, and what they are called.
import { pretty, feature } from "./common.js";

export class Run {
  constructor(message) {
    Object.assign(this, message);
    this.L = this.sizes.length - 1;
    this.start = [0]; // where each layer's parameters begin
    this.first = [0, 0]; // and its neurons
    for (let l = 0; l < this.L; l++) {
      this.start.push(this.start[l] + (this.sizes[l] + 1) * this.sizes[l + 1]);
      this.first.push(this.first[l + 1] + this.sizes[l + 1]);
    }
    this.units = this.first[this.L + 1];
    this.where = []; // of each parameter: the layer it leads from, the neuron it leads to, the input
    for (let l = 0; l < this.L; l++) for (let i = 0; i < this.sizes[l + 1]; i++) for (let j = 0; j <= this.sizes[l]; j++) this.where.push([l, i, j]);
  }

  at(l, i, j) { return this.start[l] + i * (this.sizes[l] + 1) + j; }
  unit(l, i) { return this.first[l] + i; }
  isBias(q) { const [l, , j] = this.where[q]; return j === this.sizes[l]; }
  label(q) { return pretty(this.names[q]); }
  input(j) { return feature(this.features[j]); }
  get features() { return this.settings.features; }
  isSoftmax(l) { return this.activations[l - 1] === "softmax"; }
  node(l, i, letter = "a") { return l === 0 ? this.input(i) : pretty(`${letter}${l}[${i}]`); }

  // What the activation of a layer does to a number, between those that Python computed.
  shape(l, z) {
    const { at, of } = this.shapes, ys = of[l - 1], n = at.length - 1;
    const place = (z - at[0]) / (at[n] - at[0]) * n, k = Math.min(n - 1, Math.max(0, Math.floor(place)));
    return ys[k] + (place - k) * (ys[k + 1] - ys[k]);
  }
}

const TYPES = { "<f8": Float64Array, "<f4": Float32Array, "<i2": Int16Array, "|i1": Int8Array };

// The arrays of a frame by their names; they may lie at any byte.
export function arraysOf(kinds, buffers) {
  const found = {};
  kinds.forEach(([name, type], k) => {
    const view = buffers[k], start = view.byteOffset ?? 0, bytes = view.buffer ?? view;
    found[name] = new TYPES[type](bytes.slice(start, start + view.byteLength));
  });
  return found;
}

// One example: its loss, and z, a, their slopes and the activation's own slope, layer by layer.
export function exampleOf(run, frame) {
  if (!frame.probe.length) return null;
  const n = run.units, split = (k) => run.sizes.map((size, l) => (l === 0 ? [] : frame.probe.subarray(1 + k * n + run.first[l], 1 + k * n + run.first[l] + size)));
  const [z, a, dz, da, f] = [0, 1, 2, 3, 4].map(split);
  a[0] = frame.inputs;
  da[0] = Float64Array.from({ length: run.sizes[0] }, (_, j) => {
    let sum = 0;
    for (let i = 0; i < run.sizes[1]; i++) sum += frame.theta[run.at(0, i, j)] * dz[1][i];
    return sum;
  });
  return { loss: frame.probe[0], z, a, dz, da, f, own: frame.own };
}

export const MOST_PATHS = 5000;

// Every way from a parameter to the loss of one example: the local slopes along it, and their
// product. Added up, the products are the gradient. `share` is what passes each link.
export function pathsOf(run, frame, E, q) {
  const [l, i, j] = run.where[q], { L, sizes } = run;
  if (sizes.slice(l + 2).reduce((x, y) => x * y, 1) > MOST_PATHS) return null;
  const list = [], share = new Float64Array(frame.theta.length), isBias = run.isBias(q);
  const go = (k, unit, factors, links) => {
    if (k === L) {
      factors.push({ name: `∂L/∂${run.node(L, unit, "z")}`, value: E.dz[L][unit] });
      list.push({ factors, links, product: factors.reduce((x, y) => x * y.value, 1) });
      return;
    }
    const bent = [...factors, { name: `f′(${run.node(k, unit, "z")})`, value: E.f[k][unit] }];
    for (let n = 0; n < sizes[k + 1]; n++) {
      const link = run.at(k, n, unit);
      go(k + 1, n, [...bent, { name: run.label(link), value: frame.theta[link], link }], [...links, link]);
    }
  };
  go(l + 1, i, [{ name: isBias ? "1" : run.node(l, j), value: isBias ? 1 : E.a[l][j] }], []);
  const size = list.reduce((sum, path) => sum + Math.abs(path.product), 0) || 1;
  for (const path of list) {
    path.share = Math.abs(path.product) / size;
    for (const link of path.links) share[link] += path.share;
  }
  list.sort((x, y) => y.share - x.share);
  return { list, share, sum: list.reduce((sum, path) => sum + path.product, 0) };
}
