// The way to Python and back: frames that are acknowledged, and what to say when nobody answers.
const EVERY = 1500, LATE = 6000; // milliseconds between questions; without an answer

export class Connection {
  constructor(model, { onMessage, onState }) {
    this.model = model; this.onState = onState;
    this.page = Math.random().toString(36).slice(2);
    this.heard = performance.now(); this.isLost = false;
    this.listen = (message, buffers) => { this.hear(); onMessage(message, buffers); };
    model.on("msg:custom", this.listen);
    this.hello();
    this.timer = setInterval(() => this.look(), EVERY);
    this.onVisible = () => this.seen(!document.hidden);
    document.addEventListener("visibilitychange", this.onVisible);
  }

  send(message) {
    try { this.model.send(message); } catch { this.lose(); }
  }

  hello() { this.send({ do: "hello", page: this.page }); }
  seen(seen) { if (seen !== this.wasSeen) { this.wasSeen = seen; this.send({ do: "seen", page: this.page, seen }); } }

  hear() {
    this.heard = performance.now();
    if (!this.isLost) return;
    this.isLost = false;
    this.onState(false);
  }

  // A kernel that is busy answers late; one that is gone, never.
  look() {
    if (performance.now() - this.heard > LATE) this.lose();
    if (this.isLost) this.hello();
    else if (!document.hidden) this.send({ do: "ping" });
    else this.heard = performance.now(); // hidden pages wait, and are not answered in time
  }

  lose() {
    if (this.isLost) return;
    this.isLost = true;
    this.onState(true);
  }

  close() {
    clearInterval(this.timer);
    document.removeEventListener("visibilitychange", this.onVisible);
    this.send({ do: "bye", page: this.page });
    this.model.off("msg:custom", this.listen);
  }
}
