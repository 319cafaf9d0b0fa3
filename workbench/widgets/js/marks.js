// The marks of points: small shapes as lists of pixels with their cover, made from the paths of style.json.
import { STYLE } from "./style.js";

const sheet = document.createElement("canvas");
const made = new Map();

// Pixels of a shape around its middle: {x, y, cover} with cover in 0..255. `radius` in pixels; open shapes are outlines. No shape, or one
// too small to be seen as such, is a block.
export function mark(shape, radius, filled) {
  const key = `${shape} ${radius.toFixed(2)} ${filled}`;
  if (!made.has(key)) {
    if (made.size > 200) made.clear();
    made.set(key, shape && radius >= 1.3 ? drawn(shape, radius, filled) : block(radius));
  }
  return made.get(key);
}

function block(radius) {
  const side = Math.max(2, Math.round(1.7 * radius));
  const from = -((side - 1) >> 1);
  const place = (at) => Int8Array.from({ length: side * side }, (_, i) => from + at(i));
  return { x: place((i) => i % side), y: place((i) => Math.floor(i / side)), cover: new Uint8Array(side * side).fill(255), side };
}

function drawn(shape, radius, filled) {
  const reach = Math.ceil(radius) + 2;
  const side = 2 * reach + 1;
  sheet.width = sheet.height = side;
  const context = sheet.getContext("2d", { willReadFrequently: true });
  context.translate(reach + 0.5, reach + 0.5);
  context.scale(radius / 5, radius / 5);
  context.translate(-6, -6);
  const path = new Path2D(shape);
  if (filled) context.fill(path);
  else {
    context.lineWidth = Math.max(1.6, 6 / radius);
    context.stroke(path);
  }
  const { data } = context.getImageData(0, 0, side, side);
  const pixels = [];
  for (let i = 0; i < side * side; i++) if (data[4 * i + 3] > 12) pixels.push([(i % side) - reach, Math.floor(i / side) - reach, data[4 * i + 3]]);
  const column = (place, Type) => Type.from(pixels, (pixel) => pixel[place]);
  return { x: column(0, Int8Array), y: column(1, Int8Array), cover: column(2, Uint8Array) };
}

export const SHAPES = {
  chosen: STYLE.states.FN.shape, // a diamond
  rest: STYLE.states.TP.shape, // a disc
};

const colours = new Map();

// Any colour of a style sheet as [red, green, blue].
export function rgbOf(css) {
  if (!colours.has(css)) {
    sheet.width = sheet.height = 1;
    const context = sheet.getContext("2d", { willReadFrequently: true });
    context.fillStyle = css;
    context.fillRect(0, 0, 1, 1);
    colours.set(css, [...context.getImageData(0, 0, 1, 1).data.subarray(0, 3)]);
  }
  return colours.get(css);
}

export const mix = (a, b, share) => a.map((value, c) => Math.round(value * (1 - share) + b[c] * share));
