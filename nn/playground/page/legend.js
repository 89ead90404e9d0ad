// What stands below the net: a bar for the gradient of each layer, and what widths mean.
import { C, dashes, hue, logShare, longest, lowered, SCALE, shown, write } from "./common.js";

export function foot(c, app, g, scene) {
  bars(c, app, g, scene);
  const { e, h, w } = g, y = h - 0.9 * e, small = { size: 0.85, colour: C.soft };
  let x = 0.2 * e;
  for (const [v, text] of [[1, "positive"], [-1, "negative"]]) {
    c.strokeStyle = hue(v); c.lineWidth = 2.4; c.lineCap = "butt"; c.setLineDash(dashes(v, 2.4));
    c.beginPath(); c.moveTo(x, y); c.lineTo(x + 2.2 * e, y); c.stroke(); c.setLineDash([]); c.lineCap = "round";
    x += 2.6 * e; x += write(c, text, x, y, small) + 1.1 * e;
  }
  const told = sentence(app, scene);
  if (told) return longest(c, [told, told.split(";")[0]], x, y, w, small);
  if (scene.face === "forward") return weights(c, x, y, e, w, scene, small);
  const name = scene.face === "update" ? ["|update / weight|, one log scale", "|update / weight|"] : scene.all ? ["∂L/∂w, rms ∂L/∂a: one log scale", "∂L/∂w, ∂L/∂a"] : ["∂L/∂w, ∂L/∂a: one log scale", "∂L/∂w, ∂L/∂a"];
  x += longest(c, name, x, y, w - 14 * e, small) + 0.9 * e;
  wedge(c, x + 1.9 * e, y, e, small);
}

function sentence(app, { phase, lit }) {
  if (phase.name === "forward" || phase.name === "loss") return "width: a × w at the ringed point; a neuron adds what arrives";
  if (phase.name === "update") return app.trip.of > 1 ? `Δw by the mean gradient of the ${app.trip.of} points of the batch; grey: the change` : "Δw by the gradient of one point; grey: the change";
  if (phase.name === "backward") return "in flight: w × ∂L/∂z, added up where it arrives; behind it: ∂L/∂w";
  return lit ? "width: share of the product; click empty space to leave" : "";
}

function weights(c, x, y, e, w, scene, small) {
  x += write(c, "|weight|", x, y, small) + 0.6 * e;
  for (const [v, text] of [[0.25, "¼"], [1, "1"], [3, "3"]]) {
    c.strokeStyle = C.soft; c.lineWidth = 0.35 * e * Math.sqrt(v) + 0.4;
    c.beginPath(); c.moveTo(x, y); c.lineTo(x + 1.5 * e, y); c.stroke();
    x += 1.9 * e; x += write(c, text, x, y, small) + 0.9 * e;
  }
  const n = scene.hidden;
  longest(c, n ? [`${n} weak links not shown; hover a neuron for its own`, `${n} weak links not shown`] : ["tile: the neuron over the plane; number: at the ringed point", "number: at the ringed point"], x + 0.4 * e, y, w, small);
}

// How wide a slope is drawn, from the smallest to the largest.
function wedge(c, x, y, e, small) {
  const length = 8 * e, half = (k) => (0.4 + 0.52 * e * (k / 12) ** 1.4) / 2;
  write(c, "10⁻⁶", x - 0.3 * e, y, { ...small, align: "right" });
  c.fillStyle = C.soft; c.beginPath();
  for (let k = 0; k <= 12; k++) c.lineTo(x + length * k / 12, y - half(k));
  for (let k = 12; k >= 0; k--) c.lineTo(x + length * k / 12, y + half(k));
  c.fill();
  write(c, String(10 ** SCALE[1]), x + length + 0.4 * e, y, small);
}

// One bar a layer, all on the same scale of powers of ten.
function bars(c, app, g, scene) {
  const { run, frame } = app, { phase } = scene, { e } = g, y = g.h - 2.5 * e, updates = scene.face === "update";
  for (let l = 0; l < run.L; l++) {
    if (phase.name === "forward" || phase.name === "loss" || (phase.name === "backward" && (l < phase.l || (l === phase.l && phase.f < 0.75)))) continue;
    const norm = (f) => { let sum = 0; for (let q = run.start[l]; q < run.start[l + 1]; q++) sum += f(q) ** 2; return Math.sqrt(sum); };
    const v = updates ? norm((q) => frame.delta[q]) / (norm((q) => frame.theta[q]) || 1) : norm(scene.slope);
    const w = Math.min(0.8 * g.gap, 13 * e), x = (g.X[l] + g.X[l + 1]) / 2 - w / 2, n = SCALE[1] - SCALE[0];
    c.fillStyle = C.rule; c.fillRect(x, y, w, 0.42 * e);
    if (!app.covered) { c.fillStyle = C.ink; c.fillRect(x, y, w * logShare(v), 0.42 * e); }
    c.fillStyle = C.paper;
    for (let k = 1; k < n; k++) c.fillRect(x + w * k / n, y, 1, 0.42 * e);
    const name = updates ? `Δ/W${lowered(l + 1)}` : w < 8.6 * e ? `∂W${lowered(l + 1)}` : `‖∂L/∂W${lowered(l + 1)}‖`, text = app.covered ? "?" : shown(v);
    write(c, w < 4 * e ? text : w < 8.6 * e ? `${name} ${text}` : `${name} = ${text}`, x + w / 2, y - 0.85 * e, { size: w < 5 * e ? 0.75 : 0.86, align: "center", weight: 550 });
  }
}
