// Small helpers that make elements. Text from data only ever becomes a text node.
import { STYLE } from "./style.js";

const SVG = "http://www.w3.org/2000/svg";
const TURNING = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u200e\u200f\u202a-\u202e\u2066-\u2069\ud802\ud803\ud83a\ud83b]/;
const turning = new Set(); // names that would change the order of the letters around them

// Tell of names from data, so that those written from right to left are isolated wherever they stand in a text.
export function expectNames(names) {
  for (const name of names) if (TURNING.test(name)) turning.add(name);
}

// Isolates of the name itself are left away: an open one would end only with the text.
function isolated(text) {
  for (const name of turning) text = text.replaceAll(name, `\u2068${name.replaceAll(/[\u2066-\u2069]/g, "")}\u2069`);
  return text;
}

const READ = new Set(["title", "alt", "aria-label"]); // attributes that are shown or read out

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : READ.has(name) ? isolated(value) : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined).map((child) => (typeof child === "string" ? isolated(child) : child)));
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

// choices: [[value, text, whether it leads to nothing], ...]; rebuilt only when they change.
export function setChoices(node, choices) {
  const key = JSON.stringify(choices);
  if (node.dataset.choices === key) return;
  node.dataset.choices = key;
  node.replaceChildren(...choices.map(([value, text, disabled]) => h("option", { value, disabled }, text)));
}

export function setText(node, text) {
  const shown = isolated(String(text));
  if (node.textContent !== shown) node.textContent = shown;
}

// What is read out of a node, or shown when one points at it.
export function setRead(node, name, text) {
  const shown = isolated(text);
  if (node.getAttribute(name) !== shown) node.setAttribute(name, shown);
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
