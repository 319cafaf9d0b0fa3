// Where an explorer meets the page that holds it: which keys it keeps, how wide it is, light or dark, and its still picture.

const FUNCTION_KEY = /^F\d+$/;
const takers = new WeakMap(); // node -> functions of a key press
const claimed = new Set(); // explorers on this page
const heldKeys = new Set(); // codes of keys that went down in an explorer and are not up yet

// `handle({key, target, shiftKey})` says whether it takes a key that is pressed in `node`; inner nodes are asked first.
export function listenKeys(node, handle) {
  takers.set(node, handle);
}

// Plain keys belong to the explorer. Combinations, Tab and function keys belong to the page: it saves, copies, moves the focus. What AltGr
// types is plain.
function isPlain(event) {
  const { key = "" } = event;
  if (key === "Tab" || FUNCTION_KEY.test(key)) return false;
  if (key.length === 1 && event.getModifierState?.("AltGraph")) return true;
  return !(event.ctrlKey || event.metaKey || event.altKey);
}

function offer(event, path) {
  const press = { key: event.key, shiftKey: event.shiftKey, target: path[0] };
  for (const node of path) {
    if (takers.get(node)?.(press)) return event.preventDefault();
    if (claimed.has(node)) return undefined;
  }
  return undefined;
}

// Some pages listen in the capture phase, on the document: Notebook 7, for one. Nothing is asked before the window, so that keys are taken
// there, before they reach anybody, and the explorer is asked from here. What the browser itself does with a key, it does.
function onKey(event) {
  const path = event.composedPath();
  const inside = path.some((node) => claimed.has(node));
  const { type, code } = event;
  if (type === "keyup") {
    if (!heldKeys.delete(code)) return;
  } else if (!inside || !isPlain(event)) {
    heldKeys.delete(code);
    return;
  } else heldKeys.add(code);
  event.stopImmediatePropagation();
  if (type === "keydown" && !event.isComposing) offer(event, path);
}

const KEY_EVENTS = ["keydown", "keypress", "keyup"];

function claimKeys(root) {
  if (!claimed.size) for (const type of KEY_EVENTS) window.addEventListener(type, onKey, true);
  claimed.add(root);
  return () => {
    claimed.delete(root);
    if (!claimed.size) for (const type of KEY_EVENTS) window.removeEventListener(type, onKey, true);
  };
}

const pixel = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

// Brightness 0..1 of any colour of a style sheet, or null where one sees through it.
function brightness(css) {
  pixel.clearRect(0, 0, 1, 1);
  pixel.fillStyle = "#0000";
  pixel.fillStyle = css;
  pixel.fillRect(0, 0, 1, 1);
  const [red, green, blue, alpha] = pixel.getImageData(0, 0, 1, 1).data;
  return alpha < 128 ? null : (0.3 * red + 0.59 * green + 0.11 * blue) / 255;
}

const DARK = ".vscode-dark, .vscode-high-contrast:not(.vscode-high-contrast-light), .dark, .dark-theme, [theme=dark], [data-theme=dark], [data-jp-theme-light=false]";
const LIGHT = ".vscode-light, .vscode-high-contrast-light, .light, .light-theme, [theme=light], [data-theme=light], [data-jp-theme-light=true]";

// Whether the page around `root` is dark: what is painted behind it, else what the page calls itself, else what the reader prefers.
function isDark(root) {
  const up = (node) => node.parentElement || node.getRootNode().host;
  for (let node = up(root); node; node = up(node)) {
    const seen = brightness(getComputedStyle(node).backgroundColor);
    if (seen !== null) return seen < 0.5;
  }
  for (const node of [document.body, document.documentElement]) {
    if (node.matches(DARK)) return true;
    if (node.matches(LIGHT)) return false;
  }
  return window.matchMedia("(prefers-color-scheme: dark)").matches;
}

// JupyterLab's colours are taken where they fit what is around: widgets outside JupyterLab may bring its light ones into a dark page.
function followTheme(root) {
  const dark = isDark(root);
  const lab = brightness(getComputedStyle(root).getPropertyValue("--jp-layout-color1") || "#0000");
  root.dataset.colours = lab === null || lab < 0.5 !== dark ? "own" : "lab";
  root.style.colorScheme = dark ? "dark" : "light";
}

// As long as the explorer is there, the still picture that was shown with it is not needed.
function hideStill(name) {
  if (!name) return () => {};
  const style = document.createElement("style");
  style.textContent = `.jp-OutputArea-child:has(> * > figure.${name}), .jp-OutputArea-child:has(> figure.${name}), figure.${name} { display: none; }`;
  document.head.append(style);
  return () => style.remove();
}

// The outputs and the notebook around `el`, to see later what became of it.
function surroundings(el) {
  const outputs = [];
  for (let child = el.closest(".jp-OutputArea-child"); child; child = child.parentElement?.closest(".jp-OutputArea-child")) outputs.push([child, child.parentElement]);
  return { outputs, notebook: el.closest(".jp-Notebook") };
}

// "gone": an output that held it was replaced or cleared. "unseen": it is shown no longer, as of a cell that was deleted. "": the notebook was
// closed, and finds it again.
function fate({ outputs, notebook }) {
  if (outputs.some(([child, area]) => area.isConnected && !child.isConnected)) return "gone";
  return notebook && !notebook.isConnected ? "" : "unseen";
}

const SETTLED = 1000; // ms after which a view that was moved is there again
const counts = new Map(); // explorer -> how many views this page shows
const PAGE_KEY = "workbench page";
let page = Math.random().toString(36).slice(2);
try {
  page = sessionStorage[PAGE_KEY] ??= page; // the same after a reload
} catch {
  // a frame without storage
}

// Tell the kernel that this page shows the explorer; the function that is returned tells it in time what became of that.
function tellViews(model, name, around) {
  const shown = model.get("shown");
  if (shown === undefined) return () => {}; // a page without a kernel
  const tell = (views) => {
    try {
      model.send({ ask: "views", views, page, shown: model.get("shown") });
    } catch {
      // without a kernel nobody needs to know
    }
  };
  counts.set(name, (counts.get(name) || 0) + 1);
  if (counts.get(name) === 1) tell("seen");
  return () => {
    counts.set(name, counts.get(name) - 1);
    setTimeout(() => {
      if (counts.get(name) !== 0) return;
      counts.delete(name);
      const views = fate(around());
      if (views) tell(views);
    }, SETTLED);
  };
}

// Settle an explorer in `el`: `changed()` is called when its width or the theme changes. Returns the function that ends it.
export function settle(root, el, model, changed) {
  const still = model.get("still");
  let around = { outputs: [], notebook: null };
  const undo = [claimKeys(root), hideStill(still), tellViews(model, still, () => around)];
  el.classList.add("wb-host");
  function measure() {
    if (el.isConnected) around = surroundings(el);
    followTheme(root);
    changed();
  }
  const sizes = new ResizeObserver(measure);
  sizes.observe(root);
  const themes = new MutationObserver(measure);
  for (const node of [document.documentElement, document.body]) themes.observe(node, { attributes: true });
  const preferred = window.matchMedia("(prefers-color-scheme: dark)");
  preferred.addEventListener("change", measure);
  measure();
  return () => {
    sizes.disconnect();
    themes.disconnect();
    preferred.removeEventListener("change", measure);
    for (const each of undo) each();
  };
}
