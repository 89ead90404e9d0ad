// What the page is made of, before any number is known.
export const TEMPLATE = `
<header class="pg-head">
  <div class="pg-group">
    <button class="pg-main pg-play" title="train, or pause (space)"><span class="pg-icon">▶</span> <b>Train</b></button>
    <button class="pg-step" title="one step in slow motion (s); again: at once">Step</button>
    <button class="pg-undo" title="undo the last act (ctrl z)" aria-label="Undo">↶</button>
    <button class="pg-redo" title="redo (ctrl y)" aria-label="Redo">↷</button>
    <button class="pg-reset" title="back to the first weights (r)">Reset</button>
    <label class="pg-speed"><span>slow</span><input type="range" min="0" max="5" step="1" value="3" aria-label="Speed"><span>fast</span></label>
  </div>
  <div class="pg-numbers">
    <div><span>step</span><b class="pg-steps"></b></div>
    <div class="pg-lead"><span class="pg-loss-name">loss</span><b class="pg-loss"></b></div>
    <div><span>held out</span><b class="pg-held"></b></div>
    <div class="pg-right-share"><span>right</span><b class="pg-accuracy"></b></div>
    <div><span>‖gradient‖</span><b class="pg-norm"></b></div>
  </div>
  <div class="pg-group pg-end">
    <button class="pg-quiet pg-examine" title="what the doctor says (d)">Why?</button>
    <button class="pg-quiet pg-ghost" aria-pressed="false" title="a ghost with these settings runs beside, from the start (g)">Ghost</button>
    <button class="pg-quiet pg-code" title="this run as a line of Python">Code</button>
    <button class="pg-quiet pg-theme" title="light or dark" aria-label="Light or dark">◐</button>
    <button class="pg-quiet pg-full" title="full screen (f)" aria-label="Full screen"><svg viewBox="0 0 12 12" width="0.9em" height="0.9em" aria-hidden="true"><path d="M1 4V1h3M8 1h3v3M11 8v3H8M4 11H1V8" fill="none" stroke="currentColor" stroke-width="1.5"/></svg></button>
    <button class="pg-quiet pg-help" title="keys (?)" aria-label="Keys">?</button>
  </div>
</header>
<div class="pg-lost" role="alert" hidden></div>
<section class="pg-rail" aria-label="Settings"></section>
<section class="pg-stage" aria-label="The net">
  <div class="pg-bar">
    <nav class="pg-crumbs" aria-label="Zoom"></nav><span class="pg-space"></span>
    <div class="pg-seg pg-face" role="radiogroup" aria-label="What the net shows"></div>
    <div class="pg-seg pg-scope" role="radiogroup" aria-label="Whose gradient"></div>
  </div>
  <div class="pg-canvas"><canvas class="pg-net" tabindex="0" role="img"></canvas><div class="pg-layers"></div><div class="pg-tip" hidden></div></div>
  <div class="pg-scrub"><div class="pg-phases" aria-hidden="true"></div><input class="pg-time" type="range" min="0" max="1" step="0.001" value="0" aria-label="Moment within a step"></div>
</section>
<section class="pg-right" aria-label="The plane">
  <div class="pg-bar"><div class="pg-seg pg-tools" role="radiogroup" aria-label="Tool"></div><span class="pg-note pg-plane-name"></span></div>
  <div class="pg-canvas pg-square"><canvas class="pg-plane" tabindex="0" role="img"></canvas></div>
  <div class="pg-canvas pg-curve"><canvas class="pg-history" role="img" aria-label="Losses over the steps"></canvas></div>
</section>
<section class="pg-lens" aria-label="The chosen weight">
  <div class="pg-lens-left">
    <div class="pg-lens-head"><b class="pg-weight-name"></b><input class="pg-weight" type="range" min="-4" max="4" step="0.01" aria-label="The chosen weight"><input class="pg-value" type="text" inputmode="decimal" aria-label="Its number"><button class="pg-check pg-quiet" aria-pressed="false" title="check the slope by differences (c)">Check</button></div>
    <div class="pg-canvas"><canvas class="pg-along" role="img" aria-label="The loss as a function of the chosen weight"></canvas></div>
  </div>
  <div class="pg-lens-right"><div class="pg-lens-head"><b>Its paths to the loss</b><span class="pg-note pg-mean"></span></div><div class="pg-paths"></div></div>
</section>
<footer class="pg-foot">
  <select class="pg-lessons" aria-label="Lesson"></select>
  <div class="pg-ask"><b class="pg-question"></b><div class="pg-choices"></div></div>
  <p class="pg-said" role="status" aria-live="polite"></p>
</footer>
<dialog class="pg-dialog pg-keys"><h2>Keys</h2><div class="pg-key-list"></div><form method="dialog"><button class="pg-main">Close</button></form></dialog>
<dialog class="pg-dialog pg-run"><h2>This run</h2><p>A line of Python that repeats it bit for bit:</p><textarea class="pg-line" rows="3" readonly spellcheck="false" aria-label="Line of Python"></textarea>
  <p>As JSON, to keep; or paste another and load it:</p><textarea class="pg-json" rows="5" spellcheck="false" aria-label="Run as JSON"></textarea>
  <form method="dialog"><button class="pg-copy" type="button">Copy the line</button> <button class="pg-link" type="button">Copy a link</button> <button class="pg-load" type="button">Load the JSON</button> <button class="pg-main">Close</button></form></dialog>`;

export const KEYS = {
  "space": "train, pause", "s": "one step, phase by phase; again: at once", "→ ←": "next, last phase", "↑ ↓": "chosen weight ± 0.05", "[ ]": "last, next weight",
  "p": "light its paths", "c": "check its slope by differences", "enter, esc": "zoom in, out", "b": "forward, backward, updates", "ctrl z, ctrl y": "undo, redo",
  "r": "reset", "n": "new seed", "d": "why? (the doctor)", "g": "ghost", "f": "full screen", "?": "these keys",
};

// A group of buttons of which one is on: arrow keys go from one to the next.
export function segments(el, put) {
  el.addEventListener("click", (e) => { const b = e.target.closest("button"); if (b) put(b.dataset.v); });
  el.addEventListener("keydown", (e) => {
    const way = { ArrowRight: 1, ArrowLeft: -1 }[e.key], all = [...el.children];
    if (!way) return;
    e.preventDefault(); e.stopPropagation();
    const next = all[(all.findIndex((b) => b.getAttribute("aria-checked") === "true") + way + all.length) % all.length];
    next.click(); next.focus();
  });
}

// Fill it with [value, html, title] and mark the one that is on; nothing is touched that is right.
export function fillSegments(el, options, on) {
  const key = JSON.stringify(options);
  if (el.key !== key) {
    el.key = key;
    el.innerHTML = options.map(([v, html, title]) => `<button role="radio" data-v="${v}" title="${title ?? ""}">${html}</button>`).join("");
  }
  for (const b of el.children) { const is = b.dataset.v === String(on); b.setAttribute("aria-checked", is); b.tabIndex = is ? 0 : -1; }
}

export function put(el, text) { if (el.textContent !== text) el.textContent = text; }
export const escaped = (text) => String(text).replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
