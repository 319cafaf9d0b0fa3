// From values to colours. The same arithmetic stands in style.py: a test compares canvas pixels with it.
import { STYLE } from "./style.js";

const ramps = new Map();

// Colours of a palette from low to high as bytes, [levels * 3].
export function ramp(palette) {
  if (!ramps.has(palette)) {
    const anchors = STYLE.palettes[palette].map((code) => [1, 3, 5].map((i) => parseInt(code.slice(i, i + 2), 16)));
    const bytes = new Uint8Array(STYLE.levels * 3);
    for (let level = 0; level < STYLE.levels; level++) {
      const place = (level * (anchors.length - 1)) / (STYLE.levels - 1);
      const below = Math.min(Math.floor(place), anchors.length - 2);
      for (let c = 0; c < 3; c++) {
        const value = anchors[below][c] + (anchors[below + 1][c] - anchors[below][c]) * (place - below);
        bytes[level * 3 + c] = Math.floor(value + 0.5);
      }
    }
    ramps.set(palette, bytes);
  }
  return ramps.get(palette);
}

export function paletteOf(kind, palette) {
  return kind.scale === "signed" ? STYLE.signed_palette : palette;
}

// Kinds of one unit share a scale. Maps that sum to one are far below 1 in each cell: magnitudes.
export function unitOf(kind) {
  return kind.scale === "unit" && kind.sums_to === "one" ? "magnitude" : kind.scale;
}

// The values at both ends of the colour bar.
export function valueRange(kind, strongest) {
  const top = strongest > 0 ? strongest : 1;
  if (kind.scale === "signed") return [-top, top];
  return unitOf(kind) === "unit" ? [0, 1] : [0, top];
}

// How much a value shows on the overlay, 0..1, from its place on the scale.
function weight(kind, share) {
  return kind.scale === "signed" ? Math.abs(2 * share - 1) : share;
}

const mixed = new Map();

// The packed colour of every pair (level, grey value below), at [level * 256 + grey]; `alpha` is 0..1, or null for opaque. A pixel is then
// one look-up, and a table serves until palette or strength change.
export function mixingTable(kind, palette, alpha) {
  const key = `${kind.scale === "signed"} ${paletteOf(kind, palette)} ${alpha}`;
  if (!mixed.has(key)) {
    if (mixed.size > 8) mixed.clear();
    const bytes = ramp(paletteOf(kind, palette));
    const table = new Uint32Array(STYLE.levels * 256);
    for (let level = 0; level < STYLE.levels; level++) {
      const opacity = alpha === null ? 1 : alpha * weight(kind, level / (STYLE.levels - 1));
      const [red, green, blue] = [0, 1, 2].map((channel) => bytes[level * 3 + channel] * opacity + 0.5);
      for (let grey = 0; grey < 256; grey++) {
        const rest = grey * (1 - opacity);
        table[level * 256 + grey] = 0xff000000 | ((rest + blue) << 16) | ((rest + green) << 8) | (rest + red);
      }
    }
    mixed.set(key, table);
  }
  return mixed.get(key);
}

// What stands for a value that is not a number: stripes, which no palette has, over the grey value.
export function nanColour(x, y, grey) {
  const { colour, stripe } = STYLE.nan;
  const [red, green, blue] = (x + y) % (2 * stripe) < stripe ? [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16)) : [grey, grey, grey];
  return (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
}

export const nanStripes = () => `repeating-linear-gradient(135deg, ${STYLE.nan.colour} 0 ${STYLE.nan.stripe}px, transparent 0 ${2 * STYLE.nan.stripe}px)`;

export function cssGradient(kind, palette) {
  return `linear-gradient(to right, ${STYLE.palettes[paletteOf(kind, palette)].join(", ")})`;
}
