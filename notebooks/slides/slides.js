// A slide that is full goes on, on a page below it: after a paragraph, a cell or an output, by what
// they measure. What a student is asked comes with the next key, so that a room can guess first.

const SIZE = { width: 1280, height: 720, margin: 0 };
const PARTS =
  ".jp-MarkdownOutput > *, .jp-CodeCell > .jp-Cell-inputWrapper, .jp-OutputArea-child";

// A part within copies of all that it was in, up to the slide, which give it its looks.
function wrapped(part, slide) {
  let shell = part;
  for (let outer = part.parentElement; outer !== slide; outer = outer.parentElement) {
    const copy = outer.cloneNode(false);
    copy.dataset.cell = outer.id;
    copy.removeAttribute("id");
    copy.append(shell);
    shell = copy;
  }
  return shell;
}

const isAnswer = (shell) => shell.classList.contains("celltag_yours");
const isCode = (shell) => shell.classList.contains("jp-CodeCell");
const isRule = (shell) => shell.querySelector("hr") !== null;
const isFull = (page) => page.scrollHeight > SIZE.height;

// Whether a text makes no sense without what follows it.
function leadsOn(shell) {
  if (isCode(shell)) return false;
  return shell.querySelector("h1, h2, h3") !== null || !/[.?!)]$/.test(shell.textContent.trim());
}

// What is to stand on one page with a part: all of its cell before it, and what leads on to it.
function company(shell) {
  const taken = [shell];
  for (let before = shell.previousElementSibling; before; before = before.previousElementSibling) {
    const isSame = isCode(shell) && before.dataset.cell === shell.dataset.cell;
    if (!isSame && !leadsOn(before)) break;
    taken.unshift(before);
  }
  return taken;
}

// The parts of a slide, on as many pages as they need.
function cut(slide) {
  let page = slide;
  const turn = (...parts) => {
    page.after((page = slide.cloneNode(false)));
    page.append(...parts);
  };
  const shells = [...slide.querySelectorAll(PARTS)].map((part) => wrapped(part, slide));
  slide.replaceChildren();
  for (const shell of shells) {
    const last = page.lastElementChild;
    if (last && (isRule(shell) || (isAnswer(last) && !isAnswer(shell)))) turn();
    if (isRule(shell)) continue;
    page.append(shell);
    if (page.children.length > 1 && isFull(page)) turn(...company(shell));
    if (page.children.length > 1 && isFull(page)) turn(shell);
  }
}

// What is larger than a page all by itself is shown smaller.
function fit(page) {
  for (let zoom = 95; isFull(page) && zoom > 40; zoom -= 5) page.firstElementChild.style.zoom = zoom / 100;
}

// Answers come with a key, but for those that are a page's first.
function hide(page) {
  for (const shell of page.children) {
    if (!isAnswer(shell) || shell === page.firstElementChild) continue;
    shell.classList.add("fragment");
    shell.dataset.fragmentIndex = 0;
  }
}

async function start() {
  await MathJax.startup.promise;
  await MathJax.typesetPromise();
  await Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
  document.querySelectorAll(".slides > section > section").forEach(cut);
  const pages = [...document.querySelectorAll(".slides > section > section")];
  pages.forEach((page) => (page.children.length ? fit(page) : page.remove()));
  pages.forEach(hide);
  document.body.classList.remove("cutting");
  await Reveal.initialize({ ...SIZE, center: false, hash: true, slideNumber: "c/t" });
}

document.body.classList.add("cutting");
start();
