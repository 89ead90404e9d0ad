// The graph explorer: a formula is typed, its graph is drawn, a click on a node shows its paths.
const FIRST = "a = 2\nb = 3\nd = a * b + a";
const EXAMPLES = {
  "a sum over paths": FIRST,
  "a neuron": "x1 = 1; x2 = -2\nw1 = 0.5; w2 = -1; b = 0.25\ny = tanh(w1 * x1 + w2 * x2 + b)",
  "a squared error": "w = 1.5; x = 2; b = -1\nprediction = w * x + b\nloss = (prediction - 4) ** 2",
  "the same twice": "u = 1\nv = u + u\nw = v + v",
  "a saturated sigmoid": "x = 6\np = sigmoid(x)\nloss = -log(1 - p)",
};
const LATER = 250, LEAST = 0.7; // milliseconds; a graph is made no smaller than so, and moves

export function explorer({ el, python, argument }) {
  const desk = python.desk("explorer");
  el.innerHTML = `
    <div class="typed">
      <h1>Type a formula, see its graph</h1>
      <textarea rows="6" spellcheck="false" aria-label="Formula, line by line"></textarea>
      <div class="examples" role="group" aria-label="Examples"></div>
      <p class="hint">Each line is <code>name = formula</code>, of numbers, names, <code>+ − * / **</code> and ops such as <code>tanh(x)</code>. The link holds what you type.</p>
      <p class="complaint" role="alert"></p>
      <div class="paths" aria-live="polite"></div>
    </div>
    <div class="picture" tabindex="-1"></div>`;
  const $ = (name) => el.querySelector(name), input = $("textarea");
  let chosen = null, timer = 0, values = [];

  const draw = () => desk.send({ do: "draw", text: input.value, chosen });
  const choose = (i) => { clearTimeout(timer); chosen = i === chosen ? null : i; draw(); link(); };
  const take = (text) => { input.value = text; chosen = null; draw(); };

  input.oninput = () => { clearTimeout(timer); timer = setTimeout(() => { chosen = null; draw(); link(); }, LATER); };
  $(".examples").append(...Object.entries(EXAMPLES).map(([name, text]) => {
    const b = document.createElement("button");
    b.textContent = name; b.onclick = () => { take(text); link(); };
    return b;
  }));
  function link() { history.replaceState(null, "", `#explorer=${encodeURIComponent(input.value)}`); }

  el.classList.add("waiting");
  desk.on("msg:custom", (m) => {
    el.classList.remove("waiting");
    el.classList.toggle("stale", m.kind === "complaint");
    $(".complaint").textContent = m.kind === "complaint" ? m.text : "";
    if (m.kind === "graph") { values = m.values; picture(m); paths(m); }
  });

  function picture(m) {
    $(".picture").innerHTML = m.svg;
    const svg = $(".picture svg");
    svg.style.minWidth = `${LEAST * svg.width.baseVal.value}px`;
    m.values.forEach((v, i) => {
      const node = el.querySelector(`#v${i}`);
      if (!node || i === m.values.length - 1) return;
      Object.assign(node, { tabIndex: 0, onclick: () => choose(i), onkeydown: (e) => { if (e.key === "Enter" || e.key === " ") { e.preventDefault(); choose(i); } } });
      node.setAttribute("role", "button");
      node.setAttribute("aria-pressed", String(i === m.chosen));
      node.classList.toggle("chosen", i === m.chosen);
    });
  }

  function paths(m) {
    const box = $(".paths");
    if (m.chosen == null) {
      const root = m.values.at(-1);
      box.innerHTML = `<p class="hint">${root.name || "The result"} is <b></b>. Click a box of the graph: its paths light up, and their sum is its gradient.</p>`;
      box.querySelector("b").textContent = root.shown[0];
      return;
    }
    const table = document.createElement("table");
    table.createCaption().textContent = m.title;
    for (const row of m.paths) { const tr = table.insertRow(); for (const text of row) tr.insertCell().textContent = text.replaceAll("->", "→"); }
    const last = table.createTFoot().insertRow().insertCell();
    last.colSpan = 2; last.textContent = m.sum.join("; ");
    box.replaceChildren(table);
  }

  take(argument || FIRST);
  return { goTo: (text) => { if (text && text !== input.value) take(text); }, get values() { return values; } };
}
