// What is text: the numbers above, the table of paths, the lesson, what is said below.
import { C, clamp, percent, shown, signed } from "./common.js";
import { PHASES, lengthOf } from "./phases.js";
import { escaped, fillSegments, put } from "./template.js";

export function showNumbers(app) {
  const { frame, $ } = app, from = app.dragged?.loss;
  put($("steps"), frame.steps.toLocaleString("en"));
  put($("loss"), shown(frame.loss)); put($("held"), shown(frame.held)); put($("accuracy"), percent(frame.accuracy));
  put($("loss-name"), from == null || frame.loss == null ? "loss" : `loss ${signed(frame.loss - from)}`);
  $("right-share").hidden = app.run.numbers;
  let norm = 0;
  for (const g of frame.gradient) norm += g * g;
  put($("norm"), app.covered ? "?" : shown(Math.sqrt(norm)));
  const playing = app.isPlaying;
  put($("play").querySelector(".pg-icon"), playing ? "❚❚" : "▶"); put($("play").querySelector("b"), playing ? "Pause" : "Train");
  $("play").setAttribute("aria-pressed", playing);
  $("undo").disabled = !frame.undo; $("redo").disabled = !frame.redo;
  $("ghost").setAttribute("aria-pressed", frame.ghost);
  $("check").setAttribute("aria-pressed", app.checking);
}

export function showBars(app) {
  const { $, run } = app, phase = app.phase().name, face = { forward: "forward", loss: "forward", backward: "backward" }[phase] ?? app.face;
  fillSegments($("face"), [["forward", "Forward", "values and weights (b)"], ["backward", "Backward", "slopes (b)"], ["update", "Updates", "size of the next update beside the weight (b)"]], face);
  fillSegments($("scope"), [["point", "this point", ""], ["all", "all points", ""]], app.scope);
  const classes = Array.from({ length: Math.max(3, run.classes) }, (_, k) => [String(k), `<span class="pg-class${k}">${"●■▲◆⬟⬢"[k]}</span>`, `paint class ${k}`]);
  const heights = [-1, 0, 1].map((share, k) => [String(share * run.scale), `<span class="${["pg-class0", "", "pg-class1"][k]}">${"●○●"[k]}</span>`, `paint ${shown(share * run.scale, 2)}`]);
  const brushes = run.numbers ? heights : classes;
  fillSegments($("tools"), [["move", "Move", "choose or drag a point"], ...brushes, ["erase", "Erase", "erase points"]], app.tool);
  const names = ["Net", `neuron ${run.node(...app.node)}`, "graph"], key = `${names}|${app.zoom}`;
  if ($("crumbs").key !== key) {
    $("crumbs").key = key;
    $("crumbs").innerHTML = names.map((name, k) => `${k ? "›" : ""}<button data-k="${k}" ${k === app.zoom ? 'aria-current="page"' : ""}>${escaped(name)}</button>`).join("");
  }
  if ($("phases").L !== run.L) {
    $("phases").L = run.L;
    $("phases").innerHTML = PHASES.map(([name, length]) => `<span style="flex:${length(run.L)} 1 0">${name}</span>`).join("");
    $("time").max = lengthOf(run.L);
  }
  const at = ["forward", "loss", "backward", "update"].indexOf(phase);
  [...$("phases").children].forEach((part, k) => part.classList.toggle("pg-on", k === at));
  $("time").value = app.time;
}

// Buttons above the layers: fewer and more neurons, fewer and more layers.
export function showLayers(app) {
  const { $, run, geometry: g } = app, hidden = run.settings.hidden, key = app.zoom || !g ? "" : JSON.stringify([g.X, hidden, run.activations, g.layers]);
  if ($("layers").key === key) return;
  $("layers").key = key;
  if (!key) { $("layers").innerHTML = ""; return; }
  const put = (x, html, y = 0, look = "") => `<div class="pg-layer ${look}" style="left:${x}px;top:${y}px">${html}</div>`, tight = g.gap < 9 * C.em;
  const button = (attributes, sign, label) => `<button ${attributes} aria-label="${label}">${sign}</button>`;
  const layer = (n, k) => put(g.X[k + 1], `${button(`data-k="${k}" data-d="-1"`, "−", `one neuron less in layer ${k + 1}`)}<b>${n}</b>${tight ? "" : "<span>neurons</span>"}${button(`data-k="${k}" data-d="1"`, "+", `one neuron more in layer ${k + 1}`)}`, 0, g.isTight ? "pg-stacked" : "");
  $("layers").innerHTML = put(g.X[0], "<span>inputs</span>") + hidden.map(layer).join("") + put(g.X[run.L], "<span>output</span>")
    + put(g.layers[0], `${button('data-layers="-1"', "−", "one layer less")}<b>${hidden.length}</b><span>hidden layers</span>${button('data-layers="1"', "+", "one layer more")}`, g.layers[1]);
}

// --- The chosen weight -------------------------------------------------------------------

// A number as it is typed.
const written = (x) => (x === 0 || (Math.abs(x) >= 1e-3 && Math.abs(x) < 1e4) ? shown(x, 2).replace("−", "-") : x.toExponential(1).replace("e+", "e"));

export function showWeight(app) {
  const { $, run, frame } = app, q = app.weight, value = frame.theta[q], field = $("weight");
  put($("weight-name"), run.label(q));
  if (app.dragged?.what !== "slider") { field.min = app.range[0]; field.max = app.range[1]; field.value = value; }
  if (document.activeElement !== $("value") && !$("value").matches(":focus")) $("value").value = written(value);
  field.setAttribute("aria-valuetext", shown(value));
  const n = run.train;
  put($("mean"), app.covered || !n ? "" : `mean of all ${n}: ${signed(frame.gradient[q])}`);
}

export function showPaths(app) {
  const { $, run } = app, P = app.paths(), el = $("paths");
  if (!P) { put(el, app.example() ? "More than 5,000 paths: too many to write out." : run.points.length ? "Choose a point on the plane." : "No points yet. Choose a colour above the plane, then paint some."); el.key = ""; return; }
  const room = clamp(Math.floor(el.clientHeight / (1.86 * C.em) - 2.6), 3, 12), most = P.list.length > room + 1 ? room : room + 1;
  const list = P.list.slice(0, most), rest = P.list.slice(most), deep = clamp(Math.floor(el.clientWidth / (4.5 * C.em)) - 1, 3, 99);
  const rows = list.map((path, k) => row(app, path, k, deep)), width = 2 * folded(list[0], deep).length - 1;
  const number = (x) => (app.covered ? `<td>?</td>` : `<td class="${tone(x)}">${signed(x)}</td>`);
  const more = rest.length ? `<tr><td colspan="${width}" class="pg-note">${rest.length} weaker paths</td><td class="pg-x">=</td>${number(rest.reduce((s, x) => s + x.product, 0))}</tr>` : "";
  const html = `<table><tr>${heads(list, deep)}<th></th><th>product</th></tr>${rows.join("")}${more}`
    + `<tr class="pg-sum"><td colspan="${width}">sum = ∂L/∂${run.label(app.weight)} at this point</td><td class="pg-x">=</td>${number(P.sum)}</tr></table>`;
  if (el.key !== html) { el.key = html; el.innerHTML = html; }
}

// Products of more factors than there is room for are shortened in the middle.
function folded({ factors }, most) {
  if (factors.length <= most) return factors;
  const before = Math.ceil((most - 1) / 2), after = most - 1 - before, inner = factors.slice(before, factors.length - after);
  return [...factors.slice(0, before), { name: `${inner.length} more`, value: inner.reduce((x, f) => x * f.value, 1) }, ...factors.slice(factors.length - after)];
}

function heads(list, deep) {
  const first = folded(list[0], deep);
  return first.map(({ name }, k) => {
    const same = list.every((path) => folded(path, deep)[k].name === name);
    return `${k ? "<th></th>" : ""}<th>${escaped(same ? name : name.replace(/\[.*?\]/, ""))}</th>`;
  }).join("");
}

const tone = (x) => (x < 0 ? "pg-n" : x > 0 ? "pg-p" : "");

function row(app, path, k, deep) {
  const parts = folded(path, deep), n = parts.length, colour = path.product < 0 ? "repeating-linear-gradient(90deg, var(--pg-neg) 0 5px, transparent 5px 8px)" : "linear-gradient(var(--pg-pos), var(--pg-pos))";
  const bar = app.covered ? "" : `style="background-image:${colour};background-size:${(100 * path.share).toFixed(1)}% 3px"`;
  const cells = parts.map(({ value, name }, i) => `${i ? '<td class="pg-x">×</td>' : ""}<td title="${escaped(name)}">${app.covered && i === n - 1 ? "?" : shown(value, 2)}</td>`);
  const product = app.covered ? "<td>?</td>" : `<td class="${tone(path.product)}">${signed(path.product)}</td>`;
  return `<tr data-k="${k}" ${bar}>${cells.join("")}<td class="pg-x">=</td>${product}</tr>`;
}

// --- Below -------------------------------------------------------------------------------

export function showLesson(app) {
  const { $, run } = app, lesson = run.lesson, select = $("lessons");
  if (select.options.length !== run.lessons.length + 1) {
    select.replaceChildren(new Option("Lessons …", ""), ...run.lessons.map((name) => new Option(name, name)));
  }
  select.value = lesson?.name ?? "";
  $("ask").hidden = !lesson;
  put($("question"), lesson?.ask ?? "");
  const { right, chosen } = app.answer ?? {}, key = lesson ? JSON.stringify([lesson.name, right, chosen]) : "";
  if ($("choices").key === key) return;
  $("choices").key = key;
  $("choices").innerHTML = (lesson?.choices ?? []).map((text, k) => {
    const look = app.answer ? (k === right ? "pg-true" : k === chosen ? "pg-false" : "") : "";
    return app.answer && !look ? "" : `<button data-k="${k}" class="${look}" ${app.answer ? "disabled" : ""}>${escaped(text)}</button>`;
  }).join("");
}

export function showSaid(app) {
  const { $, frame } = app, { text, advice, tone } = frame.notice, said = $("said");
  said.className = `pg-said ${tone ? `pg-${tone}` : ""}`;
  if (text) put(said, advice ? `${text} ${advice}` : text);
  else if (app.answer) put(said, `${app.answer.right === app.answer.chosen ? "Right. " : "Not so. "}${app.answer.why}`);
  else put(said, app.covered ? "Predict first: slopes are covered." : "");
}

