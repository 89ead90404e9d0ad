// The playground with its real session; the run is in the link, which so repeats it.
import widget from "./playground/main.js";

const LATER = 400; // milliseconds after an act until the link follows
const SILENT = new Set(["painted", "ping", "hello", "bye", "seen", "look", "preview", "code", "play", "pause", "step"]);

export function playground({ el, python, argument }) {
  const desk = python.desk("playground", ["numpy"]), listeners = new Set();
  let asking = false, timer = 0;
  el.classList.add("waiting");
  desk.on("msg:custom", (content, buffers) => {
    el.classList.remove("waiting");
    if (content.kind === "code" && asking) { asking = false; remember(content.json); return; }
    for (const listen of listeners) listen(content, buffers);
  });
  const model = {
    on: (_, listen) => listeners.add(listen),
    off: (_, listen) => listeners.delete(listen),
    send(message) {
      desk.send(message);
      if (SILENT.has(message.do)) return;
      clearTimeout(timer);
      timer = setTimeout(() => { asking = true; desk.send({ do: "code" }); }, LATER);
    },
  };
  const goTo = (text) => { if (text && text !== linked) { linked = text; desk.send({ do: "load", text }); } };
  let linked = "";
  goTo(argument);
  widget.render({ model, el });
  function remember(text) {
    if (text === linked || document.body.dataset.part !== "playground") return;
    linked = text;
    history.replaceState(null, "", `#playground=${encodeURIComponent(text)}`);
  }
  return { goTo };
}
