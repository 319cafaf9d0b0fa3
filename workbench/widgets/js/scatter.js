// The plot of one model: points below, and above them what moves with the pointer: rings, an outline that is being drawn.
import { h, setRead, setText } from "./dom.js";
import { Raster } from "./raster.js";
import { Finder, corners, insideOutline } from "./picking.js";
import { CROWD, Colouring, radiusFor } from "./colouring.js";

const MARGIN = 14; // CSS pixels around the points
const REACH = 12; // CSS pixels from the pointer to a point
const CLICK = 4; // CSS pixels that a click may move

export function scatter(app, model) {
  const { store, view } = app;
  const base = h("canvas", { class: "wb-points", "aria-hidden": "true" });
  const over = h("canvas", { class: "wb-over", role: "img", tabindex: "0" });
  const waiting = h("p", { class: "wb-missing", hidden: true });
  const stage = h("div", { class: "wb-plot" }, base, over, waiting);
  const title = h(app.store.models.length > 1 ? "button" : "span", { class: "wb-title", title: "Make this the model whose numbers are listed (c)" }, store.models[model].name);
  title.addEventListener("click", () => view.set({ model }));
  const moment = h("span", { class: "wb-value" });
  const node = h("div", { class: "wb-scatter" }, h("div", { class: "wb-head" }, title, moment), stage);
  const raster = new Raster(base);
  const finder = new Finder(raster);
  const colouring = new Colouring(store, model);
  const context = over.getContext("2d", { willReadFrequently: true });
  let [width, height, ratio] = [0, 0, 1];
  let placed = "";
  let painted = "";
  let frame = null; // [ax, bx, ay, by]: from steps to device pixels
  let drag = null; // {tool, path, how, zoom}

  function resize() {
    ratio = Math.min(2, window.devicePixelRatio || 1);
    width = stage.clientWidth || width || 400;
    height = Math.round(Math.min(560, Math.max(260, width * (store.models.length > 1 ? 0.9 : 0.72))));
    stage.style.height = `${height}px`;
    raster.resize(Math.round(width * ratio), Math.round(height * ratio));
    over.width = raster.width;
    over.height = raster.height;
    placed = painted = "";
  }

  function framing() {
    const [x0, y0, x1, y1] = store.projection(view.state.projection).extents[model];
    const [cx, cy, scale] = view.state.zoom || [0.5, 0.5, 1];
    const unit = Math.min((width - 2 * MARGIN) / (x1 - x0), (height - 2 * MARGIN) / (y1 - y0)) * scale * ratio;
    const [ax, ay] = [(unit * (x1 - x0)) / 65535, (-unit * (y1 - y0)) / 65535];
    return [ax, raster.width / 2 - ax * 65535 * cx, ay, raster.height / 2 - ay * 65535 * cy];
  }

  // Draw what has changed since the last time. Returns false while the points are not here.
  function draw() {
    const layer = store.layer(view.state.projection)?.[model];
    waiting.hidden = Boolean(layer);
    setText(waiting, store.missing(view.state.projection));
    base.style.visibility = layer ? "" : "hidden";
    if (!layer) return false;
    const at = Math.min(layer.epochs - 1, view.moment ?? view.state.epoch);
    const place = `${view.state.projection} ${at} ${view.state.zoom} ${width} ${height} ${ratio}`;
    if (place !== placed) {
      frame = framing();
      const from = Math.floor(at);
      raster.place(layer.values, store.count, from * store.count, Math.min(layer.epochs - 1, from + 1) * store.count, at - from, frame);
    }
    const { colour, category, number } = view.state;
    const moving = store.describe(number).kind === "category" ? view.epoch : "";
    const paint = `${colour} ${colour === "number" ? number + moving : category} ${view.version} ${app.look.ground} ${app.look.accent} ${app.look.rest}`;
    if (place !== placed || paint !== painted) {
      const radius = radiusFor(store.count, width, height, view.state.zoom?.[2] || 1) * ratio;
      if (paint !== painted || !colouring.last || radius !== colouring.radius) colouring.last = colouring.of(view, app.look, radius, store.count > CROWD);
      colouring.radius = radius;
      const { order, style, styles } = colouring.last;
      raster.paint(order, style, styles, app.look.ground);
    }
    placed = place;
    painted = paint;
    return true;
  }

  function ring(point, radius, colour, thick) {
    if (point < 0 || raster.at?.[point] < 0) return;
    context.beginPath();
    context.arc(raster.column(point) / ratio, raster.row(point) / ratio, radius, 0, 7);
    context.lineWidth = thick + 2;
    context.strokeStyle = `rgb(${app.look.ground})`;
    context.stroke();
    context.lineWidth = thick;
    context.strokeStyle = colour;
    context.stroke();
  }

  function drawOver() {
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    if (!raster.at) return;
    const point = view.hover >= 0 ? view.hover : view.point;
    if (point >= 0) for (const other of store.pointsOfImage(store.imageOf[point])) if (other !== point) ring(other, 4.5, `rgb(${app.look.rest})`, 1.2);
    ring(view.point, 8, app.look.accentText, 2);
    if (view.hover >= 0) ring(view.hover, 7, app.look.color, 1.5);
    if (drag?.path.length > 1 && drag.tool !== "point") {
      context.beginPath();
      const path = drag.tool === "rectangle" ? corners(drag.path) : drag.path;
      path.forEach(([x, y], place) => (place ? context.lineTo(x, y) : context.moveTo(x, y)));
      context.closePath();
      context.fillStyle = `rgb(${app.look.accent.join(" ")} / 0.12)`;
      context.fill();
      context.lineWidth = 1.5;
      context.strokeStyle = app.look.accentText;
      context.setLineDash([5, 3]);
      context.stroke();
      context.setLineDash([]);
    }
  }

  const at = (event) => {
    const box = over.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const under = ([x, y]) => finder.nearest(x * ratio, y * ratio, REACH * ratio);
  const howOf = (event) => (event.shiftKey ? "add" : event.altKey ? "remove" : view.state.combine);

  function pan([fromX, fromY], [x, y]) {
    const [cx, cy, scale] = drag.zoom;
    if (scale === 1) return;
    const clamp = (value) => Math.min(1, Math.max(0, value));
    view.set({ zoom: [clamp(cx - ((x - fromX) * ratio) / (frame[0] * 65535)), clamp(cy - ((y - fromY) * ratio) / (frame[2] * 65535)), scale] });
  }

  over.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    drag = { tool: view.state.tool, path: [at(event)], how: howOf(event), zoom: view.state.zoom || [0.5, 0.5, 1] };
    if (event.isTrusted) over.setPointerCapture(event.pointerId);
  });
  over.addEventListener("pointermove", (event) => {
    const here = at(event);
    if (!drag) return app.pointAt(under(here));
    const [x, y] = drag.path.at(-1);
    if (Math.hypot(here[0] - x, here[1] - y) < 1.5) return undefined;
    if (drag.tool === "lasso") drag.path.push(here);
    else drag.path[1] = here;
    if (drag.tool === "point") pan(drag.path[0], here);
    else drawOver();
    return undefined;
  });
  over.addEventListener("pointerup", (event) => {
    if (!drag) return;
    const { tool, path, how } = drag;
    drag = null;
    const moved = Math.max(...path.map(([x, y]) => Math.hypot(x - path[0][0], y - path[0][1])));
    if (moved < CLICK) view.choose(under(at(event)));
    else if (tool !== "point" && raster.at) {
      const outline = tool === "rectangle" ? corners(path) : path;
      view.pick(insideOutline(raster, outline.map(([x, y]) => [x * ratio, y * ratio])), how);
    }
    drawOver();
  });
  over.addEventListener("pointercancel", () => {
    drag = null;
    drawOver();
  });
  over.addEventListener("pointerleave", () => app.pointAt(-1));
  over.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return; // plain turns scroll the page
    event.preventDefault();
    app.zoomBy(event.deltaY < 0 ? 1.25 : 0.8, spotIn(at(event)));
  }, { passive: false });

  // A place in the plot as shares of the projection's extent.
  function spotIn([x, y]) {
    return frame ? [(x * ratio - frame[1]) / (frame[0] * 65535), (y * ratio - frame[3]) / (frame[2] * 65535)] : [0.5, 0.5];
  }

  function update() {
    setText(moment, view.epochTitle(model));
    node.classList.toggle("wb-active", store.models.length > 1 && model === view.state.model);
    over.dataset.tool = view.state.tool;
    const shown = draw();
    drawOver();
    const { projection, category, number, colour } = view.state;
    const by = colour === "category" ? `${category} against the rest` : colour === "state" ? `decision about ${category} in each point's image` : store.describe(number).title;
    const words = `${store.projection(projection).title} of ${store.count} points of ${store.models[model].name} at ${view.epochTitle(model)}, coloured by ${by}; ${view.places.length} selected. Left and right arrows go from point to point; the tabs below hold the same as tables.`;
    setRead(over, "aria-label", words);
    return shown;
  }

  // While the player runs: the points alone.
  function play() {
    setText(moment, view.epochTitle(model));
    draw();
    drawOver();
  }

  return { node, update, resize, play, drawOver, placeOf: (point) => [raster.column(point) / ratio, raster.row(point) / ratio, raster.at[point] >= 0] };
}
