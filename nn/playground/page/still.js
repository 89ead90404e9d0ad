// A page without Python: what was recorded is all that is ever told.
class Still {
  constructor({ run, frame, buffers, code }) {
    const bytes = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
    Object.assign(this, { run, frame, code, buffers: buffers.map(bytes) });
  }

  send({ do: what }) {
    if (what === "hello") this.tell(this.run);
    if (what === "ping") this.tell({ kind: "pong" });
    else if (what === "code") this.tell(this.code);
    else if (what !== "painted") this.tell(this.frame, this.buffers);
  }

  // Later, as whoever answers from afar does.
  tell(content, buffers = []) { setTimeout(() => this.listen?.({ ...content }, buffers)); }

  on(event, listen) { this.listen = listen; }
  off() { this.listen = null; }
}

const kept = JSON.parse(document.getElementById("recorded").textContent);
window.playground = widget.render({ model: new Still(kept), el: document.getElementById("pg-saved") });
