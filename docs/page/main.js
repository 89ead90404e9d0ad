// The page: which part is shown, what Python is doing, light and dark.
import { Python } from "./python/client.js";
import { playground } from "./playground.js";
import { explorer } from "./explorer.js";
import { course, notebook } from "./notebook.js";

const PARTS = { playground, explorer, course, notebook };
const config = JSON.parse(document.getElementById("config").textContent);
const $ = (name) => document.querySelector(name);
for (const name of ["archive", "home", "packages", "viz"]) config[name] = new URL(config[name], location.href).href;

const python = new Python(() => new Worker("python/worker.js", { type: "module" }), config, show);
const opened = new Map(); // parts by name, and notebooks: what was begun stays
window.page = { python, opened };

// --- What Python is doing ------------------------------------------------------------------

const megabytes = (n) => (n / 1e6).toFixed(1);

function show(state) {
  const text = state.failed ? `${state.failed}.` : state.ready ? "" : `${state.stage} ${state.stage.includes(",") ? "are" : "is"} loading: ${megabytes(state.loaded)}${state.total > state.loaded ? ` of ${megabytes(state.total)}` : ""} MB`;
  document.body.classList.toggle("failed", Boolean(state.failed));
  $(".state").textContent = state.failed ? "" : text;
  $(".what").textContent = text || "Python is getting ready";
  $(".advice").textContent = state.advice ?? "";
  $(".again").hidden = !state.failed;
  if (state.total > state.loaded) $("progress").value = state.loaded / state.total; else $("progress").removeAttribute("value");
}

$(".again").onclick = () => location.reload();

// --- Parts ---------------------------------------------------------------------------------

function said(text) { try { return decodeURIComponent(text); } catch { return ""; } }

function go() {
  const [name, ...rest] = said(location.hash.slice(1)).split("="), argument = rest.join("=");
  const part = name in PARTS ? name : "playground", key = part === "notebook" ? `notebook=${argument}` : part;
  if (!opened.has(key)) {
    const el = document.createElement("section");
    el.className = `part ${part}`;
    $("main").append(el);
    opened.set(key, Object.assign(PARTS[part]({ el, python, argument, config }), { el }));
  } else opened.get(key).goTo?.(argument);
  for (const [other, { el }] of opened) el.hidden = other !== key;
  for (const a of document.querySelectorAll("nav a")) {
    const is = a.hash === `#${key}` || (a.hash === "#course" && part === "notebook" && argument !== "first_steps");
    if (is) a.setAttribute("aria-current", "page"); else a.removeAttribute("aria-current");
  }
  document.body.dataset.part = part;
  document.body.classList.remove("failed"); // what another part lacks is no fault of this one
  scrollTo(0, 0);
}

addEventListener("hashchange", go);

// --- Light and dark ------------------------------------------------------------------------

const scheme = matchMedia("(prefers-color-scheme: dark)");
let chosen = null;
try { chosen = localStorage.getItem("theme"); } catch { /* a page of a file has no storage */ }

function theme() { document.body.dataset.theme = chosen ?? (scheme.matches ? "dark" : "light"); }
scheme.addEventListener("change", theme);
$(".theme").onclick = () => {
  chosen = document.body.dataset.theme === "dark" ? "light" : "dark";
  try { localStorage.setItem("theme", chosen); } catch { /* it is forgotten, then */ }
  theme();
};

theme();
go();
