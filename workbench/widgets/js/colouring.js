// How each point is drawn: by one category against the rest, by a decision, or by a number; selected points stand out from the others.
import { STYLE } from "./style.js";
import { STATES } from "./decisions.js";
import { ramp } from "./colormaps.js";
import { SHAPES, mark, mix, rgbOf } from "./marks.js";

const LEVELS = 64; // colours of a number
const PALETTE = "viridis";
const FADED = 0.22; // of the strength, where others are selected
const ORDER = { TN: 0, unknown: 1, TP: 2, FN: 3, FP: 4 }; // what is drawn last lies on top

// In a crowd marks are blocks without shape or transparency: a quarter of a million of them is then a matter of milliseconds. Fainter is
// closer to the ground.
const solid = (styles, ground) => styles.map((each) => ({ ...each, rgb: mix(ground, each.rgb, each.alpha), alpha: 1 }));

// The styles of a view: [{mark, rgb, alpha, pass}], first those of points that are not selected, then the same for selected ones.
function stylesOf(view, look, radius, crowded) {
  const some = view.places.length > 0;
  const both = (list) => [...list.map((each) => ({ ...each, alpha: each.alpha * (some ? FADED : 1) })), ...list.map((each) => ({ ...each, alpha: Math.max(each.alpha, 0.95), pass: each.pass + 8 }))];
  const shaped = (shape, size, filled) => (crowded ? mark(null, radius) : mark(shape, size, filled));
  if (view.state.colour === "category") {
    return both([
      { mark: shaped(SHAPES.rest, radius * 0.9, true), rgb: look.rest, alpha: 0.55, pass: 0 },
      { mark: shaped(SHAPES.chosen, radius * 1.2, true), rgb: look.accent, alpha: 0.9, pass: 1 },
    ]);
  }
  if (view.state.colour === "state") {
    return both(STATES.map((name) => {
      const { shape, filled, colour } = STYLE.states[name];
      const quiet = name === "TN" || name === "unknown";
      return { mark: shaped(shape, radius * (quiet ? 1 : 1.2), filled), rgb: quiet ? look.rest : rgbOf(colour), alpha: quiet ? 0.6 : 0.9, pass: ORDER[name] };
    }));
  }
  const bytes = ramp(PALETTE);
  const levels = Array.from({ length: LEVELS }, (_, level) => {
    const at = 3 * Math.round((level * (STYLE.levels - 1)) / (LEVELS - 1));
    return { mark: shaped(SHAPES.rest, radius * 1.05, true), rgb: [...bytes.subarray(at, at + 3)], alpha: 0.9, pass: 1 };
  });
  return both([...levels, { mark: shaped(STYLE.states.unknown.shape, radius, false), rgb: look.rest, alpha: 0.6, pass: 0 }]);
}

// Which style each point has.
function choose(store, view, model, style, half) {
  const { colour, number } = view.state;
  const { mask, column } = view;
  const { count, labels, labelOf, imageOf } = store;
  if (colour === "category") {
    for (let i = 0; i < count; i++) style[i] = (labelOf[i] === column ? 1 : 0) + (mask[i] ? half : 0);
  } else if (colour === "state") {
    const states = store.tables[`states.${model}`].values;
    for (let i = 0; i < count; i++) style[i] = states[imageOf[i] * labels + column] + (mask[i] ? half : 0);
  } else {
    const values = store.number(model, number, view.epoch);
    const [low, high] = store.describe(number).range;
    const step = (LEVELS - 1) / (high - low || 1);
    for (let i = 0; i < count; i++) {
      const level = (values[i] - low) * step + 0.5;
      style[i] = (level >= 0 ? Math.min(LEVELS - 1, level | 0) : level < 0 ? 0 : LEVELS) + (mask[i] ? half : 0);
    }
  }
}

export class Colouring {
  constructor(store, model) {
    this.store = store;
    this.model = model;
    this.style = new Uint8Array(store.count);
    this.order = new Uint32Array(store.count);
  }

  // {styles, style, order} for the view.
  of(view, look, radius, crowded) {
    const { style, order, store } = this;
    const named = stylesOf(view, look, radius, crowded);
    const styles = crowded ? solid(named, look.ground) : named;
    choose(store, view, this.model, style, styles.length / 2);
    const passes = Uint8Array.from(styles, (each) => each.pass);
    const next = new Uint32Array(17);
    for (let i = 0; i < style.length; i++) next[passes[style[i]] + 1] += 1;
    for (let pass = 0; pass < 16; pass++) next[pass + 1] += next[pass];
    for (let i = 0; i < style.length; i++) order[next[passes[style[i]]]++] = i;
    return { styles, style, order };
  }
}

// Half the width of a mark in pixels: smaller where many points share the plot.
export const CROWD = 60_000; // points

export function radiusFor(points, width, height, zoom) {
  const room = Math.sqrt((width * height * zoom) / Math.max(1, points));
  return Math.min(5, Math.max(1, 0.9 + 0.2 * room));
}

// Colours that follow the theme.
export function lookOf(root, accent) {
  const style = getComputedStyle(root);
  const [ground, text] = [rgbOf(style.backgroundColor), rgbOf(style.color)];
  return { color: style.color, fontFamily: style.fontFamily, ground, text, rest: mix(ground, text, 0.42), accent: rgbOf(accent), accentText: accent };
}

export const gradient = `linear-gradient(to right, ${STYLE.palettes[PALETTE].join(", ")})`;
