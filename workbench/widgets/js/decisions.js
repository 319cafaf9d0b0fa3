// What the scores say: states, filters, sorting, rankings. Plain functions on numbers; no page, no drawing.

export const STATES = ["TP", "FP", "FN", "TN", "unknown"];

export const sigmoid = (value) => 1 / (1 + Math.exp(-value));

export function stateOf(target, logit, cut) {
  if (target < 0) return 4;
  return logit >= cut ? (target ? 0 : 1) : target ? 2 : 3;
}

export function statesOf(targets, logits, cut) {
  const states = new Uint8Array(targets.length);
  for (let i = 0; i < states.length; i++) states[i] = stateOf(targets[i], logits[i], cut);
  return states;
}

// For each image and label: 1 wrong before and right after, -1 the other way, 0 neither or unknown.
export function changesOf(targets, before, cutBefore, after, cutAfter) {
  const changes = new Int8Array(targets.length);
  for (let i = 0; i < changes.length; i++) {
    if (targets[i] < 0) continue;
    const was = before[i] >= cutBefore === (targets[i] === 1);
    const is = after[i] >= cutAfter === (targets[i] === 1);
    changes[i] = is - was;
  }
  return changes;
}

// A test of one cell of the table [images, labels] for a named filter.
export function cellTest(filter, states, changes) {
  if (filter === "all") return () => true;
  if (filter === "fixed") return (i) => changes !== null && changes[i] === 1;
  if (filter === "broken") return (i) => changes !== null && changes[i] === -1;
  const wanted = STATES.indexOf(filter);
  return (i) => states[i] === wanted;
}

// Images in which the test holds for `label`, or for any label if it is -1.
export function imagesWhere(count, labels, label, test) {
  const found = [];
  for (let image = 0; image < count; image++) {
    const from = image * labels + Math.max(label, 0);
    const end = label < 0 ? from + labels : from + 1;
    for (let i = from; i < end; i++) {
      if (test(i)) {
        found.push(image);
        break;
      }
    }
  }
  return found;
}

// How many images each filter keeps.
export function countFilters(count, labels, label, states, changes) {
  const totals = { all: count };
  for (const filter of [...STATES, ...(changes ? ["fixed", "broken"] : [])]) {
    totals[filter] = imagesWhere(count, labels, label, cellTest(filter, states, changes)).length;
  }
  return totals;
}

// Largest distance between the models' probabilities: of one label, or of the label where it is largest if `label` is -1.
export function disagreement(logits, labels, image, label) {
  let worst = 0;
  const from = image * labels + Math.max(label, 0);
  const end = label < 0 ? from + labels : from + 1;
  for (let i = from; i < end; i++) {
    let low = 1;
    let high = 0;
    for (const table of logits) {
      const p = sigmoid(table[i]);
      if (p < low) low = p;
      if (p > high) high = p;
    }
    if (high - low > worst) worst = high - low;
  }
  return worst;
}

// Images sorted by a key, largest first; equal ones keep their order.
export function sortedBy(images, keyOf) {
  const keys = new Map(images.map((image) => [image, keyOf(image)]));
  return images.slice().sort((a, b) => keys.get(b) - keys.get(a) || a - b);
}

// Labels of one image: predicted, missed and the rest, each by falling score.
export function rankLabels(states, logits, cut, image, labels) {
  const order = Array.from({ length: labels }, (_, label) => label);
  order.sort((a, b) => logits[image * labels + b] - logits[image * labels + a] || a - b);
  const groups = { predicted: [], missed: [], rest: [] };
  for (const label of order) {
    const i = image * labels + label;
    groups[logits[i] >= cut ? "predicted" : states[i] === 2 ? "missed" : "rest"].push(label);
  }
  return groups;
}

// The cell of an h x w grid under a place (x, y) in 0..1.
export function cellAt(spot, height, width) {
  return [Math.min(height - 1, Math.floor(spot[1] * height)), Math.min(width - 1, Math.floor(spot[0] * width))];
}

// Labels by falling value in one cell, those without a number last: [[label, value], ...].
export function rankAtCell(map, row, column) {
  const size = map.rows * map.columns;
  const at = row * map.columns + column;
  const ranked = Array.from(map.labels, (label, k) => [label, map.values[k * size + at]]);
  return ranked.sort((a, b) => Number.isNaN(a[1]) - Number.isNaN(b[1]) || b[1] - a[1] || a[0] - b[0]);
}
