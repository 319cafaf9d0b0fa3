// Edits of a picture: from a stroke of the pen to an edit, edits in words, and which labels they changed. Plain functions; no page.

const clamp = (value) => Math.min(1, Math.max(0, value));

// What a stroke {from, to, points, thing} makes with a tool. `half` is half a cell where the pen moves by cells, `source` the place that
// "patch" copies from.
export function editOf(tool, stroke, { fill, radius, source, half }) {
  const { from, to, points, thing } = stroke;
  if (tool === "move") return { do: "move", thing: thing.thing, by: [to[0] - from[0], to[1] - from[1]] };
  if (tool === "delete") return { do: "delete", thing: thing.thing };
  const away = ([x, y]) => (fill === "patch" ? { shift: [source[0] - x, source[1] - y] } : {});
  if (tool === "paint") return { do: "paint", points, radius, fill, ...away(points[0]) };
  const low = [0, 1].map((axis) => clamp(Math.min(from[axis], to[axis]) - half[axis]));
  const high = [0, 1].map((axis) => clamp(Math.max(from[axis], to[axis]) + half[axis]));
  return { do: "box", box: [...low, ...high], fill, ...away([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2]) };
}

// The object at a place, the smallest of those whose boxes hold it, or null.
export function thingAt(things, [x, y]) {
  const area = ({ box: [x0, y0, x1, y1] }) => (x1 - x0) * (y1 - y0);
  const there = (things || []).filter(({ box: [x0, y0, x1, y1] }) => x >= x0 && x <= x1 && y >= y0 && y <= y1);
  return there.reduce((best, thing) => (!best || area(thing) <= area(best) ? thing : best), null);
}

const COVERS = { mean: "mean colour", blur: "blur", patch: "another place" };

export function inWords(edits) {
  const words = edits.map((edit) => {
    if (edit.do === "picture") return `own picture ${edit.name}`;
    if (edit.do === "move") return "object moved";
    if (edit.do === "delete") return "object deleted";
    return `${edit.do === "box" ? "box" : "stroke"} (${COVERS[edit.fill]})`;
  });
  return words.length ? `${words.length} ${words.length === 1 ? "edit" : "edits"}: ${words.join(", ")}.` : "";
}

// Labels by how far their probability changed, largest first, then by the new one; `chosen` in front; at most `count` of them.
export function mostChanged(before, after, chosen, count) {
  const order = Array.from(after, (_, label) => label);
  const change = (label) => Math.abs(after[label] - before[label]);
  order.sort((a, b) => (b === chosen) - (a === chosen) || change(b) - change(a) || after[b] - after[a] || a - b);
  return order.slice(0, count);
}
