// What mouse, pen and finger do on the net, the curve and the plane.
import { clamp } from "./common.js";
import { hit } from "./geometry.js";
import { curveBox } from "./charts.js";

const PER_PIXEL = 1 / 60; // of a weight, as it is dragged up
const APART = 13; // pixels between two points that a brush leaves

const spot = (el, e) => { const box = el.getBoundingClientRect(); return [e.clientX - box.left, e.clientY - box.top]; };

export function listenToPointers(app) {
  onNet(app, app.$("net"));
  onCurve(app, app.$("along"));
  onPlane(app, app.$("plane"));
  app.$("paths").addEventListener("mouseover", (e) => { const row = e.target.closest("tr[data-k]"); app.lightPath(row && !app.covered ? Number(row.dataset.k) : null); });
  app.$("paths").addEventListener("mouseleave", () => app.lightPath(null));
}

function onNet(app, net) {
  const at = (e) => { const [x, y] = spot(net, e); return app.geometry && !app.zoom ? hit(app.geometry, app.run, x, y, app.grip) : null; };
  net.addEventListener("pointermove", (e) => {
    if (app.dragged?.what === "weight") return app.setWeight(app.dragged.from - (e.clientY - app.dragged.y) * PER_PIXEL);
    const found = at(e);
    net.style.cursor = found?.kind === "grip" ? "ns-resize" : found ? "pointer" : "";
    app.hoverOver(found, spot(net, e));
  });
  net.addEventListener("pointerleave", () => { if (!app.dragged) app.hoverOver(null); });
  net.addEventListener("pointerdown", (e) => {
    const found = at(e);
    if (app.zoom || !app.run) return;
    if (found?.kind === "more") return app.fold(found.l);
    if (found?.kind === "link") app.choose(found.q, true);
    if (found?.kind === "link" || found?.kind === "grip") {
      app.drag({ what: "weight", y: e.clientY, from: app.frame.theta[app.weight] });
      net.setPointerCapture(e.pointerId);
    } else if (found?.kind === "node" && found.l > 0) app.chooseNode(found.l, found.i);
    else app.light(false);
  });
  net.addEventListener("dblclick", () => { if (app.zoom === 1) app.zoomTo(2); });
  for (const name of ["pointerup", "pointercancel"]) net.addEventListener(name, () => app.drop());
}

function onCurve(app, canvas) {
  const slide = (e) => {
    const [x] = spot(canvas, e), box = curveBox(canvas.clientWidth, canvas.clientHeight);
    app.setWeight(app.range[0] + clamp((x - box.left) / (box.right - box.left), 0, 1) * (app.range[1] - app.range[0]));
  };
  canvas.addEventListener("pointerdown", (e) => { if (!app.frame) return; app.drag({ what: "curve" }); canvas.setPointerCapture(e.pointerId); slide(e); });
  canvas.addEventListener("pointermove", (e) => { if (app.dragged?.what === "curve") slide(e); });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => app.drop());
}

function onPlane(app, plane) {
  plane.addEventListener("pointerdown", (e) => {
    if (!app.planeBox) return;
    const near = nearest(app, ...spot(plane, e), 16);
    if (app.tool === "move" && near == null) return;
    app.drag({ what: "plane", point: app.tool === "move" ? near : null });
    if (app.tool === "move") app.choosePoint(near);
    else brush(app, plane, e);
    plane.setPointerCapture(e.pointerId);
  });
  plane.addEventListener("pointermove", (e) => { if (app.dragged?.what === "plane") brush(app, plane, e); });
  for (const name of ["pointerup", "pointercancel"]) plane.addEventListener(name, () => app.drop());
}

function brush(app, plane, e) {
  const [x, y] = spot(plane, e), { ux, uy } = app.planeBox, [x0, x1, y0, y1] = app.run.bounds, { dragged } = app;
  const at = [clamp(ux(x), x0, x1), clamp(uy(y), y0, y1)].map((v) => +v.toFixed(3));
  if (dragged.point != null) {
    app.run.points[dragged.point].splice(0, 2, ...at); // seen at once; Python's answer has it too
    return app.change("move", [[dragged.point, ...at]]);
  }
  if (app.tool === "move" || (dragged.last && Math.hypot(x - dragged.last[0], y - dragged.last[1]) < APART)) return;
  dragged.last = [x, y];
  if (app.tool === "erase") { const near = nearest(app, x, y, 14); if (near != null) app.erase(near); }
  else app.addPoint([...at, Number(app.tool)]);
}

function nearest(app, x, y, within) {
  let best = null, distance = within;
  app.run.points.forEach(([x1, x2], k) => {
    const away = Math.hypot(app.planeBox.px(x1) - x, app.planeBox.py(x2) - y);
    if (away < distance) { best = k; distance = away; }
  });
  return best;
}
