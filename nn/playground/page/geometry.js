// Where neurons and links of the net are on screen.
import { C, clamp, mix } from "./common.js";

const SLIM = 40; // characters: on a narrower screen the loss stands below the net

// Layers of more neurons than there is room for are folded: some are shown, and how many are not.
export function geometryOf(w, h, run, pages, node) {
  const e = C.em, isSlim = w < SLIM * e, aside = isSlim ? 3 * e : 10 * e, isTight = (w - aside - 6 * e) / run.L < 5.4 * e;
  const top = (isTight ? 4 : 2.6) * e, foot = (isSlim ? 12.6 : 4.4) * e, room = h - top - foot, mid = top + room / 2;
  const fit = Math.max(2, Math.floor(room / (1.75 * e)));
  const rows = run.sizes.map((n, l) => shownOf(n, fit, pages[l] ?? 0, node[0] === l ? node[1] : null));
  const most = Math.max(...rows.map((row, l) => row.length + (row.length < run.sizes[l] ? 1 : 0)));
  const space = Math.min(room / most, 7 * e), tile = clamp(0.8 * space, 14, Math.min(4.9 * e, 0.45 * (w - aside) / run.sizes.length));
  const x0 = 3.4 * e + tile / 2, x1 = w - aside + (isSlim ? 1.5 : -0.6) * e - tile / 2, X = run.sizes.map((_, l) => mix(x0, x1, l / run.L));
  const Y = rows.map((row) => {
    const pitch = Math.min(space, row.length < most ? space * 1.12 : space), at = {};
    row.forEach((i, k) => { at[i] = mid + (k - (row.length - 1) / 2) * pitch; });
    return at;
  });
  const loss = [w - 4.9 * e, isSlim ? h - 8.3 * e : mid], layers = isSlim ? [w - 15.4 * e, loss[1] - 0.8 * e] : [Math.min(loss[0], w - 5.4 * e), mid + 4.3 * e];
  return { w, h, e, mid, tile, X, Y, rows, gap: X[1] - X[0], between: space - tile, isSlim, isTight, loss, layers, end: isSlim ? w : loss[0] - 5 * e };
}

function shownOf(n, fit, page, chosen) {
  if (n <= fit) return Array.from({ length: n }, (_, i) => i);
  const many = fit - 1, first = (page * many) % n, row = [];
  for (let k = 0; k < many && first + k < n; k++) row.push(first + k);
  if (chosen != null && !row.includes(chosen)) row[row.length - 1] = chosen;
  return row.sort((a, b) => a - b);
}

export const isShown = (g, l, i, j) => g.Y[l + 1][i] != null && g.Y[l][j] != null;

// A link as points, so that it can be drawn in part and hit.
export function track(g, l, i, j, n = 22) {
  const x0 = g.X[l] + g.tile / 2 + 1, y0 = g.Y[l][j], x1 = g.X[l + 1] - g.tile / 2 - 1, y1 = g.Y[l + 1][i], bend = (x1 - x0) * 0.42, out = [];
  for (let k = 0; k <= n; k++) {
    const t = k / n, u = 1 - t;
    out.push([u * u * u * x0 + 3 * u * u * t * (x0 + bend) + 3 * u * t * t * (x1 - bend) + t * t * t * x1, (u * u * u + 3 * u * u * t) * y0 + (3 * u * t * t + t * t * t) * y1]);
  }
  return out;
}

export function pointOn(points, share) {
  const place = clamp(share, 0, 1) * (points.length - 1), k = Math.min(Math.floor(place), points.length - 2);
  return [mix(points[k][0], points[k + 1][0], place - k), mix(points[k][1], points[k + 1][1], place - k)];
}

// Where the pill of the chosen weight stands: on its link, or at its neuron if it is a bias.
export function gripOf(g, run, q) {
  const [l, i, j] = run.where[q];
  if (g.Y[l + 1][i] == null) return null;
  if (run.isBias(q)) return [g.X[l + 1], g.Y[l + 1][i] + g.tile / 2 + 1.25 * g.e];
  return g.Y[l][j] == null ? null : pointOn(track(g, l, i, j), 0.5);
}

// What is at a place: the chosen weight's pill, a neuron, a link, or a folded rest.
export function hit(g, run, x, y, grip) {
  if (grip) {
    const [left, top, wide, high] = grip, away = Math.abs(x - left - wide / 2), reach = away < 14 ? 10 : 2; // at its arrows further
    if (away < wide / 2 + 2 && y > top - reach && y < top + high + reach) return { kind: "grip" };
  }
  for (let l = 0; l <= run.L; l++) for (const i of g.rows[l])
    if (Math.abs(x - g.X[l]) < g.tile / 2 + 2 && Math.abs(y - g.Y[l][i]) < g.tile / 2 + 2) return { kind: "node", l, i };
  const folded = run.sizes.findIndex((n, l) => g.rows[l].length < n && Math.abs(x - g.X[l]) < 3.5 * g.e && Math.abs(y - foldedAt(g, l)) < 0.9 * g.e);
  if (folded >= 0) return { kind: "more", l: folded };
  return nearestLink(g, run, x, y);
}

export const foldedAt = (g, l) => Math.max(...Object.values(g.Y[l])) + g.tile / 2 + 0.9 * g.e;

function nearestLink(g, run, x, y) {
  let best = 8, found = null;
  const l = g.X.findIndex((left, k) => k < run.L && x > left && x < g.X[k + 1]);
  if (l < 0) return null;
  for (const i of g.rows[l + 1]) for (const j of g.rows[l]) for (const [px, py] of track(g, l, i, j, 30)) {
    const away = Math.hypot(x - px, y - py);
    if (away < best) { best = away; found = { kind: "link", q: run.at(l, i, j) }; }
  }
  return found;
}
