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

// For each level the colour times its opacity, with 0.5 for rounding, and what is left of the picture below: level by level a sum.
// `alpha` is 0..1, or null for opaque.
export function mixingRamp(kind, palette, alpha) {
  const bytes = ramp(paletteOf(kind, palette));
  const [inverse, red, green, blue] = Array.from({ length: 4 }, () => new Float32Array(STYLE.levels));
  for (let level = 0; level < STYLE.levels; level++) {
    const opacity = alpha === null ? 1 : alpha * weight(kind, level / (STYLE.levels - 1));
    inverse[level] = 1 - opacity;
    red[level] = bytes[level * 3] * opacity + 0.5;
    green[level] = bytes[level * 3 + 1] * opacity + 0.5;
    blue[level] = bytes[level * 3 + 2] * opacity + 0.5;
  }
  return { inverse, red, green, blue };
}

export function cssGradient(kind, palette) {
  return `linear-gradient(to right, ${STYLE.palettes[paletteOf(kind, palette)].join(", ")})`;
}
