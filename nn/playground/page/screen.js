// The size and the theme of the page, the zoom into a neuron, and the tip beside the pointer.
import { C, fitted, shown, signed, smooth } from "./common.js";

const ZOOM = 320; // milliseconds
const LEAST = 48; // characters that a graph needs beside each other: on a narrower screen it is all smaller

export function isDark() {
  const { jpThemeLight } = document.body.dataset;
  if (jpThemeLight) return jpThemeLight === "false";
  for (const part of [document.body, document.documentElement]) // where a notebook says its theme
    for (const name of [...part.classList, part.dataset.theme]) if (name === "dark" || name === "light") return name === "dark";
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

// Follow size, sight and theme; a function that ends it.
export function watchSize(app) {
  const sized = new ResizeObserver(() => { room(app); app.palette = null; app.repaint(); });
  sized.observe(app.host);
  for (const box of app.root.querySelectorAll(".pg-canvas")) sized.observe(box);
  const seen = new IntersectionObserver((entries) => { app.connection?.seen(entries.at(-1).isIntersecting && !document.hidden); app.repaint(); });
  seen.observe(app.root);
  const follow = () => { if (!app.themed) app.setTheme(isDark()); };
  const themed = new MutationObserver(follow);
  themed.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-jp-theme-name", "class", "data-theme"] });
  const scheme = matchMedia("(prefers-color-scheme: dark)"), grown = () => { room(app); app.palette = null; app.repaint(); };
  scheme.addEventListener("change", follow); addEventListener("resize", grown); document.addEventListener("fullscreenchange", grown);
  room(app);
  return () => { sized.disconnect(); seen.disconnect(); themed.disconnect(); scheme.removeEventListener("change", follow); removeEventListener("resize", grown); document.removeEventListener("fullscreenchange", grown); };
}

// How high the page may be: all of its window, or what is seen of a notebook.
function room(app) {
  const full = document.fullscreenElement === app.host, alone = full || document.body.classList.contains("pg-alone");
  const below = full ? 0 : app.host.parentElement?.querySelector(":scope > .pg-on")?.offsetHeight ?? 0; // what lets a saved page play on
  const panel = app.host.closest(".jp-WindowedPanel-outer, .jp-Notebook, .jp-LinkedOutputView");
  const height = alone ? innerHeight - below : Math.min(1100, (panel?.clientHeight || innerHeight) - 24);
  app.root.style.setProperty("--pg-height", `${Math.max(560, height)}px`);
}

const shrunk = (view) => (c, w, h, app) => {
  const scale = Math.min(1, w / (LEAST * C.em));
  c.save(); c.scale(scale, scale); view(c, w / scale, h / scale, app); c.restore();
};

// The net, the neuron or its graph; from one to the other it grows out of the neuron.
export function paintStage(app, { paintNet, paintNeuronView, paintGraph }) {
  const fit = fitted(app.netCanvas);
  if (!fit) return;
  const [c, w, h] = fit, views = [paintNet, paintNeuronView, shrunk(paintGraph)], still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const share = still || app.zoomAt == null ? 1 : smooth((performance.now() - app.zoomAt) / ZOOM);
  if (share >= 1) { app.zoomAt = null; views[app.zoom](c, w, h, app); return; }
  const far = Math.min(app.zoomFrom, app.zoom), inwards = app.zoom > app.zoomFrom ? share : 1 - share, g = app.geometry, [l, i] = app.node;
  const [x, y] = far === 0 && g?.Y[l]?.[i] != null ? [g.X[l], g.Y[l][i]] : [w / 2, h / 2];
  const layer = (k, scale, alpha) => {
    const off = new OffscreenCanvas(app.netCanvas.width, app.netCanvas.height), o = off.getContext("2d");
    o.setTransform(c.getTransform()); o.lineJoin = o.lineCap = "round"; views[k](o, w, h, app);
    c.save(); c.globalAlpha = alpha; c.translate(x, y); c.scale(scale, scale); c.translate(-x, -y); c.drawImage(off, 0, 0, w, h); c.restore();
  };
  layer(far, 1 + 4 * inwards, 1 - inwards); layer(far + 1, 0.2 + 0.8 * inwards, inwards);
  app.repaint();
}

// The numbers of the weight under the pointer, with what the optimiser carries along for it.
export function tipOf(app, found, at) {
  const tip = app.$("tip");
  tip.hidden = found?.kind !== "link" || app.isStepping;
  if (tip.hidden) return;
  const { run, frame } = app, { q } = found, rows = [[run.label(q), shown(frame.theta[q])], ["∂L/∂w, all points", app.covered ? "?" : signed(frame.gradient[q])], ["next update", app.covered ? "?" : signed(frame.delta[q])]];
  for (let k = 0; frame[`carried${k}`]; k++) rows.push([`optimiser: ${frame.carries[k].replaceAll("_", " ")}`, shown(frame[`carried${k}`][q])]);
  tip.innerHTML = rows.map(([name, text]) => `<span>${name}</span><b>${text}</b>`).join("");
  tip.style.left = `${Math.min(at[0] + 14, app.netCanvas.clientWidth - 15 * C.em)}px`; tip.style.top = `${at[1] + 16}px`;
}
