// The plane: the output, or one neuron, as a map, with axes, the boundary and the points.
import { C, fitted, heat, mark, minus, ramped, shown, ticks, write } from "./common.js";

const SURE = 4096, FULL = 32767; // as Python packs them

export function planeBox(w, h, bounds) {
  const foot = 1.7 * C.em, left = 2.2 * C.em, s = Math.min(w - left - 2, h - foot - 2), [x0, x1, y0, y1] = bounds;
  return {
    x: left, y: 2, s,
    px: (v) => left + s * (v - x0) / (x1 - x0), py: (v) => 2 + s * (y1 - v) / (y1 - y0),
    ux: (x) => x0 + (x - left) / s * (x1 - x0), uy: (y) => y1 - (y - 2) / s * (y1 - y0),
  };
}

// Lines where numbers on a grid pass 0.
export function contour(c, f, n, box) {
  const X = (k) => box.x + box.s * (k + 0.5) / n, Y = (r) => box.y + box.s * (r + 0.5) / n;
  c.beginPath();
  for (let r = 0; r + 1 < n; r++) for (let k = 0; k + 1 < n; k++) {
    const a = f[r * n + k], b = f[r * n + k + 1], d = f[(r + 1) * n + k + 1], e = f[(r + 1) * n + k];
    if (a > 0 === b > 0 && b > 0 === d > 0 && d > 0 === e > 0) continue;
    const cut = [];
    if (a > 0 !== b > 0) cut.push([X(k + a / (a - b)), Y(r)]);
    if (b > 0 !== d > 0) cut.push([X(k + 1), Y(r + b / (b - d))]);
    if (e > 0 !== d > 0) cut.push([X(k + e / (e - d)), Y(r + 1)]);
    if (a > 0 !== e > 0) cut.push([X(k), Y(r + a / (a - e))]);
    for (let i = 0; i + 1 < cut.length; i += 2) { c.moveTo(...cut[i]); c.lineTo(...cut[i + 1]); }
  }
}

// The edges between areas of several classes: where one is no further ahead than another.
function edges(c, field, n, box, classes) {
  for (let k = 0; k < classes; k++) {
    contour(c, Float32Array.from(field, (v) => (v >> 12 === k ? 1 : -1) * ((v & (SURE - 1)) + 1)), n, box);
    c.strokeStyle = C.ink; c.lineWidth = 1.5; c.stroke();
  }
}

function classColour(value) {
  const fill = C.fills[(value >> 12) % 6], sure = 0.25 + 0.75 * (value & (SURE - 1)) / SURE;
  const [r, g, b] = fill.map((v, k) => Math.round(C.ground[k] + (v - C.ground[k]) * sure));
  return (255 << 24 | b << 16 | g << 8 | r) >>> 0;
}

export function paintPlane(app) {
  const fit = fitted(app.planeCanvas);
  if (!fit) return;
  const [c, w, h] = fit, { run, frame } = app, box = app.planeBox = planeBox(w, h, run.bounds);
  const one = app.nodeOnPlane(), single = run.sizes.at(-1) === 1, n = Math.round(Math.sqrt(frame.field.length));
  c.save();
  c.beginPath(); c.rect(box.x, box.y, box.s, box.s); c.clip();
  if (one) paintNeuron(c, app, box, one, n, single);
  else {
    app.maps.paint(c, "plane", frame.field, single ? FULL : classColour, box.x, box.y, box.s);
    if (single) { contour(c, frame.field, n, box); drawn(c); } else edges(c, frame.field, n, box, run.sizes.at(-1));
  }
  paintPoints(c, app, box);
  c.restore();
  axes(c, run.bounds, box);
  legend(c, app, box);
}

function drawn(c) {
  c.lineCap = "butt";
  c.strokeStyle = C.halo; c.lineWidth = 4; c.globalAlpha = 0.55; c.stroke(); c.globalAlpha = 1;
  c.strokeStyle = C.ink; c.lineWidth = 1.5; c.stroke();
}

// One neuron large: sharp as soon as Python has sent it, until then from its tile.
function paintNeuron(c, app, box, [l, i], n, single) {
  const { run, frame } = app, unit = l ? run.unit(l, i) : null;
  const sharp = l && frame.look[4] === unit && frame.near.length;
  const values = sharp ? frame.near : app.tile(l, i);
  app.maps.paint(c, "near", values, sharp ? FULL : 127, box.x, box.y, box.s);
  contour(c, values, Math.round(Math.sqrt(values.length)), box); drawn(c);
  if (!single) return;
  contour(c, frame.field, n, box);
  c.setLineDash([2, 3]); c.lineWidth = 1; c.strokeStyle = C.ink; c.stroke(); c.setLineDash([]);
}

function paintPoints(c, app, box) {
  const { run, frame } = app, batch = new Set(frame.batch), many = run.points.length;
  const r = Math.max(1.5, Math.min(box.s / 85, box.s / (4.4 * Math.sqrt(many + 1))));
  run.points.forEach(([x1, x2, label, held], k) => {
    const x = box.px(x1), y = box.py(x2);
    if (batch.has(k)) { c.beginPath(); c.arc(x, y, 2.1 * r, 0, 7); c.strokeStyle = C.ink; c.lineWidth = 1.2; c.stroke(); }
    if (run.numbers) heat(c, label / run.scale, x, y, r, { hollow: held });
    else if (held) mark(c, label, x, y, 0.82 * r, { fill: C.halo, stroke: C.classes[label % 6], width: 1.4 });
    else mark(c, label, x, y, r);
  });
  const chosen = run.points[frame.look[3]];
  if (!chosen) return;
  const x = box.px(chosen[0]), y = box.py(chosen[1]), ring = Math.max(2.3 * r, 7);
  c.strokeStyle = C.ink; c.lineWidth = 1; c.setLineDash([1, 3]);
  c.beginPath(); c.moveTo(box.x, y); c.lineTo(x - ring, y); c.moveTo(x, box.y + box.s); c.lineTo(x, y + ring); c.stroke();
  c.setLineDash([]);
  c.beginPath(); c.arc(x, y, ring, 0, 7);
  c.lineWidth = 4; c.strokeStyle = C.halo; c.stroke(); c.lineWidth = 2; c.strokeStyle = C.ink; c.stroke();
  if (run.numbers) heat(c, chosen[2] / run.scale, x, y, Math.max(3, 1.15 * r));
  else mark(c, chosen[2], x, y, Math.max(3, 1.15 * r));
}

function axes(c, [x0, x1, y0, y1], box) {
  const small = { colour: C.soft, size: 0.82 }, e = C.em;
  c.strokeStyle = C.rule; c.lineWidth = 1; c.strokeRect(box.x + 0.5, box.y + 0.5, box.s - 1, box.s - 1);
  for (const v of ticks(x0, x1, 5)) if (box.px(v) < box.x + box.s - 1.8 * e) write(c, minus(v), box.px(v), box.y + box.s + 0.85 * e, { ...small, align: "center" });
  for (const v of ticks(y0, y1, 5)) if (box.py(v) < box.y + box.s - 0.3 * e) write(c, minus(v), box.x - 0.35 * e, Math.max(box.y + 0.5 * e, box.py(v)), { ...small, align: "right" });
  write(c, "x₁", box.x + box.s - 0.1 * e, box.y + box.s + 0.85 * e, { colour: C.soft, align: "right", italic: true, size: 0.9 });
  write(c, "x₂", box.x - 0.35 * e, box.y + box.s - 0.5 * e, { colour: C.soft, align: "right", italic: true, size: 0.9 });
}

function legend(c, app, box) {
  if (app.run.numbers) return scale(c, app.run.scale, box);
  const e = C.em, size = 0.8, two = app.run.classes === 2, texts = Array.from({ length: app.run.classes }, (_, k) => (two ? ["class 0, −", "class 1, +"][k] : String(k)));
  c.font = `400 ${size * e}px ${C.font}`;
  const widths = [...texts, "held out"].map((text) => c.measureText(text).width + 1.9 * e), wide = widths.reduce((x, y) => x + y, 0.2 * e);
  if (wide > box.s - e) return;
  let x = box.x + 0.5 * e;
  const y = box.y + box.s - 1.05 * e;
  c.globalAlpha = 0.86; c.fillStyle = C.halo; c.beginPath(); c.roundRect(x, y - 0.72 * e, wide, 1.45 * e, 4); c.fill(); c.globalAlpha = 1;
  texts.forEach((text, k) => { mark(c, k, x + 0.7 * e, y, 4); write(c, text, x + 1.35 * e, y, { size }); x += widths[k]; });
  mark(c, 0, x + 0.7 * e, y, 3.3, { fill: C.halo, stroke: C.neg, width: 1.4 });
  write(c, "held out", x + 1.35 * e, y, { size });
}

// Which colour is which number.
function scale(c, most, box) {
  const e = C.em, wide = 9 * e, x = box.x + 0.5 * e, y = box.y + box.s - 2.4 * e, size = 0.8, left = x + 0.9 * e;
  c.globalAlpha = 0.86; c.fillStyle = C.halo; c.beginPath(); c.roundRect(x, y, wide + 8.4 * e, 2.1 * e, 4); c.fill(); c.globalAlpha = 1;
  for (let k = 0; k < 64; k++) { c.fillStyle = ramped(k / 31.5 - 1); c.fillRect(left + wide * k / 64, y + 0.25 * e, wide / 64 + 0.5, 0.6 * e); }
  for (const [share, at] of [[-1, 0], [0, 0.5], [1, 1]]) write(c, share ? `${share < 0 ? "≤ −" : "≥ "}${shown(most, 2)}` : "0", left + wide * at, y + 1.45 * e, { size, align: share < 0 ? "left" : share ? "right" : "center" });
  heat(c, 0, left + wide + 1.2 * e, y + 1.05 * e, 4, { hollow: true });
  write(c, "held out", left + wide + 1.9 * e, y + 1.05 * e, { size });
}

// A small picture of a data set; points lie within -1 to 1.
export function paintThumb(canvas, { points, numbers }) {
  const fit = fitted(canvas);
  if (!fit) return;
  const [c, w, h] = fit, r = Math.max(1, w / 38);
  if (!points.length) {
    c.strokeStyle = C.soft; c.lineWidth = 1.5; c.setLineDash([3, 3]); c.beginPath(); c.moveTo(0.2 * w, 0.68 * h);
    c.bezierCurveTo(0.4 * w, 0.05 * h, 0.6 * w, 0.95 * h, 0.8 * w, 0.32 * h); c.stroke();
  }
  for (const [x1, x2, label] of points) (numbers ? heat : mark)(c, numbers ? Math.sign(label) * Math.sqrt(Math.abs(label)) : label, w / 2 + 0.43 * w * x1, h / 2 - 0.43 * h * x2, r, { stroke: null });
}
