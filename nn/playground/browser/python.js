// Python by Pyodide. Whoever puts another Python in its place gives `start`, and from it `load` and `send`.
const MEET = `
from pyodide.ffi import to_js
from nn.playground.browser.desks import Desks
Desks(lambda text, buffers: deliver(text, to_js(buffers))).receive
`;

// `home` is where Pyodide's files are, `packages` where its wheels are; `archive` is ours, a zip of sources.
export async function start({ home, packages, archive }, deliver) {
  const { loadPyodide } = await import(`${home}pyodide.mjs`);
  const pyodide = await loadPyodide({ indexURL: home, packageBaseUrl: packages, env: { HOME: "/home/pyodide", MPLBACKEND: "agg" } });
  pyodide.unpackArchive(archive, "zip");
  pyodide.globals.set("deliver", deliver);
  return { load: (names) => load(pyodide, names), send: pyodide.runPython(MEET) };
}

async function load(pyodide, names) {
  const missing = names.filter((name) => !(name in pyodide.loadedPackages));
  if (!missing.length) return;
  const said = [];
  await pyodide.loadPackage(missing, { messageCallback: () => {}, errorCallback: (text) => said.push(text) });
  const absent = missing.filter((name) => !(name in pyodide.loadedPackages));
  if (absent.length) throw new Error(said.at(-1) ?? `${absent.join(", ")} could not be loaded`);
}
