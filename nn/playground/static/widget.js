// The page of the playground: one module, no bundler, nothing fetched from anywhere.

const SIDE = 100, TILE = 24; // as in session.py
const LEVELS = 8; // of a link's strength
const LINKS_EVERY = 100; // milliseconds: lines are what takes longest to paint

const PAGE = `
<div class="pg-bar">
  <button class="pg-play" title="space">▶ Play</button>
  <button class="pg-step" title="one step of training (s)">Step</button>
  <button class="pg-reset" title="start over (r)">Reset</button>
  <select class="pg-speed" title="how much is trained between two pictures">
    <option value="step">1 step a frame</option><option value="epoch" selected>1 epoch a frame</option>
    <option value="fast">fast</option></select>
  <div class="pg-toggle" title="what the net shows (b)">
    <button class="pg-forward" aria-pressed="true">Forward</button><button class="pg-backward" aria-pressed="false">Backward</button></div>
  <button class="pg-state" title="the run as JSON, to copy and to load">State</button>
  <div class="pg-numbers">
    <div><span>epoch</span><b class="pg-epoch">0</b></div><div><span>step</span><b class="pg-steps">0</b></div>
    <div><span>loss</span><b class="pg-loss">–</b></div><div><span>held out</span><b class="pg-test-loss">–</b></div>
    <div><span>right</span><b class="pg-accuracy">–</b></div><div><span>held out</span><b class="pg-test-accuracy">–</b></div>
  </div>
</div>
<div class="pg-main">
  <div class="pg-controls"></div>
  <div class="pg-middle"><canvas class="pg-net"></canvas><div class="pg-caption pg-net-caption"></div></div>
  <div class="pg-right"><canvas class="pg-plane"></canvas><canvas class="pg-curves"></canvas>
    <div class="pg-caption">click adds orange, shift blue; ctrl removes;<br>a click on a point shows its graph</div></div>
</div>
<div class="pg-doctor" role="status" aria-live="polite"><div><b class="pg-message"></b> <em class="pg-advice"></em></div></div>
<div class="pg-details" hidden><header><b></b><button class="pg-copy">Copy</button><button class="pg-load">Load</button><button class="pg-close">Close</button></header>
  <div class="pg-graph"></div><pre></pre><textarea spellcheck="false"></textarea></div>
<div class="pg-tip" hidden></div><div class="pg-edit" hidden></div>`;

// --- Small things ------------------------------------------------------------------------

const clamp = (x, low, high) => Math.min(high, Math.max(low, x));
const short = (x) => x == null ? "–" : x === 0 ? "0" : Math.abs(x) >= 1e5 || Math.abs(x) < 1e-4 ? x.toExponential(1) : String(+x.toPrecision(3));
const number = (text) => text.trim() === "" ? null : Number.isNaN(Number(text)) ? text : Number(text); // Python refuses what is none
const numbers = (text) => text.split(/[\s,]+/).filter(Boolean).map(number);
const percent = (x) => x == null ? "–" : `${(100 * x).toFixed(x === 1 ? 0 : 1)}%`;

function floats(view) {
  const buffer = view.buffer ?? view, start = view.byteOffset ?? 0;
  return start % 4 ? new Float32Array(buffer.slice(start, start + view.byteLength)) : new Float32Array(buffer, start, view.byteLength / 4);
}

const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));

function isDark() {
  if (document.body.dataset.jpThemeLight) return document.body.dataset.jpThemeLight === "false";
  for (const page of [document.body, document.documentElement]) // where a notebook says its theme
    for (const name of [...page.classList, page.dataset.theme]) if (name === "dark" || name === "light") return name === "dark";
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

// Two colours with the neutral one between them, as 201 colours for -1 to 1.
function ramp(low, neutral, high) {
  const table = new Uint32Array(201), out = new Uint8Array(table.buffer);
  for (let i = 0; i <= 200; i++) {
    const v = (i - 100) / 100, end = v < 0 ? low : high, share = 0.85 * Math.abs(v) ** 0.8;
    for (let c = 0; c < 3; c++) out[4 * i + c] = neutral[c] + (end[c] - neutral[c]) * share;
    out[4 * i + 3] = 255;
  }
  return table;
}

// A canvas as large as it is on screen, with a context in CSS pixels.
function fitted(canvas) {
  const ratio = devicePixelRatio || 1, w = canvas.clientWidth, h = canvas.clientHeight;
  if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) {
    canvas.width = Math.round(w * ratio); canvas.height = Math.round(h * ratio);
  }
  const ctx = canvas.getContext("2d");
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.clearRect(0, 0, w, h);
  return [ctx, w, h];
}

function hidden(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width; canvas.height = height;
  return canvas;
}

let viz = null; // one for the page, loaded when the first graph is drawn
function loadViz(model) {
  return viz ??= new Promise((done, failed) => {
    const listen = (message, buffers) => {
      if (message.kind !== "viz") return;
      model.off("msg:custom", listen);
      const url = URL.createObjectURL(new Blob([buffers[0]], { type: "text/javascript" }));
      import(url).then((module) => module.instance()).then(done, failed);
    };
    model.on("msg:custom", listen);
    model.send({ do: "viz" });
  });
}

// --- The view ----------------------------------------------------------------------------

class View {
  constructor(model, el) {
    this.model = model;
    this.id = String(Math.random()).slice(2);
    this.root = document.createElement("div");
    this.root.className = "pg";
    this.root.tabIndex = 0;
    this.root.dataset.lmSuppressShortcuts = "true"; // JupyterLab has keys of its own
    this.root.innerHTML = PAGE;
    el.appendChild(this.root);
    this.root.playground = this;
    this.run = null; this.frame = null; this.pending = null; this.painted = 0;
    this.train = []; this.test = [];
    this.point = null; this.neuron = null; this.backward = false; this.showing = null;
    this.plane = this.$(".pg-plane"); this.net = this.$(".pg-net"); this.curves = this.$(".pg-curves");
    this.image = hidden(SIDE, SIDE);
    this.setTheme();
    this.listen();
    this.send({ do: "hello", view: this.id });
  }

  $(selector) { return this.root.querySelector(selector); }
  send(message) { this.model.send(message); }

  setTheme() {
    this.root.classList.toggle("pg-dark", isDark());
    const style = getComputedStyle(this.root);
    this.colour = Object.fromEntries(["ink", "soft", "line", "low", "high", "contour", "neutral", "back"].map((name) => [name, style.getPropertyValue(`--pg-${name}`).trim()]));
    this.ramp = ramp(rgb(this.colour.low), rgb(this.colour.neutral), rgb(this.colour.high));
    this.classes = [this.colour.low, this.colour.high, "#4a9c5d", "#8e5ea2", "#c0504d", "#7f7f7f"];
    this.pointLayer = null;
    this.linked = 0;
  }

  listen() {
    this.onMessage = (message, buffers) => this.receive(message, buffers);
    this.model.on("msg:custom", this.onMessage);
    const click = (selector, action) => this.$(selector).addEventListener("click", action);
    click(".pg-play", () => this.toggle());
    click(".pg-step", () => this.send({ do: "step" }));
    click(".pg-reset", () => this.send({ do: "reset" }));
    click(".pg-forward", () => this.face(false));
    click(".pg-backward", () => this.face(true));
    click(".pg-state", () => this.send({ do: "state" }));
    click(".pg-close", () => this.details(null));
    click(".pg-copy", () => this.copy());
    click(".pg-load", () => this.send({ do: "load", text: this.$("textarea").value }));
    this.$(".pg-speed").addEventListener("change", (e) => this.send({ do: "view", speed: e.target.value }));
    this.root.addEventListener("keydown", (e) => this.key(e));
    this.plane.addEventListener("click", (e) => this.clickPlane(e));
    this.plane.addEventListener("contextmenu", (e) => { if (e.ctrlKey) { e.preventDefault(); this.clickPlane(e); } });
    this.net.addEventListener("mousemove", (e) => this.hover(e));
    this.net.addEventListener("mouseleave", () => { this.$(".pg-tip").hidden = true; this.hovered = null; this.linked = 0; this.repaint(); });
    this.net.addEventListener("click", (e) => this.clickNet(e));
    this.resized = new ResizeObserver(() => { this.linked = 0; this.repaint(); });
    this.resized.observe(this.root);
    this.themed = new MutationObserver(() => { this.setTheme(); this.repaint(); });
    this.themed.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "class", "data-theme"] });
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.onScheme = () => { this.setTheme(); this.repaint(); };
    this.scheme.addEventListener("change", this.onScheme);
  }

  close() {
    this.send({ do: "bye", view: this.id });
    this.model.off("msg:custom", this.onMessage);
    this.scheme.removeEventListener("change", this.onScheme);
    this.resized.disconnect();
    this.themed.disconnect();
    this.closed = true;
  }

  receive(message, buffers) {
    if (message.kind === "all") this.setRun(message);
    if (message.kind === "frame" && this.run) this.setFrame(message, buffers);
    if (message.kind === "graph") this.showGraph(message);
    if (message.kind === "paths") this.details("How this weight reaches the loss of the chosen point", { text: message.text });
    if (message.kind === "state") this.details("This run as JSON: copy it, or paste another and load it", { state: message.text });
  }

  setRun(run) {
    const same = this.run && String(run.sizes) === String(this.run.sizes);
    this.run = run;
    this.pointLayer = null;
    this.linked = 0;
    if (!same) this.neuron = null;
    if (this.point != null && this.point >= run.points.length) this.point = null;
    const starts = [0];
    for (let k = 0; k + 1 < run.sizes.length; k++) starts.push(starts[k] + (run.sizes[k] + 1) * run.sizes[k + 1]);
    this.starts = starts; // where each layer's parameters begin
    this.$(".pg-edit").hidden = true;
    this.fillControls();
  }

  setFrame(message, buffers) {
    const [boundary, tiles, data, gradients, updates] = buffers.map(floats);
    this.train.length = this.test.length = message.from;
    this.train.push(...message.train); this.test.push(...message.test);
    this.frame = { ...message, boundary, tiles, data, gradients, updates };
    this.repaint();
    if (document.hidden) this.acknowledge(); // a hidden page paints nothing
  }

  acknowledge() {
    if (this.acknowledged === this.frame.number) return;
    this.acknowledged = this.frame.number;
    this.send({ do: "painted", number: this.frame.number });
  }

  repaint() {
    if (this.pending || this.closed) return;
    this.pending = requestAnimationFrame(() => {
      this.pending = null;
      if (!this.frame || this.closed) return;
      if (!this.colour.low) this.setTheme(); // the style sheet may arrive after the page
      const start = performance.now();
      this.paintNumbers(); this.paintPlane(); this.paintNet(); this.paintCurves();
      this.spent = performance.now() - start;
      if (this.acknowledged !== this.frame.number) this.painted++;
      this.acknowledge();
    });
  }

  // --- Buttons, keys and controls ---

  toggle() { this.send({ do: this.frame?.playing ? "pause" : "play" }); }
  face(backward) { this.send({ do: "view", backward }); }

  key(e) {
    if (e.target.closest("input, select, textarea") || e.ctrlKey || e.metaKey || e.altKey) return;
    const does = {
      " ": () => this.toggle(), s: () => this.send({ do: "step" }), r: () => this.send({ do: "reset" }),
      b: () => this.face(!this.frame?.backward), Escape: () => { this.details(null); this.$(".pg-edit").hidden = true; },
    }[e.key];
    if (!does || (e.key === " " && e.target.closest("button"))) return;
    e.preventDefault(); e.stopPropagation();
    does();
  }

  fillControls() {
    const box = this.$(".pg-controls"), focus = document.activeElement?.dataset?.name;
    box.replaceChildren();
    for (const { title, settings } of this.run.controls) {
      box.append(Object.assign(document.createElement("h4"), { textContent: title }));
      for (const setting of settings) {
        const label = Object.assign(document.createElement("label"), { title: setting.help });
        label.append(setting.text, this.control(setting));
        box.append(label);
      }
    }
    if (focus) box.querySelector(`[data-name=${focus}]`)?.focus();
  }

  control({ name, value, options, disabled }) {
    const field = document.createElement(options ? "select" : "input"), isList = Array.isArray(value);
    for (const [option, text] of options ?? []) field.append(new Option(text, option));
    field.dataset.name = name;
    field.value = isList ? value.join(", ") : value;
    field.disabled = disabled;
    const read = options ? (text) => text : isList ? numbers : number;
    field.addEventListener("change", () => this.send({ do: "set", settings: { [name]: read(field.value) } }));
    field.addEventListener("keydown", (e) => { if (e.key === "Enter" && !options) this.root.focus({ preventScroll: true }); });
    return field;
  }

  // --- Numbers and the margin ---

  paintNumbers() {
    const f = this.frame;
    const put = (selector, text) => { const el = this.$(selector); if (el.textContent !== text) el.textContent = text; };
    put(".pg-epoch", f.epoch.toLocaleString("en")); put(".pg-steps", f.steps.toLocaleString("en"));
    put(".pg-loss", short(f.loss)); put(".pg-test-loss", short(f.test_loss));
    put(".pg-accuracy", percent(f.accuracy)); put(".pg-test-accuracy", percent(f.test_accuracy));
    put(".pg-play", f.playing ? "❚❚ Pause" : "▶ Play");
    put(".pg-message", f.message.text); put(".pg-advice", f.message.advice ? `Try: ${f.message.advice}` : "");
    this.$(".pg-doctor").className = `pg-doctor ${f.message.tone ? `pg-${f.message.tone}` : ""}`;
    this.$(".pg-forward").setAttribute("aria-pressed", String(!f.backward));
    this.$(".pg-backward").setAttribute("aria-pressed", String(f.backward));
    put(".pg-net-caption", f.backward
      ? "Neurons: slope of the (first) output along each neuron. Links: gradient of the loss; orange is above 0, blue below, dashed."
      : "Neurons: activation over the plane. Links: weights; orange is above 0, blue below, dashed. Click a neuron or a weight.");
  }

  // --- The plane ---

  toPixel(x1, x2) {
    const [x0, x9, y0, y9] = this.run.bounds, w = this.plane.clientWidth, h = this.plane.clientHeight;
    return [(x1 - x0) / (x9 - x0) * w, (y9 - x2) / (y9 - y0) * h];
  }

  toPlane(px, py) {
    const [x0, x9, y0, y9] = this.run.bounds, w = this.plane.clientWidth, h = this.plane.clientHeight;
    return [x0 + px / w * (x9 - x0), y9 - py / h * (y9 - y0)];
  }

  paintPlane() {
    const [ctx, w, h] = fitted(this.plane), image = this.image.getContext("2d");
    const pixels = image.createImageData(SIDE, SIDE), out = new Uint32Array(pixels.data.buffer);
    const map = this.frame.boundary, single = this.run.sizes.at(-1) === 1;
    if (single) for (let i = 0; i < out.length; i++) out[i] = this.ramp[Math.round(100 * map[i]) + 100];
    else this.paintClasses(map, pixels.data);
    image.putImageData(pixels, 0, 0);
    ctx.imageSmoothingEnabled = true;
    ctx.drawImage(this.image, 0, 0, w, h);
    if (single) this.paintContour(ctx, map, w / SIDE, h / SIDE);
    this.pointLayer ??= this.drawPoints(w, h);
    ctx.drawImage(this.pointLayer, 0, 0, w, h);
    if (this.point != null) {
      const [x, y] = this.toPixel(...this.run.points[this.point]);
      ctx.lineWidth = 2.5; ctx.strokeStyle = this.colour.contour;
      ctx.beginPath(); ctx.arc(x, y, 9, 0, 7); ctx.stroke();
    }
  }

  paintClasses(map, data) {
    const neutral = rgb(this.colour.neutral), colours = this.classes.map(rgb);
    for (let i = 0; i < map.length; i++) {
      const k = Math.floor(map[i]), share = 0.15 + 0.65 * (map[i] - k);
      for (let c = 0; c < 3; c++) data[4 * i + c] = neutral[c] + (colours[k][c] - neutral[c]) * share;
      data[4 * i + 3] = 255;
    }
  }

  // Marching squares: a line through every cell in which the score changes its sign.
  paintContour(ctx, map, sx, sy) {
    ctx.beginPath();
    for (let r = 0; r + 1 < SIDE; r++) for (let c = 0; c + 1 < SIDE; c++) {
      const i = r * SIDE + c, a = map[i], b = map[i + 1], d = map[i + SIDE], e = map[i + SIDE + 1];
      if ((a > 0) === (b > 0) && (a > 0) === (d > 0) && (a > 0) === (e > 0)) continue;
      const cut = (from, to) => from / (from - to), ends = [];
      if ((a > 0) !== (b > 0)) ends.push([c + cut(a, b), r]);
      if ((a > 0) !== (d > 0)) ends.push([c, r + cut(a, d)]);
      if ((b > 0) !== (e > 0)) ends.push([c + 1, r + cut(b, e)]);
      if ((d > 0) !== (e > 0)) ends.push([c + cut(d, e), r + 1]);
      for (let k = 0; k + 1 < ends.length; k += 2) {
        ctx.moveTo((ends[k][0] + 0.5) * sx, (ends[k][1] + 0.5) * sy);
        ctx.lineTo((ends[k + 1][0] + 0.5) * sx, (ends[k + 1][1] + 0.5) * sy);
      }
    }
    ctx.strokeStyle = this.colour.contour; ctx.lineWidth = 1.8; ctx.stroke();
  }

  // Each class has a shape and a colour; held-out points are hollow.
  drawPoints(w, h) {
    const ratio = devicePixelRatio || 1, layer = hidden(w * ratio, h * ratio), ctx = layer.getContext("2d");
    ctx.scale(ratio, ratio);
    const r = clamp(90 / Math.sqrt(this.run.points.length + 1), 1.5, 4.5);
    for (const [x1, x2, label, heldOut] of this.run.points) {
      const [x, y] = this.toPixel(x1, x2);
      ctx.beginPath();
      if (label === 0) ctx.arc(x, y, r, 0, 7);
      else if (label === 1) ctx.rect(x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r);
      else { ctx.moveTo(x, y - 1.2 * r); ctx.lineTo(x + 1.1 * r, y + r); ctx.lineTo(x - 1.1 * r, y + r); ctx.closePath(); }
      ctx.lineWidth = 3; ctx.strokeStyle = heldOut ? this.classes[label] : "#fff";
      if (r > 2) ctx.stroke();
      ctx.fillStyle = heldOut ? "#fff" : this.classes[label];
      ctx.fill();
      if (!heldOut && r > 2) { ctx.lineWidth = 0.8; ctx.strokeStyle = "#0008"; ctx.stroke(); }
    }
    return layer;
  }

  clickPlane(e) {
    if (!this.run) return;
    this.root.focus({ preventScroll: true });
    const box = this.plane.getBoundingClientRect(), px = e.clientX - box.left - this.plane.clientLeft, py = e.clientY - box.top - this.plane.clientTop;
    const near = this.nearestPoint(px, py), [x1, x2] = this.toPlane(px, py).map((x) => +x.toFixed(3));
    if (e.ctrlKey || e.metaKey) {
      if (near != null) { this.point = null; this.send({ do: "change", what: "remove", value: near }); }
    } else if (near != null && !e.shiftKey) this.choosePoint(near);
    else this.send({ do: "change", what: "add", value: [x1, x2, e.shiftKey ? 0 : 1] });
  }

  nearestPoint(px, py) {
    let best = null, distance = 8;
    this.run.points.forEach((p, i) => {
      const [x, y] = this.toPixel(p[0], p[1]), d = Math.hypot(x - px, y - py);
      if (d < distance) { best = i; distance = d; }
    });
    return best;
  }

  choosePoint(i) {
    this.point = i;
    this.neuron ??= [this.run.sizes.length - 2, 0];
    this.askGraph();
    this.repaint();
  }

  askGraph() {
    if (this.point == null) return;
    const [layer, neuron] = this.neuron;
    this.send({ do: "graph", point: this.point, layer, neuron });
  }

  // --- The net ---

  // Where every neuron is: [x, y] of its centre, layer by layer, the inputs first.
  layout(w, h) {
    const sizes = this.run.sizes, most = Math.max(...sizes), top = 22;
    const pitch = clamp((h - top - 4) / most, 3, 66), size = clamp(Math.min(0.8 * pitch, 0.5 * w / sizes.length), 3, 48);
    const gap = (w - size - 8) / (sizes.length - 1);
    return { size, at: sizes.map((n, k) => Array.from({ length: n }, (_, i) => [4 + size / 2 + k * gap, top + (h - top) / 2 + (i - (n - 1) / 2) * pitch])) };
  }

  paintNet() {
    const [ctx, w, h] = fitted(this.net), { size, at } = this.places = this.layout(w, h), f = this.frame;
    const values = f.backward ? f.gradients : f.data, now = performance.now();
    if (!f.playing || !this.linked || now - this.linked > LINKS_EVERY) {
      this.linked = now;
      this.linkLayer = hidden(this.net.width, this.net.height);
      const links = this.linkLayer.getContext("2d");
      links.scale(this.net.width / w, this.net.height / h);
      for (let k = 0; k + 1 < at.length; k++) this.paintLinks(links, k, at, size, values);
    }
    ctx.drawImage(this.linkLayer, 0, 0, w, h);
    this.paintTiles(ctx, at, size);
    ctx.fillStyle = this.colour.soft; ctx.font = "11px system-ui, 'DejaVu Sans', sans-serif"; ctx.textAlign = "center";
    at.forEach((places, k) => {
      const name = k === 0 ? "inputs" : k === at.length - 1 ? "output" : `layer ${k}`;
      ctx.fillText(name, clamp(places[0][0], 18, w - 18), 12);
    });
  }

  // Links of like sign and strength are one path: a path for each of them would take too long.
  paintLinks(ctx, k, at, size, values) {
    const n = this.run.sizes[k], begin = this.starts[k], end = this.starts[k + 1], groups = new Map();
    let largest = 1e-12;
    for (let p = begin; p < end; p++) if ((p - begin) % (n + 1) < n) largest = Math.max(largest, Math.abs(values[p]));
    for (let p = begin; p < end; p++) {
      const j = (p - begin) % (n + 1), i = Math.floor((p - begin) / (n + 1));
      const level = Math.round(LEVELS * Math.abs(values[p]) / largest);
      if (j === n || level === 0) continue;
      const key = values[p] < 0 ? -level : level;
      if (!groups.has(key)) groups.set(key, new Path2D());
      this.addLink(groups.get(key), at, size, k, i, j);
    }
    const order = [...groups.keys()].sort((a, b) => Math.abs(a) - Math.abs(b));
    for (const key of order) this.stroke(ctx, groups.get(key), key / LEVELS, size);
    const over = this.hovered;
    if (over == null || over < begin || over >= end) return;
    const path = new Path2D();
    this.addLink(path, at, size, k, Math.floor((over - begin) / (n + 1)), (over - begin) % (n + 1));
    this.stroke(ctx, path, Math.sign(values[over]) || 1, size);
  }

  addLink(path, at, size, k, i, j) {
    path.moveTo(at[k][j][0] + size / 2, at[k][j][1]);
    path.lineTo(at[k + 1][i][0] - size / 2, at[k + 1][i][1]);
  }

  stroke(ctx, path, share, size) {
    ctx.strokeStyle = share < 0 ? this.colour.low : this.colour.high;
    ctx.globalAlpha = 0.2 + 0.75 * Math.abs(share);
    ctx.lineWidth = 0.4 + Math.min(5, 0.2 * size) * Math.abs(share);
    ctx.setLineDash(share <= -0.25 ? [6, 3] : []);
    ctx.stroke(path);
    ctx.globalAlpha = 1; ctx.setLineDash([]);
  }

  paintTiles(ctx, at, size) {
    const tiles = this.frame.tiles, count = tiles.length / (TILE * TILE), all = this.inputTiles(count + 2);
    const image = all.getContext("2d"), pixels = image.createImageData(TILE, TILE * count), out = new Uint32Array(pixels.data.buffer);
    for (let i = 0; i < out.length; i++) out[i] = this.ramp[Math.round(100 * tiles[i]) + 100];
    image.putImageData(pixels, 0, 2 * TILE);
    const dead = new Set(this.frame.message.units.map(([layer, neuron]) => `${layer} ${neuron}`));
    let t = 0;
    at.forEach((places, k) => places.forEach(([x, y], i) => {
      const left = x - size / 2, top = y - size / 2, chosen = this.neuron && k === this.neuron[0] + 1 && i === this.neuron[1];
      const isDead = dead.has(`${k} ${i}`);
      ctx.globalAlpha = isDead ? 0.35 : 1;
      ctx.drawImage(all, 0, t++ * TILE, TILE, TILE, left, top, size, size);
      ctx.globalAlpha = 1;
      ctx.lineWidth = chosen ? 3 : 1; ctx.strokeStyle = chosen ? this.colour.contour : this.colour.soft;
      ctx.strokeRect(left, top, size, size);
      if (isDead) {
        ctx.lineWidth = 1.5; ctx.strokeStyle = this.colour.ink;
        ctx.beginPath(); ctx.moveTo(left, top); ctx.lineTo(left + size, top + size); ctx.moveTo(left + size, top); ctx.lineTo(left, top + size); ctx.stroke();
      }
    }));
  }

  // A canvas for all tiles, one below the other; the two inputs are painted once.
  inputTiles(count) {
    if (this.tiles?.height !== count * TILE || this.tiles.ramp !== this.ramp) {
      this.tiles = hidden(TILE, count * TILE);
      this.tiles.ramp = this.ramp;
      const image = this.tiles.getContext("2d"), pixels = image.createImageData(TILE, 2 * TILE), out = new Uint32Array(pixels.data.buffer);
      for (let r = 0; r < TILE; r++) for (let c = 0; c < TILE; c++) {
        out[r * TILE + c] = this.ramp[Math.round(200 * c / (TILE - 1))];
        out[(TILE + r) * TILE + c] = this.ramp[Math.round(200 * (1 - r / (TILE - 1)))];
      }
      image.putImageData(pixels, 0, 0);
    }
    return this.tiles;
  }

  // What is under the mouse: {neuron: [layer, i]} or {weight: [layer, i, j]}, with its parameter.
  under(e) {
    if (!this.places || !this.run) return null;
    const box = this.net.getBoundingClientRect(), x = e.clientX - box.left, y = e.clientY - box.top;
    const { size, at } = this.places, sizes = this.run.sizes;
    for (let k = 1; k < at.length; k++) for (let i = 0; i < at[k].length; i++)
      if (Math.abs(x - at[k][i][0]) <= size / 2 + 1 && Math.abs(y - at[k][i][1]) <= size / 2 + 1)
        return { layer: k, i, neuron: true, parameter: this.starts[k - 1] + (i + 1) * (sizes[k - 1] + 1) - 1 };
    let best = null, distance = 5;
    for (let k = 0; k + 1 < at.length; k++) {
      const left = at[k][0][0] + size / 2, right = at[k + 1][0][0] - size / 2;
      if (x < left || x > right) continue;
      const share = (x - left) / (right - left);
      at[k].forEach(([, y0], j) => at[k + 1].forEach(([, y1], i) => {
        const away = Math.abs(y - (y0 + share * (y1 - y0)));
        if (away < distance) { distance = away; best = { layer: k + 1, i, j, parameter: this.starts[k] + i * (sizes[k] + 1) + j }; }
      }));
    }
    return best;
  }

  hover(e) {
    const found = this.under(e), tip = this.$(".pg-tip");
    const before = this.hovered;
    this.hovered = found && !found.neuron ? found.parameter : null;
    if (before !== this.hovered) { this.linked = 0; this.repaint(); }
    this.net.style.cursor = found ? "pointer" : "default";
    tip.hidden = !found;
    if (!found) return;
    const { data, gradients, updates } = this.frame, p = found.parameter;
    const name = found.neuron ? `neuron ${found.i} of layer ${found.layer}\nbias b${found.layer}[${found.i}]` : `weight W${found.layer}[${found.i},${found.j}]`;
    tip.textContent = `${name}  ${data[p].toPrecision(4)}\ngradient     ${gradients[p].toPrecision(3)}\nlast update  ${updates[p].toPrecision(3)}`;
    this.place(tip, e);
  }

  place(box, e) {
    const root = this.root.getBoundingClientRect();
    box.style.left = `${clamp(e.clientX - root.left + 14, 4, root.width - 190)}px`;
    box.style.top = `${e.clientY - root.top + 14}px`;
  }

  clickNet(e) {
    const found = this.under(e);
    this.root.focus({ preventScroll: true });
    this.$(".pg-edit").hidden = !found;
    if (!found) return;
    this.edit(found, e);
    if (found.neuron) { this.neuron = [found.layer - 1, found.i]; this.askGraph(); }
    else {
      if (this.point == null && this.run.points.length) this.point = 0;
      if (this.point != null) this.send({ do: "paths", point: this.point, parameter: found.parameter });
    }
    this.repaint();
  }

  edit(found, e) {
    const box = this.$(".pg-edit"), field = document.createElement("input");
    field.value = String(+this.frame.data[found.parameter].toPrecision(5));
    box.replaceChildren(found.neuron ? `b${found.layer}[${found.i}] = ` : `W${found.layer}[${found.i},${found.j}] = `, field);
    field.addEventListener("keydown", (key) => {
      if (key.key === "Escape") box.hidden = true;
      if (key.key !== "Enter") return;
      const number = field.value.trim() === "" ? NaN : Number(field.value);
      this.send({ do: "change", what: "weight", value: [found.parameter, Number.isFinite(number) ? number : field.value] });
      box.hidden = true;
      this.root.focus({ preventScroll: true });
    });
    this.$(".pg-tip").hidden = true;
    this.place(box, e);
    field.focus({ preventScroll: true }); field.select();
  }

  // --- The curves ---

  paintCurves() {
    const [ctx, w, h] = fitted(this.curves), left = 40, right = w - 8, top = 16, bottom = h - 16;
    const known = [...this.train, ...this.test].filter((x) => x != null && x > 0);
    ctx.font = "11px system-ui, 'DejaVu Sans', sans-serif";
    ctx.fillStyle = this.colour.soft; ctx.strokeStyle = this.colour.line; ctx.lineWidth = 1;
    let low = Infinity, high = 0;
    for (const x of known) { if (x < low) low = x; if (x > high) high = x; }
    if (!known.length) { low = 0.1; high = 1; }
    const from = Math.log10(Math.max(low, high * 1e-8)) - 0.05, to = Math.log10(high) + 0.05, span = Math.max(to - from, 0.3);
    const y = (x) => bottom - (Math.log10(Math.max(x, 1e-300)) - from) / span * (bottom - top);
    const x = (i) => left + i / Math.max(1, this.train.length - 1) * (right - left);
    ctx.textAlign = "right"; ctx.textBaseline = "middle";
    let last = Infinity;
    for (let d = Math.floor(from); d <= to + 1; d++) for (const m of span > 2 ? [1] : span > 0.9 ? [1, 3] : [1, 2, 5]) {
      const tick = m * 10 ** d, at = y(tick);
      if (at < top - 2 || at > bottom + 2 || last - at < 11) continue;
      last = at;
      ctx.beginPath(); ctx.moveTo(left, at); ctx.lineTo(right, at); ctx.stroke();
      ctx.fillText(short(tick), left - 5, at);
    }
    const line = (values, colour, dash) => {
      const stride = Math.max(1, Math.floor(values.length / 600));
      ctx.strokeStyle = colour; ctx.lineWidth = 1.6; ctx.setLineDash(dash); ctx.beginPath();
      for (let i = 0; i < values.length; i += stride) if (values[i] != null) ctx.lineTo(x(i), clamp(y(values[i]), top - 4, bottom + 4));
      ctx.stroke(); ctx.setLineDash([]);
    };
    line(this.test, this.colour.soft, [5, 3]); line(this.train, this.colour.ink, []);
    ctx.textAlign = "left"; ctx.textBaseline = "alphabetic"; ctx.fillStyle = this.colour.ink;
    ctx.fillText("loss", left, 10);
    ctx.fillText("— training", right - 140, 10); ctx.fillStyle = this.colour.soft; ctx.fillText("- - held out", right - 64, 10);
    ctx.textAlign = "right"; ctx.fillText(`epoch ${Math.max(0, this.train.length - 1).toLocaleString("en")}`, right, h - 3);
    ctx.textAlign = "left"; ctx.fillText("0", left, h - 3);
  }

  // --- Details below ---

  details(title, { graph = null, text = null, state = null } = {}) {
    const box = this.$(".pg-details");
    box.hidden = !title;
    if (!title) return;
    box.querySelector("header b").textContent = title;
    box.querySelector(".pg-graph").hidden = !graph; box.querySelector("pre").hidden = text == null;
    box.querySelector("textarea").hidden = this.$(".pg-copy").hidden = this.$(".pg-load").hidden = state == null;
    if (graph) box.querySelector(".pg-graph").replaceChildren(graph);
    if (text != null) box.querySelector("pre").textContent = text;
    if (state != null) { const area = box.querySelector("textarea"); area.value = state; area.focus(); area.select(); }
  }

  async showGraph({ dot, point, layer, neuron }) {
    const drawn = (await loadViz(this.model)).renderSVGElement(dot);
    const [x1, x2, label] = this.run.points[point];
    this.details(`Neuron ${neuron} of layer ${layer + 1} at the point (${short(x1)}, ${short(x2)}) of class ${label}: data, gradients of the loss, local derivatives`, { graph: drawn });
  }

  async copy() {
    const area = this.$("textarea");
    area.select();
    try { await navigator.clipboard.writeText(area.value); } catch { document.execCommand("copy"); }
    this.$(".pg-copy").textContent = "Copied";
    setTimeout(() => { this.$(".pg-copy").textContent = "Copy"; }, 1200);
  }
}

function render({ model, el }) {
  const view = new View(model, el);
  return () => view.close();
}

export default { render };
