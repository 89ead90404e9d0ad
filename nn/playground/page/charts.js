// Two charts: the losses over the steps, and the loss as a function of the chosen weight.
import { C, clamp, fitted, hue, hueText, line, longest, minus, mix, pill, shown, signed, ticks, write } from "./common.js";

export function paintHistory(app) {
  const fit = fitted(app.historyCanvas);
  if (!fit) return;
  const [c, w, h] = fit, e = C.em, left = 3.4 * e, right = w - 0.8 * e, top = 1.8 * e, bottom = h - 1.5 * e, all = app.trace;
  const known = all.flatMap(([, ...losses]) => losses).filter((v) => v > 0 && Number.isFinite(v));
  const low = Math.log10(Math.max(1e-8, Math.min(...known, 1e9) * 0.85)), high = Math.log10(Math.max(...known, 1e-7) * 1.2);
  const last = Math.max(10, all.at(-1)?.[0] ?? 0), X = (s) => mix(left, right, s / last);
  const Y = (v) => clamp(mix(bottom, top, (Math.log10(Math.max(v, 1e-9)) - low) / (high - low || 1)), top, bottom);
  names(c, left, e, app.frame.ghost);
  for (const v of logTicks(low, high, (bottom - top) / (1.9 * e))) {
    c.strokeStyle = C.rule; c.lineWidth = 1; line(c, [[left, Y(v)], [right, Y(v)]]);
    write(c, shown(v).replace("1.0·", "").replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, ""), left - 0.4 * e, Y(v), { colour: C.soft, align: "right", size: 0.82 });
  }
  for (const s of ticks(0, last, 4)) write(c, s.toLocaleString("en"), X(s), h - 0.6 * e, { colour: C.soft, align: s === 0 ? "left" : X(s) > right - e ? "right" : "center", size: 0.82 });
  write(c, "step", left - 0.4 * e, h - 0.6 * e, { colour: C.soft, align: "right", size: 0.82 });
  const stride = Math.max(1, Math.floor(all.length / 600)), some = all.filter((_, k) => k % stride === 0 || k === all.length - 1);
  const curve = (k, colour, width, dash) => {
    c.strokeStyle = colour; c.lineWidth = width; c.setLineDash(dash);
    line(c, some.filter((entry) => entry[k] != null).map((entry) => [X(entry[0]), Y(entry[k])])); c.setLineDash([]);
  };
  curve(3, C.third, 1.5, [1, 3]); curve(2, C.soft, 1.2, [4, 3]); curve(1, C.ink, 1.8, []);
  const now = all.at(-1);
  if (now?.[1] == null) return;
  c.beginPath(); c.arc(X(now[0]), Y(now[1]), 3.4, 0, 7); c.fillStyle = C.ink; c.fill(); c.lineWidth = 1.5; c.strokeStyle = C.paper; c.stroke();
}

function names(c, x, e, ghost) {
  const key = (text, colour, width, dash) => {
    c.strokeStyle = colour; c.lineWidth = width; c.setLineDash(dash); line(c, [[x, 0.8 * e], [x + 1.6 * e, 0.8 * e]]); c.setLineDash([]);
    x += 2 * e; x += write(c, text, x, 0.8 * e, { colour: C.soft, size: 0.82 }) + 0.9 * e;
  };
  x += write(c, "loss", x, 0.8 * e, { weight: 600 }) + 0.9 * e;
  key("training", C.ink, 1.8, []); key("held out", C.soft, 1.3, [4, 3]);
  if (ghost) key("ghost", C.third, 1.5, [1, 3]);
}

function logTicks(low, high, most) {
  const marks = high - low < 0.8 ? ticks(10 ** low, 10 ** high, 4).filter((v) => v > 0) : [];
  if (!marks.length) for (let k = Math.floor(low); k <= high; k++) for (const m of high - low > 3 ? [1] : [1, 2, 5]) {
    const v = m * 10 ** k;
    if (Math.log10(v) >= low && Math.log10(v) <= high) marks.push(v);
  }
  const every = Math.ceil(marks.length / Math.max(2, most));
  return marks.filter((_, k) => k % every === 0);
}

export function curveBox(w, h) { const e = C.em; return { left: 3.6 * e, right: w - 0.8 * e, top: 2.4 * e, bottom: h - 1.5 * e }; }

// The curve with its tangent, whose slope is the gradient, and where the next step lands.
export function paintCurve(app) {
  const fit = fitted(app.curveCanvas);
  if (!fit) return;
  const [c, w, h] = fit, { frame } = app, q = frame.look[0], low = frame.look[1], high = frame.look[2];
  if (app.run.still && q !== app.weight) return write(c, `kept is the curve of ${app.run.label(q)}`, w / 2, h / 2, { align: "center", colour: C.soft });
  const n = frame.curve.length / 2, ws = frame.curve.subarray(0, n), ys = frame.curve.subarray(n);
  const known = [...ys].filter(Number.isFinite), loss = frame.loss;
  if (!known.length || loss == null) return;
  const box = curveBox(w, h), { X, Y } = scales(box, low, high, known, loss), e = C.em;
  const now = frame.theta[q], slope = frame.gradient[q], x = X(now), y = Y(loss);
  grid(c, box, X, Y, low, high, h);
  c.save();
  c.beginPath(); c.rect(box.left, box.top - 4, box.right - box.left, box.bottom - box.top + 8); c.clip();
  c.strokeStyle = C.ink; c.lineWidth = 1.8;
  line(c, [...ws].map((v, k) => [X(v), Y(ys[k])]).filter(([, at]) => Number.isFinite(at)));
  c.setLineDash([1, 3]); c.lineWidth = 1; line(c, [[x, y], [x, box.bottom]]); c.setLineDash([]);
  if (!app.covered) tangent(c, X, Y, now, loss, slope, low, high);
  if (app.checking && !app.covered) secant(c, X, Y, frame.check, now, loss, low, high);
  c.restore();
  if (!app.covered) landing(c, app, box, X, Y, now, ws, ys, frame.delta[q]);
  c.beginPath(); c.arc(x, y, 5.5, 0, 7); c.fillStyle = C.ink; c.fill(); c.lineWidth = 2; c.strokeStyle = C.paper; c.stroke();
  captions(c, app, box, frame, e);
}

function scales(box, low, high, known, loss) {
  const top = Math.min(Math.max(...known), 4 * loss + 0.3), least = Math.min(...known, loss), span = Math.max(top - least, 2e-3);
  const from = least - 0.14 * span, to = Math.max(top, loss) + 0.05 * span;
  return {
    X: (v) => mix(box.left, box.right, (v - low) / (high - low)),
    Y: Object.assign((v) => mix(box.bottom, box.top, (v - from) / (to - from)), { from, to }),
  };
}

function grid(c, box, X, Y, low, high, h) {
  const e = C.em, marks = ticks(Y.from, Y.to, Math.max(2, (box.bottom - box.top) / (2.6 * e)));
  const places = marks.length > 1 ? clamp(Math.ceil(-Math.log10(marks[1] - marks[0]) - 1e-9), 1, 6) : 2;
  for (const v of marks) {
    c.strokeStyle = C.rule; c.lineWidth = 1; line(c, [[box.left, Y(v)], [box.right, Y(v)]]);
    write(c, minus(v.toFixed(places)), box.left - 0.4 * e, Y(v), { colour: C.soft, align: "right", size: 0.82 });
  }
  for (const v of ticks(low, high, 6)) write(c, minus(v), Math.min(X(v), box.right + (0.7 - 0.27 * minus(v).length) * e), h - 0.6 * e, { colour: C.soft, align: "center", size: 0.82 });
}

function tangent(c, X, Y, now, loss, slope, low, high) {
  const d = 0.2 * (high - low), along = (s) => [X(now + s), Y(loss + slope * s)];
  c.strokeStyle = hue(slope); c.lineWidth = 2.4;
  if (slope < 0) c.setLineDash([6, 4]);
  line(c, [along(-d), along(d)]); c.setLineDash([]);
}

// The two points of the difference are too near to be told apart: they are drawn further away.
function secant(c, X, Y, check, now, loss, low, high) {
  const d = 0.07 * (high - low);
  c.strokeStyle = C.ink; c.fillStyle = C.paper; c.lineWidth = 1.3;
  for (const s of [-d, d]) { c.beginPath(); c.arc(X(now + s), Y(loss + check.slope * s), 3.5, 0, 7); c.fill(); c.stroke(); }
}

function landing(c, app, box, X, Y, now, ws, ys, delta) {
  const n = ws.length, next = app.trip ? app.trip.old[app.weight] + app.trip.delta[app.weight] : now + delta, from = X(now), to = X(next);
  if (!(next > ws[0] && next < ws[n - 1])) return;
  const place = clamp((next - ws[0]) / (ws[n - 1] - ws[0]) * (n - 1), 0, n - 2), k = Math.floor(place);
  const y = Y(mix(ys[k], ys[k + 1], place - k)), low = box.bottom - 0.35 * C.em, sign = Math.sign(to - from);
  c.strokeStyle = C.ink; c.lineWidth = 1.4;
  if (Math.abs(to - from) > 5) { line(c, [[from, low], [to, low]]); line(c, [[to - 4 * sign, low - 3], [to, low], [to - 4 * sign, low + 3]]); }
  c.beginPath(); c.arc(to, y, 4, 0, 7); c.fillStyle = C.paper; c.fill(); c.stroke();
}

// Above the curve: its slope, by the gradient and on demand by differences, and the next step.
function captions(c, app, box, frame, e) {
  const slope = frame.gradient[frame.look[0]], y = 0.95 * e, small = { size: 0.82, colour: C.soft };
  const [, , width] = pill(c, app.covered ? "slope = ?" : `slope = ∂L/∂w = ${signed(slope)}`, box.left - 2.6 * e, y, { align: "left", size: 0.85, colour: app.covered ? C.soft : hueText(slope) });
  if (app.covered) return;
  const x = box.left - 2 * e + width;
  if (!app.checking || frame.check.slope == null) longest(c, [`next: ${signed(frame.delta[frame.look[0]])}`], x, y, box.right + 0.8 * e, small);
  else {
    const same = agreement(slope, frame.check.slope), told = [`ΔL/Δw = ${signed(frame.check.slope)}, ${same}`, `ΔL/Δw: ${same}`, same];
    longest(c, told, x, y, box.right + 0.8 * e, { ...small, colour: C.ink });
  }
}

// To how many digits two slopes agree.
function agreement(a, b) {
  const off = Math.abs(a - b) / Math.max(Math.abs(a), Math.abs(b), 1e-300);
  return off < 1e-12 ? "the same" : off < 0.1 ? `same to ${Math.max(1, Math.floor(-Math.log10(off)))} digits` : Math.abs(a - b) < 1e-9 ? "the same" : "not the same";
}
