// The net: neurons as maps, links as weights, gradients or updates, and the paths of a weight.
import { C, clamp, dashes, fitting, hue, hueText, logShare, line, mark, pill, shown, smooth, write } from "./common.js";
import { foldedAt, geometryOf, gripOf, isShown, pointOn, track } from "./geometry.js";
import { changed, inFlight } from "./phases.js";
import { foot } from "./legend.js";

export const wide = (g, v) => Math.min(0.24 * g.tile, clamp(0.35 * g.e * Math.sqrt(Math.abs(v)) + 0.4, 0.5, 0.8 * g.e));
export const wideLog = (g, v) => Math.min(0.24 * g.tile, 0.4 + 0.52 * g.e * logShare(v) ** 1.4);

export function paintNet(c, w, h, app) {
  const { run } = app, g = app.geometry = geometryOf(w, h, run, app.folds, app.node), scene = sceneOf(app, g);
  for (let l = 0; l < run.L; l++) paintLinks(c, app, g, scene, l);
  c.lineCap = "round";
  lossBox(c, app, g, scene);
  for (let l = 0; l <= run.L; l++) for (const i of g.rows[l]) paintNode(c, app, g, scene, l, i);
  inFlight(c, app, g, scene);
  if (scene.lit && !app.covered) factors(c, app, g, scene);
  if (scene.phase.name === "rest" || scene.phase.name === "update") grip(c, app, g, scene);
  foot(c, app, g, scene);
}

// What decides how things are drawn, worked out once.
function sceneOf(app, g) {
  const phase = app.phase(), resting = phase.name === "rest", E = app.example();
  const all = app.scope === "all" && resting, lit = app.lit && resting && E ? app.paths() : null;
  const face = phase.name === "backward" ? "backward" : resting ? app.face : "forward";
  return {
    phase, resting, E, all, lit, face, focus: app.hover?.kind === "node" ? app.hover : null,
    slope: (q) => (all || !E ? app.frame.gradient[q] : E.own[q]),
    ratio: (q) => Math.abs(app.frame.delta[q]) / Math.max(1e-12, Math.abs(app.frame.theta[q])),
    hidden: 0,
  };
}

// --- Links -------------------------------------------------------------------------------

function strip(c, points, from, to) {
  if (to - from < 0.01) return;
  const n = points.length - 1;
  c.beginPath(); c.moveTo(...pointOn(points, from));
  for (let k = Math.ceil(from * n + 1e-6); k < to * n; k++) c.lineTo(...points[k]);
  c.lineTo(...pointOn(points, to)); c.stroke();
}

function draw(c, points, v, width, alpha, { from = 0, to = 1, colour = hue(v) } = {}) {
  c.strokeStyle = colour; c.lineWidth = width; c.lineCap = v < 0 ? "butt" : "round"; c.globalAlpha = alpha;
  c.setLineDash(dashes(v, width)); strip(c, points, from, to);
  c.setLineDash([]); c.globalAlpha = 1;
}

function paintLinks(c, app, g, scene, l) {
  const { run, frame } = app, list = [], { focus } = scene;
  for (const i of g.rows[l + 1]) for (const j of g.rows[l]) list.push({ i, j, q: run.at(l, i, j) });
  const strength = ({ q }) => Math.abs(scene.face === "forward" ? frame.theta[q] : scene.slope(q));
  list.sort((x, y) => strength(x) - strength(y));
  const busy = list.length > 90 && scene.resting && !scene.lit; // of many links the strong ones
  const kept = busy ? new Set(list.slice(-70).map(({ q }) => q)) : null;
  for (const link of list) {
    const own = focus && ((focus.l === l + 1 && focus.i === link.i) || (focus.l === l && focus.j === link.j) || (focus.l === l && focus.i === link.j));
    if (kept && !kept.has(link.q) && !own && link.q !== app.weight) { scene.hidden++; continue; }
    paintLink(c, app, g, scene, l, link, focus && !own ? 0.25 : 1);
  }
}

function paintLink(c, app, g, scene, l, { i, j, q }, dim) {
  const { phase, E } = scene, { frame } = app, points = track(g, l, i, j), v = frame.theta[q], slope = scene.slope(q);
  if (scene.lit) return litLink(c, app, g, scene, points, q, v);
  if (phase.name === "forward" || phase.name === "loss") {
    const flow = v * E.a[l][j], share = phase.name === "loss" || l < phase.l ? 1 : l === phase.l ? smooth(phase.f / 0.75) : 0;
    draw(c, points, v, 0.8, 0.22);
    return draw(c, points, flow, wide(g, flow), l === phase.l ? 1 : 0.45, { to: share });
  }
  if (phase.name === "backward") {
    const share = l > phase.l ? 1 : l === phase.l ? smooth(phase.f / 0.75) : 0;
    if (share < 1) draw(c, points, v, Math.min(1.5, wide(g, v)), 0.18);
    return draw(c, points, slope, wideLog(g, slope), (l === phase.l ? 1 : 0.75) * (0.25 + 0.75 * logShare(slope)), { from: 1 - share });
  }
  if (phase.name === "update") {
    const delta = app.trip.delta[q], old = app.trip.old[q];
    draw(c, points, 1, wide(g, old) + 0.9 * g.e * logShare(delta) ** 2, 0.28 * phase.f, { colour: C.soft });
    return draw(c, points, v, wide(g, v), 0.9);
  }
  if (scene.face === "forward") return draw(c, points, v, wide(g, v), dim * clamp(0.3 + 0.45 * Math.abs(v), 0.3, 0.92));
  if (app.covered) return draw(c, points, 1, 0.8, 0.3, { colour: C.faint });
  if (scene.face === "update") { const ratio = scene.ratio(q); return draw(c, points, frame.delta[q], wideLog(g, ratio), dim * (0.3 + 0.7 * logShare(ratio))); }
  return draw(c, points, slope, wideLog(g, slope), dim * (0.3 + 0.7 * logShare(slope)));
}

function litLink(c, app, g, { lit }, points, q, v) {
  const share = lit.share[q], one = app.onePath == null ? null : lit.list[app.onePath];
  if (q === app.weight) return draw(c, points, v, Math.max(3, wide(g, v)), 1);
  if (one && !one.links.includes(q)) return draw(c, points, v, 0.8, share ? 0.3 : 0.13);
  return share ? draw(c, points, v, 1.2 + 0.62 * g.e * share, 0.45 + 0.55 * share) : draw(c, points, v, 0.8, 0.13);
}

// On the strongest path, what each of its links multiplies by.
function factors(c, app, g, { lit }) {
  const path = lit.list[app.onePath ?? 0];
  for (const q of path.links) {
    const [l, i, j] = app.run.where[q], v = app.frame.theta[q];
    if (isShown(g, l, i, j)) pill(c, `× ${shown(v, 2)}`, ...pointOn(track(g, l, i, j), 0.5), { colour: hueText(v) });
  }
}

// The chosen weight: to be grabbed, and moved up or down.
function grip(c, app, g, { phase }) {
  const at = gripOf(g, app.run, app.weight), now = app.frame.theta[app.weight];
  app.grip = null;
  if (!at) return;
  const value = shown(now, 2), long = phase.name === "update" ? changed(app.trip.old[app.weight], now) : `${app.run.label(app.weight)}  ${value}`;
  const look = { weight: 650, size: 0.86, edge: C.ink, end: g.end }, room = app.run.isBias(app.weight) ? Infinity : g.gap - g.tile + 0.8 * g.e;
  const [x, y] = at, box = app.grip = pill(c, fitting(c, [long], room, look) ?? value, x, y, look);
  if (phase.name !== "rest") return;
  c.fillStyle = C.ink;
  for (const k of [-1, 1]) {
    const tip = y + k * (box[3] / 2 + 4.5);
    c.beginPath(); c.moveTo(x - 3.5, tip - k * 1.5); c.lineTo(x + 3.5, tip - k * 1.5); c.lineTo(x, tip + k * 2.5); c.fill();
  }
}

// --- Neurons -----------------------------------------------------------------------------

function paintNode(c, app, g, scene, l, i) {
  const { phase } = scene, t = g.tile, x = g.X[l] - t / 2, y = g.Y[l][i] - t / 2;
  const reached = phase.name !== "forward" || l <= phase.l || (l === phase.l + 1 && phase.f > 0.75);
  const felt = phase.name === "backward" ? l > phase.l || (l === phase.l && phase.f > 0.75) : scene.resting && scene.face === "backward";
  const [from, , input] = app.run.where[app.weight], to = app.run.where[app.weight][1];
  const onPath = !scene.lit || l > from + 1 || (l === from + 1 && i === to) || (l === from && i === input);
  const dead = app.frame.notice.units.some(([layer, neuron]) => layer === l && neuron === i);
  c.fillStyle = C.panel; c.fillRect(x, y, t, t);
  c.globalAlpha = (reached ? 1 : 0.3) * (onPath ? 1 : 0.25) * (dead ? 0.4 : 1);
  if (felt && l > 0) { if (!app.covered) scatter(c, app, l, i, x, y, t); } else app.maps.paint(c, `${l}.${i}`, app.tile(l, i), 127, x, y, t);
  c.globalAlpha = 1;
  const chosen = (app.node[0] === l && app.node[1] === i) || (scene.focus?.l === l && scene.focus.i === i);
  c.lineWidth = chosen ? 2.2 : 1; c.strokeStyle = chosen ? C.ink : C.faint; c.strokeRect(x, y, t, t);
  if (dead) cross(c, x, y, t);
  if (t > 2.1 * g.e && reached && onPath && scene.E) number(c, app, g, scene, l, i, x, y, felt);
  if (l === 0) write(c, app.run.input(i), x - 0.4 * g.e, y + t / 2, { align: "right", italic: true, colour: C.soft, size: app.run.input(i).length > 2 ? 0.8 : 1 });
  if (i === g.rows[l].at(-1) && g.rows[l].length < app.run.sizes[l]) write(c, `${app.run.sizes[l] - g.rows[l].length} more …`, g.X[l], foldedAt(g, l), { align: "center", colour: C.soft });
}

function cross(c, x, y, t) {
  c.lineWidth = 1.5; c.strokeStyle = C.ink;
  c.beginPath(); c.moveTo(x, y); c.lineTo(x + t, y + t); c.moveTo(x + t, y); c.lineTo(x, y + t); c.stroke();
}

// What a neuron says to the chosen point, its slope there, or what a path multiplies by in it.
function number(c, app, g, { phase, E, all, lit }, l, i, x, y, felt) {
  const inPath = lit && l > app.run.where[app.weight][0] && l < app.run.L, rms = app.frame.rms;
  if (felt && all && l === 0) return; // no size of its slopes over all points is known
  const slope = all && rms?.length ? rms[app.run.unit(l, i)] : E.da[l][i];
  const text = inPath ? `f′ ${shown(E.f[l][i], 2)}` : felt ? (app.covered ? "?" : shown(slope)) : shown(E.a[l][i], 2);
  const fresh = (phase.name === "forward" && l === phase.l + 1) || (phase.name === "backward" && l === phase.l && felt);
  const t = g.tile, e = g.e;
  c.globalAlpha = fresh ? 1 : 0.88; c.fillStyle = fresh ? C.ink : C.halo; c.font = `550 ${0.8 * C.em}px ${C.font}`;
  const asked = c.measureText(text).width, size = 0.8 * clamp((t - 3) / asked, 0.84, 1), wide = Math.max(t - 1, asked * size / 0.8 + 2); c.fillRect(x + (t - wide) / 2, y + t - 1.15 * e, wide, 1.15 * e - 0.5); c.globalAlpha = 1;
  const colour = fresh ? C.paper : (felt && all) || inPath ? C.ink : hueText(felt ? slope : E.a[l][i]);
  write(c, text, x + t / 2, y + t - 0.55 * e, { size, align: "center", colour, weight: 550 });
}

// ∂loss/∂(this neuron) at each training point: only there is a loss, and so a slope.
function scatter(c, app, l, i, x, y, t) {
  const { frame, run } = app, unit = run.unit(l, i), [x0, x1, y0, y1] = run.bounds;
  const u = t > 2.1 * C.em ? t - 0.8 * C.em : t, left = x + (t - u) / 2, n = (frame.dots?.length ?? 0) / run.units;
  c.save(); c.beginPath(); c.rect(x, y, t, t); c.clip();
  for (let k = 0; k < n; k++) {
    const [p1, p2] = run.points[k], v = frame.dots[k * run.units + unit], share = logShare(v);
    c.globalAlpha = 0.15 + 0.85 * share;
    mark(c, v > 0 ? 1 : 0, left + u * (p1 - x0) / (x1 - x0), y + u * (y1 - p2) / (y1 - y0), 0.35 + u / 34 * share, { stroke: null });
  }
  c.restore();
}

function lossBox(c, app, g, { phase, E, face, all }) {
  const { e } = g, { run, frame } = app, [x, y] = g.loss, on = phase.name === "loss", w = 9.2 * e, h = 7 * e, left = x - w / 2, top = y - h / 2;
  c.strokeStyle = on || face === "backward" ? C.ink : C.faint; c.lineWidth = on ? 2 : 1.2;
  line(c, g.isSlim ? [[g.X.at(-1), Math.max(...Object.values(g.Y.at(-1))) + g.tile / 2 + 2], [g.X.at(-1), top]] : [[g.X.at(-1) + g.tile / 2 + 2, y], [left, y]]);
  c.fillStyle = C.panel; c.beginPath(); c.roundRect(left, top, w, h, 6); c.fill(); c.strokeStyle = on ? C.ink : C.faint; c.stroke();
  const row = (k, name, text, look = {}) => {
    write(c, name, left + 0.6 * e, top + k * e, { colour: C.soft, size: 0.85 });
    write(c, text, left + w - 0.6 * e, top + k * e, { align: "right", size: 0.9, weight: 550, ...look });
  };
  const point = run.points[frame.look[3]];
  if (!E || !point) return row(1.1, "no point", "");
  const known = phase.name !== "forward", out = run.sizes.at(-1), dz = E.dz.at(-1);
  row(1.1, run.numbers ? "target" : "class", run.numbers ? shown(point[2], 2) : String(point[2]));
  row(2.4, out === 1 ? "output" : `output ${point[2]}`, known ? shown(E.a.at(-1)[out === 1 ? 0 : point[2]], 2) : "");
  row(3.7, "loss L", known ? shown(E.loss) : "", { weight: 700, size: 1 });
  if (known) row(5, "∂L/∂z", app.covered ? "?" : out === 1 ? signedText(dz[0]) : `${dz.length} numbers`, { colour: out === 1 && !app.covered ? hueText(dz[0]) : C.ink });
  c.strokeStyle = C.rule; c.lineWidth = 1; c.beginPath(); c.moveTo(left, top + 5.6 * e); c.lineTo(left + w, top + 5.6 * e); c.stroke();
  row(6.3, "mean loss", shown(frame.loss), { size: 0.85, weight: 400 });
}
const signedText = (x) => (x > 0 ? "+" : "") + shown(x);
