// Numbers as text, colours, and what every canvas needs.
export const clamp = (x, low, high) => Math.min(high, Math.max(low, x));
export const mix = (a, b, share) => a + (b - a) * share;
export const smooth = (x) => { const t = clamp(x, 0, 1); return t * t * (3 - 2 * t); };

// --- Numbers as text ---------------------------------------------------------------------

const powers = (n) => String(n).replace("-", "⁻").replace(/\d/g, (d) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[d]);
export const lowered = (text) => String(text).replace(/\d/g, (d) => "₀₁₂₃₄₅₆₇₈₉"[d]);

// A true minus, and powers of ten where a decimal would be long.
export function shown(x, digits = 3) {
  if (x == null || Number.isNaN(x)) return "–";
  if (x === 0) return "0";
  const size = Math.abs(x), sign = x < 0 ? "−" : "";
  if (size >= 1e4 || size < 1e-3) {
    const power = Number(size.toExponential(1).split("e")[1]);
    return `${sign}${(size / 10 ** power).toFixed(1)}·10${powers(power)}`;
  }
  if (size >= 100) return sign + size.toFixed(0);
  return sign + size.toFixed(size >= 10 ? 1 : size >= 1 || (digits < 3 && size >= 0.01) ? 2 : 3);
}
export const signed = (x, digits) => (x > 0 ? "+" : "") + shown(x, digits);
export const percent = (x) => (x == null ? "–" : `${(100 * x).toFixed(x === 1 ? 0 : 1)} %`);
export const minus = (x) => String(x).replace("-", "−");

// Labels as Python gives them, W1[0,2], as formulas have them.
export const pretty = (label) => label.replace(/^([A-Za-z])(\d+)/, (_, letter, k) => letter + lowered(k));
export const feature = (name) => name.replace(/x(\d)/g, (_, k) => `x${lowered(k)}`).replace("^2", "²");

// Every slope is shown on this one scale of powers of ten.
export const SCALE = [-6, 1];
export const logShare = (x) => (x === 0 || !Number.isFinite(x) ? 0 : clamp((Math.log10(Math.abs(x)) - SCALE[0]) / (SCALE[1] - SCALE[0]), 0, 1));

// --- Colours -----------------------------------------------------------------------------

export const C = {}; // the palette of the page that is painted: read from its style
const NAMES = ["paper", "panel", "ink", "soft", "faint", "rule", "pos", "neg", "pos-text", "neg-text", "pos-fill", "neg-fill", "zero", "halo", "third", "fourth", "fifth", "sixth"];
const parts = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));

export function readPalette(root) {
  const style = getComputedStyle(root), palette = { font: style.fontFamily, em: parseFloat(style.fontSize) };
  for (const name of NAMES) palette[name.replace(/-(\w)/, (_, c) => c.toUpperCase())] = style.getPropertyValue(`--pg-${name}`).trim();
  if (!palette.ink) return null; // the style sheet may arrive after the page
  palette.classes = [palette.neg, palette.pos, palette.third, palette.fourth, palette.fifth, palette.sixth];
  palette.ramp = ramp(parts(palette.negFill), parts(palette.zero), parts(palette.posFill));
  palette.ground = parts(palette.zero);
  const paler = (hex) => parts(hex).map((v, k) => mix(v, palette.ground[k], 0.42));
  palette.fills = [parts(palette.negFill), parts(palette.posFill), ...palette.classes.slice(2).map(paler)];
  return palette;
}

// 257 colours from -1 by 0 to 1.
function ramp(low, zero, high) {
  const table = new Uint32Array(257), out = new Uint8Array(table.buffer);
  for (let i = 0; i <= 256; i++) {
    const v = (i - 128) / 128, end = v < 0 ? low : high, share = Math.abs(v) ** 0.8;
    for (let c = 0; c < 3; c++) out[4 * i + c] = Math.round(mix(zero[c], end[c], share));
    out[4 * i + 3] = 255;
  }
  return table;
}
export const hue = (x) => (x < 0 ? C.neg : C.pos);
export const hueText = (x) => (x < 0 ? C.negText : x > 0 ? C.posText : C.soft);
export const dashes = (x, width = 2) => (x < 0 ? [Math.max(3, 2 * width), Math.max(3, 1.7 * width)] : []);

// --- Canvases ----------------------------------------------------------------------------

// A canvas as large as its box on screen, in whole pixels, with a context in CSS pixels.
export function fitted(canvas) {
  const ratio = devicePixelRatio || 1, box = canvas.parentElement.getBoundingClientRect();
  const w = Math.floor(box.width), h = Math.floor(box.height);
  const left = `${Math.round(box.left) - box.left}px`;
  if (canvas.style.left !== left || canvas.style.width !== `${w}px` || canvas.style.height !== `${h}px`)
    Object.assign(canvas.style, { left, width: `${w}px`, height: `${h}px` });
  const width = Math.round(w * ratio), height = Math.round(h * ratio);
  if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
  if (!width || !height) return null; // out of sight
  const c = canvas.getContext("2d");
  c.setTransform(ratio, 0, 0, ratio, 0, 0);
  c.clearRect(0, 0, w, h);
  c.lineJoin = c.lineCap = "round";
  c.setLineDash([]); c.globalAlpha = 1;
  return [c, w, h];
}

export function write(c, text, x, y, { size = 0.85, colour = C.ink, align = "left", weight = 400, halo = 0, italic = false } = {}) {
  c.font = `${italic ? "italic " : ""}${weight} ${(size * C.em).toFixed(1)}px ${C.font}`;
  c.textAlign = align; c.textBaseline = "middle";
  if (halo) { c.save(); c.setLineDash([]); c.strokeStyle = C.halo; c.lineWidth = halo; c.strokeText(text, x, y); c.restore(); }
  c.fillStyle = colour; c.fillText(text, x, y);
  return c.measureText(text).width;
}

// The first of some texts that has room.
export function fitting(c, texts, room, { size, weight = 400 }) {
  c.font = `${weight} ${(size * C.em).toFixed(1)}px ${C.font}`;
  return texts.find((text) => c.measureText(text).width < room);
}

// The same, written; its width.
export function longest(c, texts, x, y, w, look) {
  const text = fitting(c, texts, w - x, look);
  return text ? write(c, text, x, y, look) : 0;
}

// Text in a pill, left of where it must end; where it is, as [left, top, width, height].
export function pill(c, text, x, y, { colour = C.ink, size = 0.8, align = "center", weight = 500, edge = null, end = Infinity } = {}) {
  c.font = `${weight} ${(size * C.em).toFixed(1)}px ${C.font}`;
  const w = c.measureText(text).width + 0.8 * C.em, h = 1.5 * size * C.em;
  const left = Math.min(end - w, align === "center" ? x - w / 2 : align === "right" ? x - w : x);
  c.save();
  c.setLineDash([]); c.beginPath(); c.roundRect(left, y - h / 2, w, h, h / 2);
  c.fillStyle = C.panel; c.fill(); c.lineWidth = 1; c.strokeStyle = edge ?? C.rule; c.stroke();
  c.restore();
  write(c, text, left + w / 2, y + 0.5, { size, colour, align: "center", weight });
  return [left, y - h / 2, w, h];
}

export function line(c, points) {
  c.beginPath();
  points.forEach(([x, y], k) => (k ? c.lineTo(x, y) : c.moveTo(x, y)));
  c.stroke();
}

// Pictures of numbers over the plane, each kept as long as its numbers are the same.
export class Maps {
  constructor() { this.made = new Map(); }

  paint(c, key, values, full, x, y, w) {
    const side = Math.round(Math.sqrt(values.length));
    let own = this.made.get(key);
    if (!own) this.made.set(key, own = { canvas: document.createElement("canvas") });
    if (own.values !== values || own.ramp !== C.ramp) this.fill(own, values, full, side);
    c.imageSmoothingEnabled = true; c.imageSmoothingQuality = "high";
    c.drawImage(own.canvas, x, y, w, w);
  }

  fill(own, values, full, side) {
    if (own.canvas.width !== side) own.canvas.width = own.canvas.height = side;
    const g = own.canvas.getContext("2d"), image = g.createImageData(side, side), out = new Uint32Array(image.data.buffer);
    const colour = typeof full === "function" ? full : (v) => C.ramp[128 + Math.round(128 * v / full)];
    for (let k = 0; k < out.length; k++) out[k] = colour(values[k]);
    g.putImageData(image, 0, 0);
    Object.assign(own, { values, ramp: C.ramp });
  }
}

// Class 0 is a disc, 1 a square, the others triangles and diamonds; hollow is held out.
export function mark(c, label, x, y, r, { fill = C.classes[label % 6], stroke = C.halo, width = 1.2 } = {}) {
  c.beginPath();
  if (label === 0) c.arc(x, y, r, 0, 7);
  else if (label === 1) c.rect(x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r);
  else corners(c, x, y, 1.2 * r, label + 1 > 4 ? 4 : label + 1, label);
  c.fillStyle = fill; c.fill();
  if (stroke) { c.strokeStyle = stroke; c.lineWidth = width; c.stroke(); }
}

export function ramped(share) {
  const colour = C.ramp[128 + Math.round(128 * clamp(share, -1, 1))];
  return `rgb(${colour & 255} ${(colour >> 8) & 255} ${(colour >> 16) & 255})`;
}

// A point whose target is a number, as a share of the largest: its colour is on the plane's scale.
export function heat(c, share, x, y, r, { stroke = C.ink, width = 1, hollow = false } = {}) {
  c.beginPath(); c.arc(x, y, r, 0, 7); c.fillStyle = ramped(share); c.fill();
  if (hollow) { c.beginPath(); c.arc(x, y, 0.4 * r, 0, 7); c.fillStyle = C.ink; c.fill(); }
  if (stroke) { c.beginPath(); c.arc(x, y, r, 0, 7); c.strokeStyle = stroke; c.lineWidth = width; c.stroke(); }
}
function corners(c, x, y, r, n, label) {
  for (let k = 0; k < n; k++) {
    const angle = 2 * Math.PI * k / n - Math.PI / 2 + (label > 3 ? Math.PI * (label - 3) / 6 : 0);
    c.lineTo(x + r * Math.cos(angle), y + r * Math.sin(angle));
  }
  c.closePath();
}

export function ticks(low, high, n = 4) {
  const raw = (high - low) / n, base = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((k) => k * base).find((k) => k >= raw * (1 - 1e-9)), out = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) out.push(+(k * step).toPrecision(10));
  return out;
}
