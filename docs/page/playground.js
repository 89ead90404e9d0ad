// The playground with its real session; the run is in the link, which so repeats it.
import widget from "./playground/main.js";

const LATER = 400; // milliseconds after an act until the link follows
const SILENT = new Set(["painted", "ping", "hello", "bye", "seen", "look", "preview", "code", "play", "pause", "step"]);

export function playground({ el, python, argument }) {
  const listeners = new Set();
  let desk, linked = argument, asking = false, timer = 0;
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

  function hear(content, buffers) {
    if (content.kind === "frame") el.classList.remove("waiting");
    if (content.kind !== "code" || !asking) return listeners.forEach((listen) => listen(content, buffers));
    asking = false;
    if (content.json === linked || document.body.dataset.part !== "playground") return;
    linked = content.json;
    history.replaceState(null, "", `#state=${encodeURIComponent(linked)}`);
  }

  async function begin() {
    el.classList.add("waiting");
    desk = await python.opened("playground", ["numpy"]);
    desk.on("msg:custom", hear);
    if (linked) desk.send({ do: "load", text: linked });
    widget.render({ model, el });
  }

  begin();
  return { goTo: (text) => { if (desk && text && text !== linked) desk.send({ do: "load", text: linked = text }); } };
}
