// Keys, all of which are on the page behind "?".
export function listenToKeys(app) {
  const does = {
    " ": () => app.toggle(), s: () => app.step(), r: () => app.reset(), b: () => app.turn(), p: () => app.light(!app.lit), c: () => app.check(),
    "[": () => app.nextWeight(-1), "]": () => app.nextWeight(1), ArrowRight: () => app.tick(1), ArrowLeft: () => app.tick(-1),
    ArrowUp: () => app.nudge(0.05), ArrowDown: () => app.nudge(-0.05), Enter: () => app.zoomTo(app.zoom + 1), Escape: () => app.leave(),
    n: () => app.newSeed(), d: () => app.send({ do: "examine" }), g: () => app.send({ do: "ghost" }), f: () => app.fullScreen(), "?": () => app.$("keys").showModal(),
  };
  const withControl = { z: (e) => app.send({ do: e.shiftKey ? "redo" : "undo" }), y: () => app.send({ do: "redo" }) };
  // JupyterLab has keys of its own: those without Ctrl stay here, those with it (Ctrl+S) are its.
  app.onKey = (e) => {
    const inside = app.root.contains(e.target) || (e.target === document.body && document.body.classList.contains("pg-alone"));
    if (!inside) return;
    const control = e.ctrlKey || e.metaKey, own = control ? withControl[e.key.toLowerCase()] : e.altKey ? null : does[e.key];
    app.root.toggleAttribute("data-lm-suppress-shortcuts", !control || Boolean(own));
    if (!own || isTaken(e, control)) return;
    e.preventDefault(); e.stopPropagation();
    own(e);
  };
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
