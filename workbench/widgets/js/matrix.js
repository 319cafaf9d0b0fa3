// A matrix of labels by labels: whatever the view says of every pair; a click chooses the pair.
import { ramp } from "./colormaps.js";
import { h, number, setRead, setText } from "./dom.js";
import { onArrows, sharp, shorten } from "./pairs.js";
import { STYLE } from "./style.js";

const NAMES_UP_TO = 40; // labels that have their names at the matrix

export function matrixPicture(app) {
  const { store, view } = app;
  const canvas = h("canvas", { class: "wb-matrix", role: "img", tabindex: "0" });
  const scale = h("div", { class: "wb-scale", "aria-hidden": "true" }, h("span"), h("i"), h("span"));
  const palette = () => (view.signed ? STYLE.signed_palette : "viridis");
  const node = h("div", { class: "wb-matrix-box" }, canvas, scale);
  const small = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  let room = 400;
  let ground = { key: "" };
  let at = null; // [row, column] as places in the order

  // Colours and names change seldom: they are kept, and the marks of the pair are drawn over them.
  function drawGround(n, margin, cell, size, key) {
    const context = sharp(canvas, size, size);
    const { order } = view;
    let top = 0;
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) if (i !== j) top = Math.max(top, view.value(i, j));
    if (view.bounded) top = 1;
    const low = view.signed ? -top : 0;
    // One pixel a cell, then enlarged at once: thousands of rectangles would take longer than a frame.
    const bytes = ramp(palette());
    small.canvas.width = small.canvas.height = n;
    const cells = small.createImageData(n, n);
    order.forEach((row, y) =>
      order.forEach((column, x) => {
        const level = Math.floor(Math.min(1, Math.max(0, (view.value(row, column) - low) / (top - low || 1))) * (STYLE.levels - 1) + 0.5) * 3;
        for (let c = 0; c < 3; c++) cells.data[4 * (y * n + x) + c] = row === column ? 128 : bytes[level + c];
        cells.data[4 * (y * n + x) + 3] = 255;
      }),
    );
    small.putImageData(cells, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(small.canvas, margin, margin, cell * n, cell * n);
    context.fillStyle = app.look.color;
    context.font = `${Math.min(12, Math.max(8, cell))}px ${app.look.fontFamily}`;
    if (n <= NAMES_UP_TO) {
      order.forEach((label, place) => {
        const name = shorten(store.categories[label]);
        context.textAlign = "right";
        context.fillText(name, margin - 5, margin + cell * (place + 0.5) + 4);
        context.save();
        context.translate(margin + cell * (place + 0.5) + 4, margin - 5);
        context.rotate(-Math.PI / 2);
        context.textAlign = "left";
        context.fillText(name, 0, 0);
        context.restore();
      });
    }
    ground = { key, low, top: top || 1, picture: context.getImageData(0, 0, canvas.width, canvas.height), margin, cell };
  }

  function update() {
    const n = store.labels;
    const margin = n <= NAMES_UP_TO ? 96 : 6;
    const cell = Math.max(2, Math.min(34, (Math.min(room, 560) - margin) / n));
    const size = margin + cell * n;
    const key = [view.state.values, view.state.sort, size, app.look.color, window.devicePixelRatio].join();
    if (key !== ground.key) drawGround(n, margin, cell, size, key);
    const context = canvas.getContext("2d");
    context.putImageData(ground.picture, 0, 0);
    const { order } = view;
    const mark = (row, column, width) => {
      const [x, y] = [margin + cell * column, margin + cell * row];
      for (const [colour, line] of [[STYLE.cursor.halo, width + 2], [STYLE.cursor.line, width]]) {
        context.strokeStyle = colour;
        context.lineWidth = line;
        context.strokeRect(x, y, cell, cell);
      }
    };
    mark(order.indexOf(view.label), order.indexOf(view.other), 2);
    if (at) mark(at[0], at[1], 1);
    scale.children[1].style.backgroundImage = `linear-gradient(to right, ${STYLE.palettes[palette()].join(", ")})`;
    setText(scale.children[0], number(ground.low));
    setText(scale.children[2], number(ground.top));
    const title = store.kinds.find(([name]) => name === view.state.values)[1];
    setRead(canvas, "aria-label", `${title}: ${n} by ${n} labels, chosen: row ${view.state.label}, column ${view.state.other}. Arrow keys move, Enter chooses the pair; the table holds the same numbers.`);
  }

  function point(cell) {
    at = cell;
    app.hover = cell && [view.order[cell[0]], view.order[cell[1]]];
    app.update();
  }

  canvas.addEventListener("pointermove", (event) => {
    const box = canvas.getBoundingClientRect();
    const [row, column] = [event.clientY - box.top, event.clientX - box.left].map((value) => Math.floor((value - ground.margin) / ground.cell));
    const inside = row >= 0 && column >= 0 && row < store.labels && column < store.labels;
    if (String(inside ? [row, column] : null) !== String(at)) point(inside ? [row, column] : null);
  });
  canvas.addEventListener("pointerleave", () => point(null));
  const choose = () => at && view.set({ label: store.categories[view.order[at[0]]], other: store.categories[view.order[at[1]]] });
  canvas.addEventListener("click", choose);
  onArrows(
    canvas,
    (down, right) => {
      const [row, column] = at || [view.order.indexOf(view.label), view.order.indexOf(view.other)];
      const clamp = (place) => Math.min(store.labels - 1, Math.max(0, place));
      point([clamp(row + down), clamp(column + right)]);
    },
    choose,
  );
  const resize = () => {
    room = node.clientWidth || room;
  };
  return { node, update, resize };
}
