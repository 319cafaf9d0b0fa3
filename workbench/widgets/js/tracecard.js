// One neuron: its template, what it reads, what it moves, in words and bars.
import { ramp } from "./colormaps.js";
import { h, number } from "./dom.js";
import { STYLE } from "./style.js";

const CLEAR = 0.3; // correlation with a direction from which it is named
const LISTED = 6;

// The template in colours on a canvas of one pixel a cell, which the style sheet enlarges.
export function paintTemplate(canvas, values, rows, columns) {
  [canvas.width, canvas.height] = [columns, rows];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const picture = context.createImageData(columns, rows);
  const bytes = ramp(STYLE.signed_palette);
  const top = Math.max(...values.map(Math.abs)) || 1;
  values.forEach((value, cell) => {
    const level = Math.floor(((value + top) / (2 * top)) * (STYLE.levels - 1) + 0.5) * 3;
    for (let c = 0; c < 3; c++) picture.data[4 * cell + c] = bytes[level + c];
    picture.data[4 * cell + 3] = 255;
  });
  context.putImageData(picture, 0, 0);
  return top;
}

// Which way a template grows: its correlation with the column and the row number.
function slant(values, rows, columns) {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const spread = Math.hypot(...values.map((value) => value - mean));
  return [(cell) => cell % columns, (cell) => Math.floor(cell / columns)].map((place, axis) => {
    const middle = ((axis ? rows : columns) - 1) / 2;
    const along = values.map((_, cell) => place(cell) - middle);
    const product = values.reduce((sum, value, cell) => sum + (value - mean) * along[cell], 0);
    return product / (spread * Math.hypot(...along)) || 0;
  });
}

export function directionWords(values, rows, columns, inflow) {
  const [right, down] = slant(Array.from(values), rows, columns).map((each) => each * (inflow >= 0 ? 1 : -1));
  if (Math.max(Math.abs(right), Math.abs(down)) < CLEAR) return "has no clear direction";
  if (Math.abs(down) >= Math.abs(right)) return `fires more the ${down > 0 ? "lower" : "higher"} it is`;
  return `fires more the further ${right > 0 ? "right" : "left"} it is`;
}

export const signedText = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;

// Labels by the size of their weight, with bars to both sides of zero; a click chooses one.
export function weightList(store, name, neuron, chosen, choose) {
  const all = store.categories.map((_, label) => [store.weight(name, neuron, label), label]).sort((a, b) => Math.abs(b[0]) - Math.abs(a[0]));
  const top = Math.abs(all[0][0]) || 1;
  const shown = all.slice(0, LISTED);
  if (!shown.some(([, label]) => label === chosen)) shown.push(all.find(([, label]) => label === chosen));
  return h("ul", { class: "wb-weights" }, shown.map(([value, label]) => {
    const bar = h("i", { class: value < 0 ? "wb-less" : "wb-morebar" });
    bar.style.width = `${(50 * Math.abs(value)) / top}%`;
    return h("li", {}, h("button", { class: "wb-label", "aria-pressed": String(label === chosen), title: number(value, 4), onclick: () => choose(store.categories[label]) },
      h("span", { class: "wb-name" }, store.categories[label]), h("span", { class: "wb-both" }, bar), h("span", { class: "wb-score" }, signedText(value))));
  }));
}
