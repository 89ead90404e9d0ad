// Below the neuron: every scalar operation in it, with value, slope, and local slopes on edges.
import { C, clamp, hueText, mix, shown, signed, write } from "./common.js";
import { termsOf } from "./terms.js";

export function paintGraph(c, w, h, app) {
  const e = C.em, most = Math.max(3, Math.floor((h - 5 * e) / (4.4 * e)));
  if (!app.example()) return write(c, "Choose a point on the plane.", w / 2, h / 2, { align: "center", colour: C.soft });
  const T = termsOf(app, most), G = layout(w, h, e, T);
  heads(c, G, w);
  leaves(c, app, G, T);
  const next = sum(c, app, G, T);
  if (T.isLast) toLoss(c, app, G, T, next);
  else onwards(c, app, G, T, most, next);
}

function layout(w, h, e, T) {
  const rows = 2 * T.list.length + 1 + (T.rest ? 1 : 0), row = Math.min(2.8 * e, (h - 3.8 * e) / rows), leaf = clamp(w * 0.215, 11.6 * e, 14 * e), box = Math.min(8 * e, w * 0.125);
  const right = w - box / 2 - 0.3 * e, x1 = leaf + Math.max(4.4 * e, 0.08 * w), x2 = mix(x1, right, 0.17), mid = 2.6 * e + (h - 3.8 * e) / 2;
  const free = right - 2.5 * box - x2 - e, x3 = x2 + e + 0.22 * free + box / 2; // of the boxes z, a and the next
  return { e, h, row, leaf, box, tall: 3.1 * e, top: mid - rows * row / 2, size: 0.88, right, mid, X: [leaf / 2 + 0.3 * e, x1, x2, x3, x3 + box + 0.42 * free, right] };
}

function heads(c, { e, X, leaf, right, box }, w) {
  const head = (text, x, align) => write(c, text, x, 1.2 * e, { colour: C.soft, size: 0.88, align });
  head("value", X[0] + 0.13 * leaf, "right"); head("∂L/∂ it", X[0] + leaf / 2 - 0.5 * e, "right");
  head("on an edge: the local slope", (X[1] + X[3]) / 2, "center");
  if (w > 640) head("on to the loss", right + box / 2, "right");
}

function edge(c, G, x0, y0, x1, y1, text = "", share = 0.5) {
  const m = (x1 - x0) / 2, t = share, u = 1 - t;
  c.strokeStyle = C.faint; c.lineWidth = 1.2; c.beginPath(); c.moveTo(x0, y0); c.bezierCurveTo(x0 + m, y0, x1 - m, y1, x1, y1); c.stroke();
  const x = u * u * u * x0 + 3 * u * u * t * (x0 + m) + 3 * u * t * t * (x1 - m) + t * t * t * x1, y = (u * u * u + 3 * u * u * t) * y0 + (3 * u * t * t + t * t * t) * y1;
  if (text) write(c, text, x, y, { size: 0.94 * G.size, align: "center", colour: C.soft, halo: 4 });
}

function frame(c, x, y, w, h, strong) {
  c.fillStyle = C.panel; c.beginPath(); c.roundRect(x - w / 2, y - h / 2, w, h, 4); c.fill();
  c.strokeStyle = strong ? C.ink : C.rule; c.lineWidth = strong ? 1.8 : 1; c.stroke();
}

const slopeText = (app, g) => [app.covered ? "?" : signed(g), app.covered ? C.soft : hueText(g)];

function leaf(c, app, G, y, name, v, g, strong = false) {
  const x = G.X[0], [text, colour] = slopeText(app, g);
  frame(c, x, y, G.leaf, 0.86 * G.row, strong);
  write(c, name, x - G.leaf / 2 + 0.5 * G.e, y, { size: G.size, colour: C.soft });
  write(c, shown(v, 2), x + 0.13 * G.leaf, y, { size: G.size, align: "right", weight: 600 });
  write(c, text, x + G.leaf / 2 - 0.5 * G.e, y, { size: G.size, align: "right", colour });
}

function box(c, app, G, x, y, name, v, g, strong = false) {
  const { e, size } = G, [text, colour] = slopeText(app, g), left = x - G.box / 2 + 0.5 * e, right = x + G.box / 2 - 0.5 * e;
  frame(c, x, y, G.box, G.tall, strong);
  write(c, name, left, y - 0.7 * e, { size, colour: C.soft }); write(c, shown(v, 2), right, y - 0.7 * e, { size, align: "right", weight: 600 });
  write(c, "∂", left, y + 0.75 * e, { size, colour: C.soft }); write(c, text, right, y + 0.75 * e, { size, align: "right", colour });
}

function op(c, { e }, x, y, sign) {
  c.beginPath(); c.arc(x, y, 0.95 * e, 0, 7); c.fillStyle = C.paper; c.fill(); c.strokeStyle = C.ink; c.lineWidth = 1.2; c.stroke();
  write(c, sign, x, y + 0.5, { align: "center", size: 0.95 });
}

function leaves(c, app, G, T) {
  const { e, row, X, mid, size } = G, start = X[0] + G.leaf / 2, ops = [];
  let y = G.top + row / 2;
  for (const t of T.list) {
    const below = y + row, at = y + row / 2;
    edge(c, G, start, y, X[1] - e, at, shown(t.a, 2)); edge(c, G, start, below, X[1] - e, at, shown(t.w, 2)); edge(c, G, X[1] + e, at, X[2] - e, mid);
    leaf(c, app, G, y, app.run.label(t.q), t.w, t.slope, app.weight === t.q); leaf(c, app, G, below, t.name, t.a, t.w * T.dz);
    ops.push([at, t]); y += 2 * row;
  }
  if (T.rest) {
    edge(c, G, start, y, X[2] - e, mid); write(c, `${T.rest.n} weaker inputs`, X[0] - G.leaf / 2 + 0.5 * e, y, { size, colour: C.soft });
    write(c, shown(T.rest.v, 2), start - 0.4 * e, y, { size, align: "right", weight: 600, halo: 3 }); y += row;
  }
  edge(c, G, start, y, X[2] - e, mid, "1", 0.3); leaf(c, app, G, y, app.run.label(T.q), T.b, T.slopeOfB, app.weight === T.q);
  for (const [at, t] of ops) { op(c, G, X[1], at, "×"); write(c, shown(t.v, 2), X[1] + 1.3 * e, at, { size, weight: 600, halo: 5 }); }
}

// The sum z, and its activation if it has one of its own; where the graph goes on from.
function sum(c, app, G, T) {
  const { e, X, mid } = G, above = (x0, x1, text) => write(c, text, (x0 + x1) / 2, mid - 0.8 * e, { size: 0.94 * G.size, align: "center", colour: C.soft, halo: 3 });
  op(c, G, X[2], mid, "Σ");
  edge(c, G, X[2] + e, mid, X[3] - G.box / 2, mid); above(X[2] + e, X[3] - G.box / 2, "1");
  box(c, app, G, X[3], mid, "z", T.z, T.dz);
  if (!T.isBent) return X[3] + G.box / 2;
  edge(c, G, X[3] + G.box / 2, mid, X[4] - G.box / 2, mid); above(X[3] + G.box / 2, X[4] - G.box / 2, `f′ ${shown(T.f, 2)}`);
  write(c, T.name, (X[3] + X[4]) / 2, mid + 0.85 * e, { size: 0.94 * G.size, align: "center", colour: C.soft });
  box(c, app, G, X[4], mid, "a", T.a, T.da);
  return X[4] + G.box / 2;
}

function toLoss(c, app, G, T, x) {
  const slope = T.isBent ? T.da : T.dz;
  edge(c, G, x, G.mid, G.X[5] - G.box / 2, G.mid);
  write(c, app.covered ? "?" : signed(slope), (x + G.X[5] - G.box / 2) / 2, G.mid - 0.8 * G.e, { size: 0.94 * G.size, align: "center", colour: C.soft, halo: 3 });
  box(c, app, G, G.X[5], G.mid, "L", T.E.loss, 1, true);
}

function onwards(c, app, G, T, most, x) {
  const { run, frame: { theta } } = app, { e, mid, X } = G, n = run.sizes[T.l + 1], rows = Math.min(n, most + 1), gap = Math.min(4 * e, (G.h - 5 * e) / rows), top = mid - gap * (rows - 1) / 2;
  for (let i = 0; i < rows; i++) {
    const y = top + i * gap, w = theta[run.at(T.l, i, T.i)];
    edge(c, G, x, mid, X[5] - G.box / 2, y, shown(w, 2));
    box(c, app, G, X[5], y, run.node(T.l + 1, i, "z"), T.E.z[T.l + 1][i], T.E.dz[T.l + 1][i]);
  }
  const under = top + (rows - 1) * gap + 2.5 * e;
  write(c, `${rows < n ? `and ${n - rows} more ` : ""}→ L = ${shown(T.E.loss)}`, G.right + G.box / 2, under, { size: G.size, colour: C.soft, align: "right" });
  write(c, n > 1 ? `${n} paths arrive here; their sum is ∂` : "one path arrives here", (T.isBent ? X[4] : X[3]) + G.box / 2 - 0.5 * e, mid + G.tall / 2 + 0.9 * e, { size: 0.94 * G.size, align: "right", colour: C.soft, halo: 4 });
}
