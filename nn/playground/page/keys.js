// Keys, all of which are on the page behind "?".
export function listenToKeys(app) {
  const does = {
    " ": () => app.toggle(), s: () => app.step(), r: () => app.reset(), b: () => app.turn(), p: () => app.light(!app.lit), c: () => app.check(),
    "[": () => app.nextWeight(-1), "]": () => app.nextWeight(1), ArrowRight: () => app.tick(1), ArrowLeft: () => app.tick(-1),
    ArrowUp: () => app.nudge(0.05), ArrowDown: () => app.nudge(-0.05), Enter: () => app.zoomTo(app.zoom + 1), Escape: () => app.leave(),
    n: () => app.newSeed(), d: () => app.send({ do: "examine" }), g: () => app.send({ do: "ghost" }), f: () => app.fullScreen(), "?": () => app.$("keys").showModal(),
  };
  const withControl = { z: (e) => app.send({ do: e.shiftKey ? "redo" : "undo" }), y: () => app.send({ do: "redo" }) };
  const isControl = (e) => e.ctrlKey || e.metaKey;
  const ownOf = (e) => (isControl(e) ? withControl[e.key.toLowerCase()] : e.altKey ? null : does[e.key]);
  app.onKey = (e) => {
    const inside = app.root.contains(e.target) || (e.target === document.body && document.body.classList.contains("pg-alone")), own = ownOf(e);
    if (!inside || !own || isTaken(e, isControl(e))) return;
    e.preventDefault(); e.stopPropagation();
    own(e);
  };
  // JupyterLab has keys of its own, for whatever has the focus in a notebook: those without Ctrl stay here, those with it (Ctrl+S) are its.
  app.root.addEventListener("keydown", (e) => { if (!isControl(e) || ownOf(e)) e.stopPropagation(); });
  window.addEventListener("keydown", app.onKey, true);
}

// Whether a key means something where the focus is: text, sliders, buttons, an open dialog.
function isTaken(e, control) {
  const { target, key } = e;
  if (!target.closest || target.closest("dialog[open]")) return true;
  if (target.matches("textarea, input[type=text]")) return key !== "Escape";
  if (control) return false;
  if (target.matches("input[type=range]")) return key.startsWith("Arrow");
  if (target.matches("select")) return key !== "Escape";
  return target.matches("button, summary, input[type=checkbox]") && [" ", "Enter", "ArrowLeft", "ArrowRight"].includes(key);
}
