// The rail of settings, built from what Python sends: what there is, and what there is to choose.
import { feature, shown } from "./common.js";
import { escaped, put } from "./template.js";
import { paintThumb } from "./plane.js";

export class Controls {
  constructor(el, app) {
    this.el = el; this.app = app;
    el.addEventListener("pointerdown", () => { this.gesture = app.newGesture(); });
    el.addEventListener("focusin", () => { this.gesture = app.newGesture(); });
    el.addEventListener("input", (e) => this.slid(e.target));
    el.addEventListener("change", (e) => this.chose(e.target));
    el.addEventListener("click", (e) => this.clicked(e.target.closest("button"), e.target.closest("summary")));
  }

  // Build anew only if there is something else to choose; then set all to what is so.
  fill({ controls, settings, thumbs }) {
    this.controls = Object.fromEntries(controls.map((control) => [control.name, control]));
    this.settings = settings;
    const key = JSON.stringify(controls);
    if (key !== this.key) {
      this.key = key;
      const focus = document.activeElement?.dataset?.name;
      const open = this.el.querySelector("details")?.open, all = (folded) => controls.filter((control) => control.folded === folded).map((control) => this.html(control)).join("");
      this.el.innerHTML = `${all(false)}<button class="pg-seed" title="other weights and other points (n)">New seed <b></b></button><details class="pg-more" ${open ? "open" : ""}><summary>More settings<span></span></summary>${all(true)}</details>`;
      if (focus) this.el.querySelector(`[data-name="${focus}"]`)?.focus();
    }
    if (thumbs) this.thumbs = thumbs;
    for (const control of controls) this.show(control, settings[control.name]);
    const changed = controls.filter(({ name, folded, usual }) => folded && settings[name] !== usual).length;
    put(this.el.querySelector(".pg-more span"), changed ? `, ${changed} changed` : "");
    put(this.el.querySelector(".pg-seed b"), String(settings.seed));
    this.restrict();
  }

  // A lesson shows the controls that it is about, and marks the one to change.
  restrict() {
    const lesson = this.app.run?.lesson;
    for (const part of this.el.querySelectorAll("[data-control]")) {
      part.hidden = Boolean(lesson) && !lesson.shows.includes(part.dataset.control);
      part.classList.toggle("pg-wanted", lesson?.change === part.dataset.control && !this.app.covered);
    }
    for (const name of ["seed", "more"]) this.el.querySelector(`.pg-${name}`).hidden = Boolean(lesson);
  }

  html(control) {
    const { name, label, kind, help, low, high, step } = control, say = `title="${escaped(help)}"`, id = `${this.app.id}-${name}`;
    const inside = {
      slider: () => `<label class="pg-row" ${say}><span>${escaped(label)}</span><output></output><input type="range" aria-label="${escaped(label)}" data-name="${name}" min="${low}" max="${high}" step="${step}"></label>`,
      choice: () => `<label class="pg-pick" ${say}><span>${escaped(label)}</span><select data-name="${name}">${control.choices.map(({ text }, k) => `<option value="${k}">${escaped(text)}</option>`).join("")}</select></label>`,
      switch: () => `<label class="pg-pick" ${say}><span>${escaped(label)}</span><input type="checkbox" data-name="${name}"></label>`,
      number: () => `<label class="pg-pick" ${say}><span>${escaped(label)}</span><input type="text" inputmode="decimal" data-name="${name}" placeholder="off"></label>`,
      several: () => `<div class="pg-chips" role="group" aria-label="${escaped(label)}" ${say}><span>${escaped(label)}</span>${control.choices.map(({ value }) => `<button data-several="${name}" data-value="${escaped(value)}" aria-pressed="false">${escaped(feature(value))}</button>`).join("")}</div>`,
      thumbs: () => `<div class="pg-thumbs" role="radiogroup" aria-label="${escaped(label)}" id="${id}">${control.choices.map(({ value, text }) => `<button role="radio" data-thumb="${escaped(value)}"><span class="pg-thumb"><canvas></canvas></span>${escaped(text)}</button>`).join("")}</div>`,
    }[kind];
    return `<div data-control="${name}">${inside()}</div>`;
  }

  show(control, value) {
    const part = this.el.querySelector(`[data-control="${control.name}"]`);
    if (control.kind === "slider") {
      const field = part.querySelector("input"), off = control.log && !value;
      put(part.querySelector("output"), off ? "off" : value == null ? "–" : shown(value, 2).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, ""));
      if (this.held !== field) field.value = off ? control.low : control.log ? Math.log10(value) : value;
      field.setAttribute("aria-valuetext", part.querySelector("output").textContent);
    } else if (control.kind === "choice") {
      const at = control.choices.findIndex((choice) => choice.value === value), field = part.querySelector("select");
      field.value = at < 0 ? "" : at;
    } else if (control.kind === "switch") part.querySelector("input").checked = value;
    else if (control.kind === "number") {
      const field = part.querySelector("input");
      if (!field.matches(":focus")) field.value = value ?? "";
    } else if (control.kind === "several") for (const b of part.querySelectorAll("button")) b.setAttribute("aria-pressed", value.includes(b.dataset.value));
    else for (const b of part.querySelectorAll("button")) { b.setAttribute("aria-checked", b.dataset.thumb === value); b.tabIndex = b.dataset.thumb === value ? 0 : -1; }
  }

  paint() {
    for (const b of this.el.querySelectorAll("[data-thumb]")) paintThumb(b.querySelector("canvas"), this.thumbs?.[b.dataset.thumb] ?? { points: [] });
  }

  set(settings) { this.app.steady("set", { do: "set", settings, gesture: this.gesture }); }

  slid(field) {
    const control = this.controls?.[field.dataset.name];
    if (control?.kind !== "slider") return;
    this.held = field;
    const at = Number(field.value), isRate = control.low > -5;
    this.set({ [control.name]: !control.log ? at : at <= control.low && !isRate ? 0 : Number((10 ** at).toPrecision(2)) });
  }

  chose(field) {
    this.held = null;
    const control = this.controls?.[field.dataset.name];
    const read = { choice: () => control.choices[Number(field.value)].value, switch: () => field.checked, number: () => numberIn(field.value, control.usual) }[control?.kind];
    if (!read) return;
    field.blur(); // what it shows now is what Python answers
    this.app.send({ do: "set", settings: { [control.name]: read() } });
  }

  clicked(b, unfolds) {
    if (unfolds) requestAnimationFrame(() => { this.el.scrollTop = this.el.scrollHeight; });
    if (!b) return;
    if (b.dataset.thumb) this.app.send({ do: "set", settings: { data: b.dataset.thumb } });
    else if (b.dataset.several) {
      const value = this.controls.features.choices.map((choice) => choice.value).filter((name) => (name === b.dataset.value) !== this.settings.features.includes(name));
      this.app.send({ do: "set", settings: { features: value } });
    } else if (b.classList.contains("pg-seed")) this.app.newSeed();
  }
}

// A number as it was written, or as it usually is where nothing was; Python refuses other text.
function numberIn(text, usual) {
  const written = text.trim().replace(",", ".");
  return written === "" ? usual : Number.isFinite(Number(written)) ? Number(written) : text;
}
