// The course: notebooks whose cells are edited and run in this page.
import { editor } from "./editor.js";
import widget from "./playground/main.js";

const NEEDED = ["numpy", "matplotlib"];
const KINDS = ["application/x-playground", "text/html", "image/svg+xml", "image/png", "text/plain"]; // the first there is, is shown

export function course({ el, config }) {
  el.innerHTML = `<h1>The course</h1><p class="lead">Twelve notebooks, from one multiplication to a small language model. Where you see three dots, it is your turn: <code>check</code> tells you which idea is missing. What you change is kept in this browser.</p><ol class="contents"></ol>`;
  el.querySelector("ol").append(...config.notebooks.filter(({ number }) => number).map(({ name, title, goal, time }) => {
    const li = document.createElement("li"), a = document.createElement("a"), p = document.createElement("p");
    Object.assign(a, { href: `#notebook=${name}`, textContent: title });
    p.innerHTML = [goal, time && `<small>${time}</small>`].filter(Boolean).join(" ");
    li.append(a, p);
    return li;
  }));
  return {};
}

export function notebook({ el, python, argument, config }) {
  const about = config.notebooks.find(({ name }) => name === argument);
  if (!about) { el.innerHTML = `<p class="complaint">There is no such notebook. <a href="#course">The course</a> lists them all.</p>`; return {}; }
  const book = new Notebook(el, python, about);
  const ready = book.open();
  return { book, ready };
}

class Notebook {
  constructor(el, python, { name, needs }) {
    Object.assign(this, { el, name, python, cells: [], count: 0, queue: [] });
    this.desk = python.desk("cells", needs ?? NEEDED);
    this.desk.on("msg:custom", (m) => { if (m.notebook === name) this.hear(m); });
  }

  async open() {
    const response = await fetch(`notebooks/${this.name}.json`);
    const { cells } = await response.json();
    this.el.innerHTML = `<div class="bar"><button class="all">Run all</button><button class="stop" hidden>Stop</button><button class="over" title="the cells as they were, and Python as new">Start over</button><span class="hint">shift and return run a cell</span></div>`;
    this.$ = (name) => this.el.querySelector(name);
    this.$(".all").onclick = () => this.cells.forEach((cell) => this.run(cell));
    this.$(".stop").onclick = () => this.stop();
    this.$(".over").onclick = () => this.startOver();
    for (const cell of cells) this.el.append(cell.code === undefined ? text(cell.html) : this.code(cell.code));
    return this;
  }

  code(source) {
    const k = this.cells.length, cell = { k, source };
    const el = document.createElement("div");
    el.className = "cell";
    el.innerHTML = `<button class="run" title="run this cell (shift and return)" aria-label="Run cell ${k + 1}"><span>▶</span></button><div class="inside"></div>`;
    cell.editor = editor(this.kept(k) ?? source, { onChange: (now) => this.keep(k, now === source ? null : now), onRun: () => { this.run(cell); this.cells[k + 1]?.editor.input.focus(); }, label: `Cell ${k + 1}` });
    cell.output = document.createElement("div");
    cell.output.className = "output";
    cell.el = el; cell.count = el.querySelector("span");
    el.querySelector(".run").onclick = () => this.run(cell);
    el.querySelector(".inside").append(cell.editor.el, cell.output);
    this.cells.push(cell);
    return el;
  }

  // --- Running ---

  run(cell) {
    if (cell.el.classList.contains("waiting")) return;
    cell.el.classList.add("waiting");
    cell.count.textContent = "*";
    this.queue.push(cell);
    this.$(".stop").hidden = false;
    if (this.queue.length === 1) this.next();
  }

  next() {
    const cell = this.queue[0];
    this.$(".stop").hidden = !cell;
    if (!cell) return;
    cell.stale = true; // the old output stays until there is new
    this.desk.send({ do: "run", notebook: this.name, cell: cell.k + 1, code: cell.editor.value });
  }

  hear(m) {
    const cell = this.cells[m.cell - 1];
    if (cell.stale) { cell.output.replaceChildren(); cell.stale = false; }
    if (m.kind === "stream") print(cell.output, m.text);
    else if (m.kind === "show") cell.output.append(this.shown(m.bundle));
    else if (m.kind === "error") { cell.output.append(block("error", m.text)); cell.failed = true; }
    else if (m.kind === "done") this.done(cell);
  }

  shown(bundle) {
    const kind = KINDS.find((kind) => kind in bundle), data = bundle[kind] ?? "";
    if (kind === "text/plain" || !kind) return block("result", data);
    const el = document.createElement("div");
    el.className = `result is-${kind.split("/")[1].slice(0, 3)}`;
    if (kind === KINDS[0]) widget.render({ model: this.python.desk(data), el });
    else if (kind === "image/png") el.append(Object.assign(new Image(), { src: `data:image/png;base64,${data}`, alt: bundle["text/plain"] ?? "a picture" }));
    else el.innerHTML = data;
    return el;
  }

  done(cell) {
    cell.el.classList.remove("waiting");
    cell.count.textContent = String(++this.count);
    this.queue.shift();
    if (cell.failed) this.drop();
    cell.failed = false;
    this.next();
  }

  // After an error, and after a stop, the cells behind are not run.
  drop() { for (const cell of this.queue.splice(0)) { cell.el.classList.remove("waiting"); cell.count.textContent = "▶"; } }

  stop() {
    this.drop();
    this.python.restart();
    this.forget();
  }

  forget() { this.count = 0; for (const cell of this.cells) cell.count.textContent = "▶"; this.next(); }

  startOver() {
    if (this.queue.length) this.stop();
    this.desk.send({ do: "forget", notebook: this.name });
    for (const cell of this.cells) { cell.editor.value = cell.source; cell.output.replaceChildren(); this.keep(cell.k, null); }
    this.forget();
  }

  // --- What is kept in the browser ---

  place(k) { return `${this.name} ${k}`; }
  kept(k) { try { return localStorage.getItem(this.place(k)); } catch { return null; } }
  keep(k, source) {
    try { if (source === null) localStorage.removeItem(this.place(k)); else localStorage.setItem(this.place(k), source); } catch { /* then not */ }
  }
}

// --- Output ----------------------------------------------------------------------------------

function text(html) { const el = document.createElement("div"); el.className = "text"; el.innerHTML = html; return el; }
function block(kind, content) { const el = document.createElement("pre"); el.className = kind; el.textContent = content; return el; }

// A carriage return writes over the line, as progress bars do.
function print(output, more) {
  let last = output.lastElementChild;
  if (!last?.classList.contains("stream")) output.append(last = block("stream", ""));
  const lines = (last.textContent + more).split("\n");
  last.textContent = lines.map((line) => line.replace(/\r+$/, "").split("\r").at(-1)).join("\n") + (more.endsWith("\r") ? "\r" : "");
}
