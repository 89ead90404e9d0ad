// A place to edit Python in: a text area over the same text in colours.
const WORDS = "False|None|True|and|as|assert|async|await|break|class|continue|def|del|elif|else|except|finally|for|from|global|if|import|in|is|lambda|nonlocal|not|or|pass|raise|return|try|while|with|yield";
const TOKEN = new RegExp([
  `(?<comment>#[^\\n]*)`,
  `(?<string>[rfbuRFBU]{0,2}(?:"""[\\s\\S]*?(?:"""|$)|'''[\\s\\S]*?(?:'''|$)|"(?:\\\\.|[^"\\\\\\n])*"?|'(?:\\\\.|[^'\\\\\\n])*'?))`,
  `\\b(?<word>${WORDS})\\b`,
  `\\b(?<number>\\d[\\d_]*\\.?\\d*(?:e[+-]?\\d+)?)`,
  `(?<dots>(?<!\\.)\\.\\.\\.(?!\\.))`,
  `(?:(?<=\\bdef |\\bclass )(?<name>\\w+))`,
].join("|"), "g");

export function coloured(code) {
  const out = document.createDocumentFragment();
  let end = 0;
  for (const found of code.matchAll(TOKEN)) {
    const [kind, text] = Object.entries(found.groups).find(([, t]) => t !== undefined);
    const span = document.createElement("span");
    span.className = `is-${kind}`; span.textContent = text;
    out.append(code.slice(end, found.index), span);
    end = found.index + text.length;
  }
  out.append(code.slice(end));
  return out;
}

// The element; its `value` can be read and set, `onrun` is called by shift and return.
export function editor(code, { onChange, onRun, label }) {
  const el = document.createElement("div"), shown = document.createElement("pre"), input = document.createElement("textarea");
  el.className = "editor";
  Object.assign(input, { value: code, spellcheck: false, wrap: "off" });
  input.setAttribute("aria-label", label);
  input.setAttribute("autocapitalize", "off");
  const paint = () => { shown.replaceChildren(coloured(input.value), "\n"); input.rows = input.value.split("\n").length; };
  input.oninput = () => { paint(); onChange(input.value); };
  input.onkeydown = (e) => {
    if (e.key === "Enter" && (e.shiftKey || e.ctrlKey || e.metaKey)) { e.preventDefault(); onRun(); }
    else if (e.key === "Tab" && !e.shiftKey) { e.preventDefault(); insert("    "); }
    else if (e.key === "Enter") { e.preventDefault(); insert(`\n${indent()}`); }
  };
  input.onscroll = () => { shown.scrollLeft = input.scrollLeft; };
  function indent() {
    const line = input.value.slice(0, input.selectionStart).split("\n").at(-1);
    return line.match(/^ */)[0] + (line.trimEnd().endsWith(":") ? "    " : "");
  }
  function insert(text) { input.setRangeText(text, input.selectionStart, input.selectionEnd, "end"); input.oninput(); }
  el.append(shown, input);
  paint();
  return { el, input, get value() { return input.value; }, set value(text) { input.value = text; paint(); } };
}
