// Learned vectors of labels and groups on the two main axes of them all.
import { h, setRead, setText } from "./dom.js";
import { groupColour } from "./graph.js";
import { sharp, shorten } from "./pairs.js";

export function vectorsPicture(app) {
  const { store, view } = app;
  const canvas = h("canvas", { role: "img" });
  const told = h("p", { class: "wb-soft" });
  const node = h("section", {}, h("h3", {}, "Learned vectors"), canvas, told);
  const { points, group_points: groups } = store.tables;
  let room = 360;
  let ground = { key: "" };

  const box = (width, height) => {
    const all = [...points.values, ...(groups ? groups.values : [])];
    const ends = [0, 1].map((axis) => all.filter((_, i) => i % 2 === axis)).map((values) => [Math.min(...values), Math.max(...values)]);
    const on = (value, axis, low, high) => low + ((value - ends[axis][0]) / (ends[axis][1] - ends[axis][0] || 1)) * (high - low);
    return (values, i) => [on(values[2 * i], 0, 50, width - 50), on(values[2 * i + 1], 1, height - 32, 24)];
  };

  function update() {
    if (!points) return;
    const [width, height] = [Math.max(240, Math.min(room, 480)), Math.max(240, Math.min(room, 480)) * 0.8];
    const key = [width, app.look.color, window.devicePixelRatio].join();
    const at = box(width, height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const dot = (label, size) => {
      const [x, y] = at(points.values, label);
      context.beginPath();
      context.arc(x, y, size, 0, 7);
      context.fillStyle = groupColour(store, store.group_of[label]);
      context.fill();
      context.strokeStyle = size > 5 ? app.look.accent : app.look.color;
      context.lineWidth = size > 5 ? 2.5 : 0.7;
      context.stroke();
      context.fillStyle = app.look.color;
      if (size > 5 || free(store.categories[label], x, y - 9)) context.fillText(shorten(store.categories[label]), x, y - 9);
    };
    // Names that would lie on others are left out; the chosen pair has its names in any case.
    const taken = [];
    function free(name, x, y) {
      const half = context.measureText(shorten(name)).width / 2;
      const clear = taken.every(([left, right, at]) => x + half < left || x - half > right || Math.abs(at - y) > 12);
      if (clear) taken.push([x - half, x + half, y]);
      return clear;
    }
    if (key !== ground.key) {
      sharp(canvas, width, height);
      context.font = `12px ${app.look.fontFamily}`;
      context.textAlign = "center";
      store.categories.forEach((_, label) => dot(label, 4));
      store.groups.forEach((name, group) => {
        if (!groups) return;
        const [x, y] = at(groups.values, group);
        context.fillStyle = groupColour(store, group);
        context.strokeStyle = app.look.color;
        context.lineWidth = 1.5;
        context.beginPath();
        for (const [dx, dy] of [[0, -8], [8, 0], [0, 8], [-8, 0]]) context.lineTo(x + dx, y + dy);
        context.closePath();
        context.fill();
        context.stroke();
        context.fillStyle = app.look.color;
        if (free(name, x, y + 20)) context.fillText(shorten(name), x, y + 20);
      });
      ground = { key, picture: context.getImageData(0, 0, canvas.width, canvas.height) };
    }
    context.putImageData(ground.picture, 0, 0);
    for (const label of [view.label, view.other]) dot(label, 6.5);
    setText(told, `Dots are labels${groups ? ", diamonds groups" : ""}, coloured by the group that a label belongs to most. Two main axes; they hold ${Math.round(100 * store.explained)} % of the variance, so that near dots may be far apart in the rest. Names that would cover others are left out; choose a label to see its.`);
    setRead(canvas, "aria-label", `Learned vectors of ${store.labels} labels${groups ? ` and ${store.groups.length} groups` : ""} on two axes; ${view.state.label} and ${view.state.other} are marked.`);
  }
  const resize = () => {
    room = node.clientWidth || room;
  };
  return { node, update, resize, available: Boolean(points) };
}
