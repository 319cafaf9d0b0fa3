// Small helpers that make elements. Text from data only ever becomes a text node.
import { STYLE } from "./style.js";

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return node;
}

export function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

// The sign of a state: a shape and a colour, with its words for those who see neither.
export function stateIcon(state) {
  const { colour, shape, filled, word, meaning } = STYLE.states[state];
  const path = svg("path", { d: shape, fill: filled ? colour : "none", stroke: colour, "stroke-width": "1.8" });
  return svg("svg", { viewBox: "0 0 12 12", class: "wb-icon", role: "img", "aria-label": word }, svg("title", {}, `${state}: ${meaning}`), path);
}

export function select(label, choices, onchange) {
  const node = h("select", { "aria-label": label, onchange: () => onchange(node.value) });
  setChoices(node, choices);
  return node;
}

// choices: [[value, text], ...]; rebuilt only when they change.
export function setChoices(node, choices) {
  const key = JSON.stringify(choices);
  if (node.dataset.choices === key) return;
  node.dataset.choices = key;
  node.replaceChildren(...choices.map(([value, text]) => h("option", { value }, text)));
}

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function number(value, digits = 2) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1000 || size < 1e-4) return value.toExponential(1).replace("-", "−");
  const text = size >= 1 ? value.toFixed(digits) : value.toPrecision(digits);
  return String(Number(text)).replace("-", "−");
}

export function probability(value) {
  return value.toFixed(2);
}

export function bytesOf(value) {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

// Keys that `handle` takes go no further, nor do plain ones: JupyterLab would move between cells, or cut them. Ctrl+S and the like pass.
export function listenKeys(root, handle) {
  root.addEventListener("keydown", (event) => {
    if (handle(event)) event.preventDefault();
    const modified = event.ctrlKey || event.metaKey || event.altKey;
    if (event.key !== "Tab" && !modified) event.stopPropagation();
  });
}
