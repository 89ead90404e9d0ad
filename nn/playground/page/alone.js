// A page without a notebook: the model that the page talks to is a socket.
class Wire {
  constructor(url) { this.url = url; this.listeners = new Set(); this.waiting = []; this.connect(); }

  connect() {
    this.socket = new WebSocket(new URL(this.url, location.href.replace(/^http/, "ws")));
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => { for (const text of this.waiting.splice(0)) this.socket.send(text); };
    this.socket.onmessage = ({ data }) => this.receive(data);
    this.socket.onclose = () => { if (!this.closed) setTimeout(() => this.connect(), 1000); };
  }

  receive(data) {
    const length = new DataView(data).getUint32(0, true);
    const { content, sizes } = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
    let end = 4 + length;
    const buffers = sizes.map((size) => new DataView(data, (end += size) - size, size));
    for (const listen of this.listeners) listen(content, buffers);
  }

  send(message) {
    const text = JSON.stringify(message);
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(text);
    else if (message.do === "hello") this.waiting = [text];
  }

  on(event, listen) { this.listeners.add(listen); }
  off(event, listen) { this.listeners.delete(listen); }
}

function open(el, url) { window.playground = widget.render({ model: new Wire(url), el }); }
