// Inside one neuron: its sum as a waterfall, which falls onto the curve of its activation.
import { C, hue, hueText, line, minus, mix, pill, shown, signed, ticks, write } from "./common.js";
import { termsOf } from "./terms.js";

const SLIM = 48; // characters: on a narrower screen products have no factors, and the account stands below

export function paintNeuronView(c, w, h, app) {
  const e = C.em, most = Math.max(3, Math.floor((h * 0.56) / (1.9 * e)) - 2);
  if (!app.example()) return write(c, "Choose a point on the plane.", w / 2, h / 2, { align: "center", colour: C.soft });
  const T = termsOf(app, most), steps = [...T.list, ...(T.rest ? [{ rest: T.rest.n, v: T.rest.v }] : []), { isBias: true, v: T.b }];
  const isSlim = w < SLIM * e, foot = isSlim ? 11 * e : 2 * e, top = 2.6 * e, bottom = h - foot, share = T.isBent ? 0.56 : 0.86;
  const height = Math.min((T.isBent ? 2.9 : 3.6) * e, (bottom * share - top) / steps.length), wide = (isSlim ? 12 : 19.7) * e, left = wide + 1.2 * e, right = w - (isSlim ? 1.6 : 13.4) * e;
  let sum = 0, low = -1, high = 1;
  for (const s of steps) { sum += s.v; low = Math.min(low, sum); high = Math.max(high, sum); }
  const pad = 0.12 * (high - low); low -= pad; high += pad;
  if (high - low < 4) { const middle = (high + low) / 2; low = middle - 2; high = middle + 2; }
  const box = { e, top, height, wide, left, right, low, high, X: (v) => mix(left, right, (v - low) / (high - low)), curveTop: top + height * steps.length + 0.7 * e, isSlim };
  box.bottom = T.isBent ? bottom : Math.min(bottom, box.curveTop + 2 * e);
  heads(c, box);
  scale(c, box);
  waterfall(c, app, box, T, steps);
  if (T.isBent) bend(c, app, box, T);
  account(c, app, box, T, w, h);
}

function heads(c, { e, wide, left, isSlim }) {
  const head = (text, x, align) => write(c, text, x, 1.2 * e, { colour: C.soft, size: 0.88, align });
  head("input", 0.6 * e, "left"); if (!isSlim) head("a  ×  w", 10.9 * e, "center"); head("product", wide, "right"); head(isSlim ? "running sum" : "running sum  Σ a·w + b = z", left + 0.3 * e, "left");
}

function scale(c, { e, X, low, high, top, bottom, right }) {
  for (const v of ticks(low, high, 6)) {
    c.strokeStyle = v === 0 ? C.faint : C.rule; c.lineWidth = 1; line(c, [[X(v), top - 0.3 * e], [X(v), bottom]]);
    write(c, minus(v), X(v), bottom + 0.85 * e, { colour: C.soft, size: 0.82, align: "center" });
  }
  write(c, "z", right + 0.7 * e, bottom + 0.85 * e, { colour: C.soft, italic: true });
}

function waterfall(c, app, box, T, steps) {
  const { e, top, height, X, wide, isSlim } = box, tile = 0.86 * height, x = 0.6 * e;
  let sum = 0;
  steps.forEach((s, k) => {
    const y = top + height * (k + 0.5), from = X(sum), to = X(sum += s.v), bar = Math.min(0.62 * height, 1.3 * e);
    if (s.isBias || s.rest) write(c, s.isBias ? "bias b" : `${s.rest} weaker inputs`, x, y, { size: 0.92, colour: s.isBias ? C.ink : C.soft });
    else {
      app.maps.paint(c, `in${s.j}`, app.tile(T.l - 1, s.j), 127, x, y - tile / 2, tile);
      c.strokeStyle = C.faint; c.lineWidth = 1; c.strokeRect(x, y - tile / 2, tile, tile);
      write(c, s.name, x + tile + 0.5 * e, y, { size: 0.92 });
      if (!isSlim) { write(c, shown(s.a, 2), 10 * e, y, { align: "right", colour: hueText(s.a) }); write(c, "×", 10.75 * e, y, { align: "center", colour: C.soft }); write(c, shown(s.w, 2), 14.9 * e, y, { align: "right", colour: hueText(s.w), weight: 550 }); }
    }
    write(c, signed(s.v, 2), wide, y, { align: "right", weight: 550, colour: hueText(s.v) });
    c.fillStyle = s.v < 0 ? C.negFill : C.posFill; c.strokeStyle = hue(s.v); c.lineWidth = 1;
    const area = [Math.min(from, to), y - bar / 2, Math.max(1, Math.abs(to - from)), bar];
    c.fillRect(...area); c.setLineDash(s.v < 0 ? [3, 2] : []); c.strokeRect(...area); c.setLineDash([]);
    c.strokeStyle = C.ink; line(c, [[to, y - bar / 2], [to, k + 1 < steps.length ? y + height - bar / 2 : T.isBent ? box.curveTop : y + bar / 2 + 0.6 * e]]);
  });
  if (!T.isBent) pill(c, `z = ${shown(T.z, 2)}`, X(T.z), box.curveTop + 0.6 * e, { weight: 650, edge: C.ink });
}

// The activation over the same axis, with its slope at the sum.
function bend(c, app, { e, X, low, high, left, right, curveTop, bottom }, T) {
  const f = (z) => app.run.shape(T.l, z), values = Array.from({ length: 121 }, (_, k) => f(mix(low, high, k / 120)));
  const least = Math.min(0, ...values), most = Math.max(0.2, ...values), Y = (v) => mix(bottom - 3, curveTop + 0.4 * e, (v - least) / (most - least));
  const x = X(T.z), y = Y(T.a), d = 0.13 * (high - low);
  write(c, T.name, left - 0.6 * e, (curveTop + bottom) / 2, { align: "right", weight: 600 });
  for (const v of [least, most]) write(c, shown(v, 2), left - 0.5 * e, Y(v), { align: "right", colour: C.soft, size: 0.82 });
  c.strokeStyle = C.ink; c.lineWidth = 1.8; line(c, values.map((v, k) => [X(mix(low, high, k / 120)), Y(v)]));
  c.setLineDash([1, 3]); c.lineWidth = 1.2; line(c, [[x, curveTop], [x, y], [right + 1.4 * e, y]]); c.setLineDash([]);
  c.strokeStyle = C.soft; c.lineWidth = 2.4; line(c, [[X(T.z - d), Y(T.a - T.f * d)], [X(T.z + d), Y(T.a + T.f * d)]]);
  c.beginPath(); c.arc(x, y, 5, 0, 7); c.fillStyle = C.ink; c.fill(); c.strokeStyle = C.paper; c.lineWidth = 2; c.stroke();
  pill(c, `z = ${shown(T.z, 2)}`, x, curveTop + 0.1 * e, { weight: 650, edge: C.ink });
}

// On the right, or below: what it says, and how its slope comes to be.
function account(c, app, { e, top, right, isSlim }, T, w, h) {
  const x = isSlim ? 0.6 * e : right + 2 * e, t = Math.min(6.4 * e, w - right - 2.5 * e), end = x + (isSlim ? 16 : 10.8) * e;
  if (!isSlim) { app.maps.paint(c, "large", app.tile(T.l, T.i), 127, x, top, t); c.strokeStyle = C.ink; c.lineWidth = 1.4; c.strokeRect(x, top, t, t); }
  let y = isSlim ? h - 8.2 * e : top + t + 1.3 * e;
  const row = (name, text, look = {}, rule = false) => {
    if (y > h - 0.5 * e) return;
    if (rule) { c.strokeStyle = C.ink; c.lineWidth = 1; line(c, [[x, y - 0.75 * e], [end, y - 0.75 * e]]); }
    write(c, name, x, y, { colour: C.soft, size: 0.86 }); write(c, text, end, y, { align: "right", weight: 600, ...look }); y += 1.4 * e;
  };
  row("says a", shown(T.a, 3), { colour: hueText(T.a) });
  if (app.covered) return row("∂L/∂a", "?");
  y += 0.4 * e;
  if (T.isBent) { row("∂L/∂a", signed(T.da), { colour: hueText(T.da) }); row("× slope f′(z)", shown(T.f)); }
  row("= ∂L/∂z", signed(T.dz), { colour: hueText(T.dz) }, T.isBent);
  const [l, i, j] = app.run.where[app.weight], own = (l === T.l - 1 && i === T.i && T.list.find((s) => s.j === j)) || T.list[0];
  row(`× ${own.name}`, shown(own.a, 3));
  row(`= ∂L/∂${app.run.label(own.q)}`, signed(own.slope), { colour: hueText(own.slope) }, true);
}
