// A worker with Python in it. In come { config } and { to, needs, text }; out go { state } and { text, buffers }.
import { start } from "./python.js";

const ADVICE = "Is this machine online, and does nothing block the address? Reload the page to try again.";
const last = {}; // of each desk: what it waits for, so that its messages stay in order
let python, config, stage = "";

const say = (state) => postMessage({ state });
const deliver = (text, buffers) => postMessage({ text, buffers }, buffers.map((b) => b.buffer));

self.onmessage = ({ data }) => {
  if (data.config) { ({ config } = data); python = begin(); python.catch(() => {}); return; }
  last[data.to] = (last[data.to] ?? Promise.resolve()).then(() => forward(data)).catch(fail);
};

async function begin() {
  try {
    stage = "Python";
    const [archive] = await Promise.all([bytes(config.archive), drawing()]);
    const started = await start({ ...config, archive }, deliver);
    say({ ready: true });
    return started;
  } catch (error) { fail(error); throw error; }
}

async function forward({ needs, text }) {
  let ready;
  try { ready = await python; } catch { return; } // it has been said
  if (needs.length) {
    stage = needs.join(", ");
    await ready.load(needs);
  }
  ready.send(text);
}

// viz.js lays out the graphs: autograd_core calls `js.viz`.
async function drawing() {
  if (!config.viz) return;
  const { instance } = await import(config.viz), made = await instance();
  self.viz = (source) => made.renderString(source, { format: "svg" });
}

async function bytes(address) { return (await fetch(address)).arrayBuffer(); }

function fail(error) {
  broken = true;
  const failed = missing || (String(error?.message ?? error).split("\n").filter(Boolean).at(-1) ?? "unknown");
  say({ failed, advice: error?.advice ?? ADVICE });
}

// Whoever fetches in this worker: what has come is counted, and what does not come is named.
const plain = self.fetch.bind(self);
self.fetch = async (what, options) => {
  const address = String(what?.url ?? what);
  let response;
  try { response = await plain(what, options); } catch { throw miss(`${address} could not be loaded`); }
  if (!response.ok) throw miss(`${address} could not be loaded: the server answered ${response.status}`);
  return counted(response);
};

let loaded = 0, total = 0, told = 0, missing = "", broken = false;

function miss(text) { missing ||= text; return new Error(text); } // who asked may say it in other words

function counted(response) {
  const { body, headers, status } = response;
  if (!body) return response;
  total += Number(headers.get("content-encoding") ? 0 : headers.get("content-length"));
  const counter = new TransformStream({ transform(chunk, controller) { loaded += chunk.length; tell(); controller.enqueue(chunk); } });
  const same = new Response(body.pipeThrough(counter), { headers, status });
  Object.defineProperty(same, "url", { value: response.url });
  return same;
}

function tell() {
  if (broken) return; // what still comes would hide what did not
  if (performance.now() - told < 60) return;
  told = performance.now();
  say({ stage, loaded, total });
}
