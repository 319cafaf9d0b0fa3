// The label graph: an arrow from each label to those that listen to it, placed by force or on a circle; a click chooses a label.
import { h, setRead } from "./dom.js";
import { onArrows, sharp, shorten } from "./pairs.js";
import { STYLE } from "./style.js";

const MARGIN = 46;

export const groupColour = (store, group) => (group < 0 ? "#8a8a8a" : STYLE.groups[group % STYLE.groups.length]);

export function graphPicture(app) {
  const { store, view } = app;
  const canvas = h("canvas", { class: "wb-graph", role: "img", tabindex: "0" });
  const node = h("div", {}, canvas);
  let room = 400;
  let ground = { key: "" };
  let places = [];
  let at = null; // label under the pointer or the arrows

  function place(width, height) {
    const { force } = store.tables;
    const { order } = view;
    const turn = (label) => (2 * Math.PI * order.indexOf(label)) / order.length - Math.PI / 2;
    places = store.categories.map((_, label) => {
      const [x, y] = view.state.layout === "force" ? [force.values[2 * label], force.values[2 * label + 1]] : [0.5 + 0.5 * Math.cos(turn(label)), 0.5 + 0.5 * Math.sin(turn(label))];
      return [MARGIN + x * (width - 2 * MARGIN), 22 + y * (height - 44)];
    });
  }

  // From the label that talks to the one that listens, bent so that both directions are seen.
  function arrow(context, from, to) {
    const [x0, y0] = places[from];
    const [x1, y1] = places[to];
    const [dx, dy] = [x1 - x0, y1 - y0];
    const length = Math.hypot(dx, dy) || 1;
    const [mx, my] = [(x0 + x1) / 2 - dy * 0.12, (y0 + y1) / 2 + dx * 0.12];
    const [ex, ey] = [x1 - mx, y1 - my];
    const end = Math.hypot(ex, ey) || 1;
    const [tx, ty] = [x1 - (ex / end) * 9, y1 - (ey / end) * 9];
    context.beginPath();
    context.moveTo(x0, y0);
    context.quadraticCurveTo(mx, my, tx, ty);
    context.stroke();
    if (length < 14) return;
    const angle = Math.atan2(ey, ex);
    context.beginPath();
    context.moveTo(tx, ty);
    for (const side of [-0.42, 0.42]) context.lineTo(tx - 9 * Math.cos(angle + side), ty - 9 * Math.sin(angle + side));
    context.fill();
  }

  const edges = () => store.once(`edges ${store.tables.neighbours ? "" : view.state.threshold}`, () => {
    const found = [];
    for (let row = 0; row < store.labels; row++) for (let column = 0; column < store.labels; column++) if (view.listens(row, column)) found.push([column, row]);
    return found;
  });

  function draw(context, pair) {
    const strong = pair.length > 0;
    context.font = `12px ${app.look.fontFamily}`;
    context.textAlign = "center";
    context.fillStyle = context.strokeStyle = strong ? app.look.accent : app.look.color;
    context.lineWidth = strong ? 2 : 1;
    context.globalAlpha = strong ? 1 : 0.35;
    for (const [from, to] of edges()) if (!strong || pair.includes(from) || pair.includes(to)) arrow(context, from, to);
    context.globalAlpha = 1;
    places.forEach(([x, y], label) => {
      if (strong && !pair.includes(label)) return;
      context.beginPath();
      context.arc(x, y, strong ? 8 : 6, 0, 7);
      context.fillStyle = groupColour(store, store.group_of[label]);
      context.fill();
      context.lineWidth = strong ? 2.5 : 1;
      context.strokeStyle = strong ? app.look.accent : app.look.color;
      context.stroke();
      context.fillStyle = app.look.color;
      if (strong || store.labels <= 40) context.fillText(shorten(store.categories[label]), x, y - 12);
    });
  }

  function update() {
    const [width, height] = [Math.max(260, Math.min(room, 620)), Math.max(260, Math.min(room, 620) * 0.8)];
    const key = [view.state.layout, view.state.sort, view.state.threshold, width, app.look.color, window.devicePixelRatio].join();
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (key !== ground.key) {
      place(width, height);
      draw(sharp(canvas, width, height), []);
      ground = { key, picture: context.getImageData(0, 0, canvas.width, canvas.height) };
    }
    context.putImageData(ground.picture, 0, 0);
    draw(context, [view.label, view.other, ...(at === null ? [] : [at])]);
    const heard = (label) => edges().filter(([, to]) => to === label).map(([from]) => store.categories[from]).join(", ") || "no label";
    setRead(canvas, "aria-label", `Label graph, ${store.labels} labels and ${edges().length} arrows. ${view.state.label} listens to ${heard(view.label)}. Arrow keys move along the labels, Enter chooses one as the second of the pair.`);
  }

  function point(label) {
    at = label;
    app.hover = label === null ? null : [view.label, label];
    app.update();
  }
  canvas.addEventListener("pointermove", (event) => {
    const box = canvas.getBoundingClientRect();
    const away = places.map(([x, y]) => Math.hypot(x - event.clientX + box.left, y - event.clientY + box.top));
    const near = away.indexOf(Math.min(...away));
    const found = away[near] < 20 ? near : null;
    if (found !== at) point(found);
  });
  canvas.addEventListener("pointerleave", () => point(null));
  // The first click chooses a label, the next one its partner.
  const choose = () => at !== null && view.set({ label: view.state.other, other: store.categories[at] });
  canvas.addEventListener("click", choose);
  onArrows(
    canvas,
    (down, right) => {
      const { order } = view;
      const here = order.indexOf(at === null ? view.other : at);
      point(order[(here + down + right + order.length) % order.length]);
    },
    choose,
  );
  const resize = () => {
    room = node.clientWidth || room;
  };
  return { node, update, resize };
}
