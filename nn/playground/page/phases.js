// The four phases of a step on the net: what arrives where, and the sums that form.
import { C, clamp, fitting, hueText, pill, shown, signed, smooth } from "./common.js";
import { isShown, pointOn, track } from "./geometry.js";

export const AFTER = 1.5; // the update takes so long, where a layer takes 1
const MOST = 9; // numbers on links into one neuron

// Which phase a moment of the step is in: forward through L layers, the loss, back, the update.
export function phaseAt(time, L) {
  if (time < L) return { name: "forward", l: Math.floor(time), f: time % 1 };
  if (time < L + 1) return { name: "loss", f: time - L };
  if (time < 2 * L + 1) return { name: "backward", l: 2 * L - Math.floor(time), f: time % 1 };
  return { name: "update", f: Math.min(1, (time - 2 * L - 1) / AFTER) };
}
export const lengthOf = (L) => 2 * L + 1 + AFTER;
export const PHASES = [["1 forward", (L) => L], ["2 loss", () => 1], ["3 backward", (L) => L], ["4 update", () => AFTER]];

export function inFlight(c, app, g, scene) {
  const { phase, focus, E } = scene, fly = smooth((phase.f ?? 0) / 0.75);
  if (!E) return;
  const pick = (l) => chosenIn(app, g, focus, l);
  if (phase.name === "forward") {
    const i = pick(phase.l + 1);
    if (phase.f > 0.12) arriving(c, app, g, E, phase.l + 1, i, 0.1 + 0.56 * fly);
    if (phase.f > 0.75) sum(c, g, phase.l + 1, i, `Σ + b = ${shown(E.z[phase.l + 1][i], 2)}`);
  } else if (phase.name === "backward") {
    const j = pick(phase.l);
    if (phase.f > 0.12) returning(c, app, g, E, phase.l, j, 0.9 - 0.52 * fly);
    if (phase.f > 0.75) sum(c, g, phase.l, j, `Σ = ${signed(E.da[phase.l][j])}`);
  } else if (phase.name === "update") changes(c, app, g);
  else if (scene.resting && focus && !app.covered) atRest(c, app, g, scene, focus);
}

function atRest(c, app, g, { face, all, E }, { l, i }) {
  if (face === "backward" && l < app.run.L && !all) {
    returning(c, app, g, E, l, i, 0.42);
    sum(c, g, l, i, `∂L/∂a = Σ = ${signed(E.da[l][i])}`);
  } else if (face === "forward" && l > 0) {
    arriving(c, app, g, E, l, i, 0.62);
    sum(c, g, l, i, `Σ + b = ${shown(E.z[l][i], 2)}`);
  }
}

// The neuron of a layer whose numbers are shown.
function chosenIn(app, g, focus, l) {
  const wanted = focus?.l === l ? focus.i : app.node[0] === l ? app.node[1] : app.run.where[app.weight][0] + 1 === l ? app.run.where[app.weight][1] : g.rows[l][0];
  return g.Y[l][wanted] == null ? g.rows[l][0] : wanted;
}

function put(c, g, l, i, j, text, where, colour) {
  if (isShown(g, l, i, j)) pill(c, text, ...pointOn(track(g, l, i, j), where), { colour, size: 0.78 });
}

const hasRoom = (g, l) => g.rows[l].length <= MOST && g.gap - g.tile > 6.2 * g.e;

function arriving(c, app, g, E, l, i, where) {
  if (!hasRoom(g, l - 1)) return;
  for (const j of g.rows[l - 1]) { const v = app.frame.theta[app.run.at(l - 1, i, j)] * E.a[l - 1][j]; put(c, g, l - 1, i, j, shown(v, 2), where, hueText(v)); }
}

function returning(c, app, g, E, l, j, where) {
  if (!hasRoom(g, l + 1)) return;
  for (const i of g.rows[l + 1]) { const v = app.frame.theta[app.run.at(l, i, j)] * E.dz[l + 1][i]; put(c, g, l, i, j, shown(v), where, hueText(v)); }
}

// Above its neuron, and off the number of the one above.
function sum(c, g, l, i, text) {
  const up = clamp(g.between - 0.62 * g.e - 1, 0, 0.6 * g.e);
  pill(c, text, g.X[l], g.Y[l][i] - g.tile / 2 - up, { weight: 650, size: 0.82, edge: C.ink, end: g.end });
}

// A weight before and after; by how much, if both read alike.
export function changed(old, now) {
  const [from, to] = [old, now].map((w) => shown(w, 2));
  return from !== to || old === now ? `${from} → ${to}` : `${from} ${now < old ? "−" : "+"} ${shown(Math.abs(now - old), 2)}`;
}

// The largest changes, old → new, where they do not cover each other.
function changes(c, app, g) {
  const { old, delta } = app.trip, { run } = app, taken = [], big = [], middle = (l) => (g.X[l] + g.X[l + 1]) / 2;
  for (let q = 0; q < delta.length; q++) if (!run.isBias(q) && q !== app.weight && isShown(g, ...run.where[q])) big.push(q);
  big.sort((a, b) => Math.abs(delta[b]) - Math.abs(delta[a]));
  for (const q of big.slice(0, MOST)) {
    const [l, i, j] = run.where[q], at = pointOn(track(g, l, i, j), 0.3 + 0.2 * ((3 * i + j) % 3)), look = { size: 0.78, weight: 500, colour: hueText(delta[q]) };
    const text = fitting(c, [changed(old[q], old[q] + delta[q])], g.gap - g.tile + 0.8 * g.e, look), half = text ? c.measureText(text).width / 2 + 0.4 * g.e : 0;
    if (!text) continue;
    at[0] = clamp(at[0], Math.min(middle(l), g.X[l] + g.tile / 2 + half), Math.max(middle(l), g.X[l + 1] - g.tile / 2 - half));
    if (taken.some(([x, y]) => Math.abs(x - at[0]) < 8 * g.e && Math.abs(y - at[1]) < 1.5 * g.e)) continue;
    taken.push(at);
    pill(c, text, ...at, look);
  }
}
