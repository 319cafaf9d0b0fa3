// Which points: by a form's wishes, in an order, and the numbers of a set of them. No page, no drawing.

// A test of a point for the wishes of the form: category, state ("TP" or "FN"), and ranges [low, high] of numbers; null means any.
export function wishTest(app, wish) {
  const { store, view } = app;
  const { model, projection } = view.state;
  const label = wish.category ? store.columns.get(wish.category) : -1;
  const state = { TP: 0, FN: 2 }[wish.state] ?? -1;
  const within = ([low, high], value) => (low === null || value >= low) && (high === null || value <= high);
  const ranges = Object.entries(wish.ranges).filter(([, [low, high]]) => low !== null || high !== null);
  const numbers = ranges.filter(([name]) => name !== "x" && name !== "y").map(([name, range]) => [range, store.number(model, name, view.epoch)]);
  const places = ranges.filter(([name]) => name === "x" || name === "y").map(([name, range]) => [range, name === "x" ? 0 : 1]);
  return (point) =>
    (label < 0 || store.labelOf[point] === label) &&
    (state < 0 || store.stateOf(model, point) === state) &&
    numbers.every(([range, values]) => within(range, values[point])) &&
    places.every(([range, axis]) => within(range, store.inPlane(model, projection, view.epoch, point)[axis]));
}

// The first `most` of some points, by rising values or by falling ones; points without a value come last. No need to sort them all.
export function firstBy(points, values, falling, most) {
  const sign = falling ? -1 : 1;
  const key = (point) => (Number.isNaN(values[point]) ? Infinity : sign * values[point]);
  const best = [];
  const keys = [];
  for (const point of points) {
    const own = key(point);
    if (best.length >= most && own >= keys[most - 1]) continue;
    let low = 0;
    let high = keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (keys[middle] <= own) low = middle + 1;
      else high = middle;
    }
    best.splice(low, 0, point);
    keys.splice(low, 0, own);
    if (best.length > most) {
      best.pop();
      keys.pop();
    }
  }
  return best;
}

// Means over some points, in the full space: to the own centre, to the other centres, their ratio, and the share that is nearest to its own.
export function separationOf(store, model, points) {
  const own = store.tables[`number.${model}.own`].values;
  const others = store.tables[`others.${model}`].values;
  const nearest = store.tables[`number.${model}.nearest`].values;
  let [intra, inter, right] = [0, 0, 0];
  for (const point of points) {
    intra += own[point];
    inter += others[point];
    if (own[point] < nearest[point]) right += 1;
  }
  const count = points.length;
  return count ? { intra: intra / count, inter: inter / count, ratio: inter / intra, right: right / count, count } : { count };
}

export const fixed = (value) => (Number.isFinite(value) ? value.toFixed(2).replace("-", "−") : "–");
