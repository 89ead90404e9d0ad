// The page: what is chosen and shown, what acts do, and the painting of every frame.
import { C, clamp, Maps, readPalette, shown, smooth } from "./common.js";
import { arraysOf, exampleOf, pathsOf, Run } from "./run.js";
import { Connection } from "./connection.js";
import { KEYS, put, segments, TEMPLATE } from "./template.js";
import { Controls } from "./controls.js";
import { paintPlane } from "./plane.js";
import { paintCurve, paintHistory } from "./charts.js";
import { paintNet } from "./net.js";
import { paintNeuronView } from "./neuron.js";
import { paintGraph } from "./graph.js";
import { showBars, showLayers, showLesson, showNumbers, showPaths, showSaid, showWeight } from "./panels.js";
import { Timeline } from "./timeline.js";
import { listenToPointers } from "./pointer.js";
import { listenToKeys } from "./keys.js";
import { isDark, paintStage, tipOf, watchSize } from "./screen.js";

const FACES = ["forward", "backward", "update"], WIDEST = 4; // half of the range of the curve

class App extends Timeline {
  constructor(model, el) {
    super();
    this.id = Math.random().toString(36).slice(2);
    Object.assign(this, {
      run: null, frame: null, trace: [], maps: new Maps(), face: "forward", scope: "point", tool: "move", zoom: 0, folds: {}, lit: false, onePath: null, hover: null,
      weight: 0, node: [1, 0], range: [-WIDEST, WIDEST], checking: false, answer: null, speed: 3, gestures: 0, waiting: new Map(), coming: [], cost: [],
    });
    this.root = document.createElement("div");
    this.root.className = "pg";
    this.root.innerHTML = TEMPLATE;
    this.host = el;
    el.classList.add("pg-host"); el.append(this.root);
    const found = {};
    this.$ = (name) => found[name] ??= this.root.querySelector(`.pg-${name}`);
    Object.assign(this, { netCanvas: this.$("net"), planeCanvas: this.$("plane"), historyCanvas: this.$("history"), curveCanvas: this.$("along") });
    this.controls = new Controls(this.$("rail"), this);
    this.setTheme(isDark());
    this.listen();
    this.connection = new Connection(model, { onMessage: (m, buffers) => this.receive(m, buffers), onState: (isLost) => this.lose(isLost) });
    this.root.playground = this;
  }

  // --- To and from Python --------------------------------------------------------------

  send(message) { this.cancel(); this.connection.send({ gesture: this.newGesture(), ...message }); }

  // Of messages of one kind only the last goes, once Python has answered the one before it.
  steady(kind, message) {
    if (this.busy) { this.waiting.set(kind, message); return; }
    this.busy = true;
    this.connection.send(message);
  }

  // What comes before a frame is of the same moment, and so is shown with it.
  receive(message, buffers) {
    if (message.kind === "frame") {
      for (const part of this.coming.splice(0)) this.take(part);
      if (this.run) this.setFrame(message, buffers);
    } else if (message.kind === "answer") { this.answer = message; this.controls.restrict(); this.repaint(); }
    else if (message.kind === "code") this.showCode(message);
    else if (["run", "points", "settings"].includes(message.kind)) this.coming.push(message);
  }

  take(message) {
    if (message.kind === "run") { this.setRun(message); this.follow(); }
    else if (message.kind === "points" && this.run) Object.assign(this.run, message);
    else if (message.kind === "settings" && this.run) this.setSettings(message);
  }

  setRun(message) {
    const before = this.run;
    this.run = new Run(message);
    if (String(before?.sizes) !== String(this.run.sizes)) { this.folds = {}; this.geometry = this.grip = null; this.keepInside(); }
    if (before?.lesson?.name !== this.run.lesson?.name) this.enter(this.run.lesson);
    if (before && before.numbers !== this.run.numbers) this.tool = "move";
    this.maps = new Maps();
    this.root.classList.toggle("pg-still", Boolean(this.run.still));
    for (const part of this.root.querySelectorAll(".pg-rail, .pg-lens-left, .pg-right, .pg-layers, .pg-lessons")) part.inert = Boolean(this.run.still);
    this.setSettings(message);
  }

  setSettings(message) {
    this.run.settings = message.settings;
    this.controls.fill(message);
    this.repaint();
  }

  setFrame(message, buffers) {
    this.frame = { ...message, ...arraysOf(message.arrays, buffers) };
    this.frame.dots ??= new Float32Array(0);
    this.trace.length = Math.min(this.trace.length, message.from);
    this.trace.push(...message.trace);
    this.known = {}; this.version = (this.version ?? 0) + 1;
    this.busy = false;
    const next = this.waiting.entries().next().value;
    if (next) { this.waiting.delete(next[0]); this.steady(...next); }
    this.stepped();
    this.repaint();
    if (document.hidden || !this.root.clientWidth) this.acknowledge(); // nothing is painted there
  }

  acknowledge() {
    if (this.acknowledged === this.frame.number) return;
    this.acknowledged = this.frame.number;
    this.connection.send({ do: "painted", number: this.frame.number });
  }

  lose(isLost) {
    this.$("lost").hidden = !isLost;
    put(this.$("lost"), isLost ? "Python does not answer: it is busy, or it has been restarted. If it was restarted, run the cell again; what is on screen is the last it said." : "");
    this.busy = false; this.waiting.clear();
    if (isLost && this.frame) this.frame.playing = false;
    this.repaint();
  }

  // --- What is chosen ------------------------------------------------------------------

  get covered() { return Boolean(this.run?.lesson?.covers) && !this.answer; }
  get isPlaying() { return Boolean(this.frame?.playing) || this.isLooping; }
  newGesture() { return `${this.id} ${++this.gestures}`; }

  memo(key, make) { if (!(key in this.known)) this.known[key] = make(); return this.known[key]; }
  example() { return this.memo("example", () => exampleOf(this.run, this.frame)); }
  paths() { return this.memo(`paths ${this.weight}`, () => { const E = this.example(); return E && pathsOf(this.run, this.frame, E, this.weight); }); }

  // The map of an input or a neuron over the plane.
  tile(l, i) {
    const { run, frame } = this, n = frame.tiles.length / (run.sizes[0] + run.units), at = n * (l ? run.sizes[0] + run.unit(l, i) : i);
    return this.memo(`tile ${l} ${i}`, () => frame.tiles.subarray(at, at + n));
  }

  nodeOnPlane() { return this.hover?.kind === "node" ? [this.hover.l, this.hover.i] : this.zoom > 0 ? this.node : null; }

  look() {
    const over = this.nodeOnPlane(), [low, high] = this.range;
    this.steady("look", { do: "look", weight: this.weight, low, high, neuron: over?.[0] ? this.run.unit(...over) : null, backward: this.face === "backward" || this.isStepping });
    this.repaint();
  }

  choose(q, lit) {
    const [l, i] = this.run.where[q], now = this.frame.theta[q], middle = Math.abs(now) < 0.9 * WIDEST ? 0 : Math.round(now);
    Object.assign(this, { weight: q, node: [l + 1, i], range: [middle - WIDEST, middle + WIDEST], lit, onePath: null });
    this.look();
  }

  chooseNode(l, i) {
    const again = this.node[0] === l && this.node[1] === i;
    this.node = [l, i]; this.lit = false;
    if (again) this.zoomTo(1); else this.look();
  }

  choosePoint(k) { this.steady("point", { do: "look", point: k }); }
  light(on) { this.lit = on; this.onePath = null; this.repaint(); }
  lightPath(k) { this.onePath = k; if (k != null && !this.isStepping) this.lit = true; this.repaint(); }
  fold(l) { this.folds[l] = (this.folds[l] ?? 0) + 1; this.repaint(); }
  check() { this.checking = !this.checking; this.repaint(); }
  turn() { this.showFace(FACES[(FACES.indexOf(this.face) + 1) % FACES.length]); }
  showFace(face) { this.face = face; this.look(); }
  nextWeight(by) { const n = this.frame.theta.length; this.choose((this.weight + by + n) % n, this.lit); }
  keepInside() { this.weight = 0; this.node = [1, 0]; this.range = [-WIDEST, WIDEST]; this.zoom = 0; this.hover = null; this.lit = false; }

  hoverOver(found, at) {
    const before = JSON.stringify(this.nodeOnPlane());
    this.hover = found;
    tipOf(this, found, at);
    if (JSON.stringify(this.nodeOnPlane()) !== before) this.look(); else this.repaint();
  }

  zoomTo(k) {
    k = clamp(k, 0, 2);
    if (k === this.zoom || !this.frame) return;
    if (k) this.cancel();
    Object.assign(this, { zoomFrom: this.zoom, zoom: k, zoomAt: performance.now(), hover: null });
    this.look();
  }

  leave() { if (this.lit) this.light(false); else if (this.zoom) this.zoomTo(this.zoom - 1); else this.cancel(); this.netCanvas.focus({ preventScroll: true }); }

  // --- Acts ----------------------------------------------------------------------------

  reset() { this.send({ do: "reset" }); }
  newSeed() { this.send({ do: "set", settings: { seed: this.run.settings.seed + 1 } }); }
  change(what, values) { this.steady(what, { do: "change", what, values, gesture: this.dragged?.gesture ?? this.newGesture() }); }
  addPoint(point) { this.connection.send({ do: "change", what: "add", values: [point], gesture: this.dragged.gesture }); }
  erase(k) { this.connection.send({ do: "change", what: "remove", values: [k], gesture: this.dragged.gesture }); }

  drag(dragged) { this.cancel(); this.dragged = { ...dragged, gesture: this.newGesture(), loss: this.frame.loss }; }
  drop() { this.dragged = null; this.repaint(); }

  setWeight(value) {
    if (this.dragged) this.dragged.moved = true;
    this.cancel();
    this.change("weight", [[this.weight, +value.toPrecision(6)]]);
    if (value < this.range[0] || value > this.range[1]) { this.range = [value - WIDEST, value + WIDEST]; this.look(); }
  }
  nudge(by) { this.setWeight(this.frame.theta[this.weight] + by); }

  resize(hidden) {
    const { layers, neurons } = this.run.most;
    if (hidden.length <= layers && hidden.every((n) => n >= 1 && n <= neurons)) this.send({ do: "set", settings: { hidden } });
  }

  enter(lesson) { this.answer = null; this.face = lesson?.backward ? "backward" : "forward"; if (lesson?.backward) this.scope = "all"; }

  showCode({ code, json }) { this.$("line").value = code; this.$("json").value = json; this.$("run").showModal(); }
  async copy(text) { try { await navigator.clipboard.writeText(text); } catch { this.$("line").select(); document.execCommand("copy"); } }

  // A page of its own may be asked for a run by its address; a link holds the run of now.
  get link() { return `${location.href.replace(/#.*/, "")}#state=${encodeURIComponent(this.$("json").value)}`; }
  follow() {
    const asked = !this.followed && !this.run.still && document.body.classList.contains("pg-alone") && location.hash.match(/^#state=(.+)/);
    this.followed = true;
    if (!asked) return;
    history.replaceState(null, "", location.href.replace(/#.*/, ""));
    this.send({ do: "load", text: decodeURIComponent(asked[1]) });
  }
  fullScreen() { if (document.fullscreenElement) document.exitFullscreen(); else this.host.requestFullscreen?.().catch(() => {}); }

  // --- Listening and painting ----------------------------------------------------------

  listen() {
    const on = (name, act, event = "click") => this.$(name).addEventListener(event, act);
    for (const [name, act] of Object.entries({ play: () => this.toggle(), step: () => this.step(), reset: () => this.reset(), check: () => this.check(), full: () => this.fullScreen(), copy: () => this.copy(this.$("line").value), link: () => this.copy(this.link), theme: () => this.setTheme(!this.root.classList.contains("pg-dark"), true), help: () => this.$("keys").showModal() })) on(name, act);
    for (const name of ["undo", "redo", "examine", "ghost", "code"]) on(name, () => this.send({ do: name }));
    on("load", () => { this.send({ do: "load", text: this.$("json").value }); this.$("run").close(); });
    on("lessons", (e) => this.send({ do: "lesson", name: e.target.value || null }), "change");
    on("choices", (e) => { const b = e.target.closest("button"); if (b && !this.answer) this.connection.send({ do: "guess", choice: Number(b.dataset.k) }); });
    on("crumbs", (e) => { const b = e.target.closest("button"); if (b) this.zoomTo(Number(b.dataset.k)); });
    on("layers", (e) => this.clickLayers(e.target.closest("button")));
    on("speed", (e) => this.setSpeed(Number(e.target.value)), "input");
    on("time", (e) => { this.halt(); this.moveTo(Number(e.target.value)); }, "input");
    on("weight", () => this.drag({ what: "slider" }), "pointerdown"); on("weight", (e) => this.setWeight(Number(e.target.value)), "input"); on("weight", () => this.drop(), "change");
    on("value", (e) => { const v = Number(e.target.value.replace(",", ".").replace("−", "-")); if (e.target.value.trim() && Number.isFinite(v)) this.setWeight(v); else this.repaint(); e.target.blur(); }, "change");
    segments(this.$("face"), (v) => this.showFace(v)); segments(this.$("scope"), (v) => { this.scope = v; this.repaint(); }); segments(this.$("tools"), (v) => { this.tool = v; this.repaint(); });
    this.$("key-list").innerHTML = Object.entries(KEYS).map(([key, what]) => `<kbd>${key}</kbd><span>${what}</span>`).join("");
    listenToPointers(this); listenToKeys(this);
    this.stopWatching = watchSize(this);
  }

  clickLayers(b) {
    if (!b) return;
    const hidden = [...this.run.settings.hidden];
    if (!b.dataset.layers) hidden[b.dataset.k] += Number(b.dataset.d);
    else if (b.dataset.layers > 0) hidden.push(hidden.at(-1) ?? 4); else hidden.pop();
    this.resize(hidden);
  }

  setTheme(dark, chosen = false) {
    this.themed ||= chosen;
    this.root.classList.toggle("pg-dark", dark); this.host.classList.toggle("pg-dark", dark);
    this.palette = null; this.repaint();
  }

  repaint() { if (!this.pending && !this.closed) this.pending = requestAnimationFrame((at) => this.paint(at)); }

  paint(at) {
    this.pending = null;
    if (!this.frame || this.closed || !this.run || this.frame.theta.length !== this.run.where.length) return;
    this.palette ??= readPalette(this.root);
    if (!this.palette) return this.repaint();
    Object.assign(C, this.palette);
    const start = performance.now();
    this.advance(at);
    paintStage(this, { paintNet, paintNeuronView, paintGraph });
    paintPlane(this); paintHistory(this); paintCurve(this); this.controls.paint();
    for (const show of [showNumbers, showBars, showLayers, showWeight, showPaths, showLesson, showSaid]) show(this);
    this.describe();
    this.cost.push(performance.now() - start);
    if (this.cost.length > 240) this.cost.shift();
    this.painted = (this.painted ?? 0) + (this.acknowledged !== this.frame.number);
    this.seen = [this.run, this.frame];
    this.acknowledge();
  }

  describe() {
    const { run, frame } = this, weight = `${run.label(this.weight)} is ${shown(frame.theta[this.weight])}, its slope ${this.covered ? "covered" : shown(frame.gradient[this.weight])}`;
    const net = `Net of ${run.sizes.join(", ")} neurons. Chosen weight ${weight}.`;
    if (!frame.playing) this.netCanvas.setAttribute("aria-label", net);
    if (!frame.playing) this.planeCanvas.setAttribute("aria-label", `Plane with ${run.points.length} points.`);
    const one = this.nodeOnPlane();
    put(this.$("plane-name"), one ? `neuron ${run.node(...one)}; line: 0` : run.sizes.at(-1) > 1 ? "the likeliest class" : run.numbers ? "line: 0" : "line: boundary");
  }

  close() {
    this.closed = true;
    this.stopWatching();
    window.removeEventListener("keydown", this.onKey, true);
    this.connection.close();
  }
}

function render({ model, el }) {
  const app = new App(model, el);
  return () => app.close();
}

export default { render };
