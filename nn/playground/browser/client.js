// Python as a page sees it: a worker with desks, which can be asked before Python is there.
export class Python {
  // `onState(state)` is told what is loading: { stage, loaded, total }, { ready } or { failed, advice }.
  constructor(makeWorker, config, onState) {
    Object.assign(this, { makeWorker, config, onState, listeners: new Set() });
    this.start();
  }

  start() {
    this.worker = this.makeWorker();
    this.worker.onmessage = ({ data }) => this.receive(data);
    this.worker.onerror = (event) => { event.preventDefault(); this.onState({ failed: event.message || "the worker of the page", advice: "Reload the page." }); };
    this.worker.postMessage({ config: this.config });
  }

  // Whatever runs is stopped, and what Python knew is gone.
  restart() { this.worker.terminate(); this.start(); }

  receive(data) {
    if (data.state) { this.onState(data.state); return; }
    const { from, content } = JSON.parse(data.text);
    for (const { name, listen } of [...this.listeners]) if (name === from) listen(content, data.buffers);
  }

  // A desk talks as the model of a notebook's widget does: `on`, `off`, `send`; `needs` are packages.
  desk(name, needs = []) {
    return {
      on: (_, listen) => this.listeners.add({ name, listen }),
      off: (_, listen) => { for (const one of this.listeners) if (one.listen === listen) this.listeners.delete(one); },
      send: (content) => this.worker.postMessage({ to: name, needs, text: JSON.stringify({ to: name, content }) }),
    };
  }

  // A desk that has what it needs.
  opened(name, needs) {
    const desk = this.desk(name, needs);
    return new Promise((resolve) => {
      const listen = () => { desk.off("", listen); resolve(desk); };
      desk.on("", listen);
      desk.send({ do: "open" });
    });
  }
}
