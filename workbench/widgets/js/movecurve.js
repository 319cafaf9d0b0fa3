// The chosen label's score against the place of the moved object, a line for each model, and below it where the label is true.
import { h, number, setRead } from "./dom.js";
import { sharp } from "./pairs.js";
import { STYLE } from "./style.js";

const EDGE = { left: 44, right: 12, top: 24, bottom: 52 };
const HIGH = 280;
const QUARTERS = [0, 0.25, 0.5, 0.75, 1];

export function moveCurve(app) {
  const { store, view } = app;
  const canvas = h("canvas", { class: "wb-sweep", role: "img" });
  let room = 420;
  let dragging = false;

  const wide = () => Math.max(260, Math.min(room, 620));
  const xAt = (place) => EDGE.left + place * (wide() - EDGE.left - EDGE.right);

  function range(label) {
    if (view.state.scale === "probability") return [0, 1];
    const all = store.models.flatMap((_, model) => view.now.places.map((_, place) => view.logit(model, place, label)));
    const [low, high] = [Math.min(0, ...all), Math.max(0, ...all)];
    const pad = 0.05 * (high - low || 1);
    return [low - pad, high + pad];
  }

  function update() {
    if (!view.now) return;
    const { label, now, place } = view;
    const context = sharp(canvas, wide(), HIGH);
    const [low, high] = range(label);
    const floor = HIGH - EDGE.bottom;
    const yAt = (value) => floor - ((value - low) / (high - low)) * (floor - EDGE.top);
    context.font = `11px ${app.look.fontFamily}`;
    context.fillStyle = context.strokeStyle = app.look.color;
    const line = (points, width, colour, alpha = 1) => {
      context.globalAlpha = alpha;
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.beginPath();
      for (const point of points) context.lineTo(...point);
      context.stroke();
      context.globalAlpha = 1;
    };
    for (const quarter of QUARTERS) {
      const value = low + quarter * (high - low);
      line([[xAt(0), yAt(value)], [xAt(1), yAt(value)]], 1, app.look.color, 0.18);
      context.textAlign = "right";
      context.fillText(number(value), EDGE.left - 6, yAt(value) + 4);
      context.textAlign = "center";
      context.fillText(String(100 * quarter), xAt(quarter), floor + 26);
    }
    context.textAlign = "left";
    context.fillText(`${view.state.scale} of “${view.state.label}”`, 6, 12);
    context.textAlign = "center";
    context.fillText(`middle of ${view.state.thing}, % of the frame, ${view.state.axis === "down" ? "top to bottom" : "left to right"}`, xAt(0.5), HIGH - 6);
    // Where it is true: a band from half way to the place before to half way to the next.
    now.places.forEach((_, each) => {
      const from = each ? (now.places[each - 1] + now.places[each]) / 2 : 0;
      const to = each + 1 < now.places.length ? (now.places[each] + now.places[each + 1]) / 2 : 1;
      const there = view.truth(each, label);
      context.fillStyle = there ? STYLE.states.TP.colour : app.look.color;
      context.globalAlpha = there ? 1 : 0.15;
      context.fillRect(Math.round(xAt(from)), floor + 4, Math.round(xAt(to)) - Math.round(xAt(from)), 8);
    });
    context.globalAlpha = 1;
    line([[xAt(now.places[place]), EDGE.top], [xAt(now.places[place]), floor + 12]], 1.5, app.look.accent);
    store.models.forEach((_, model) => {
      const points = now.places.map((at, each) => [xAt(at), yAt(view.value(model, each, label))]);
      line(points, 2, STYLE.models[model]);
      points.forEach(([x, y], each) => {
        context.beginPath();
        context.arc(x, y, each === place || each === now.start ? 5 : 2.5, 0, 7);
        context.fillStyle = each === now.start && each !== place ? "#ffffff" : STYLE.models[model];
        context.fill();
        context.lineWidth = 2;
        if (each === now.start) context.stroke();
      });
    });
    setRead(canvas, "aria-label", `${view.state.scale} of ${view.state.label} against the place of ${view.state.thing}; the table below holds the numbers. Left and right move the object.`);
  }

  function point(event) {
    if (!view.now) return;
    const box = canvas.getBoundingClientRect();
    const share = (event.clientX - box.left - EDGE.left) / (box.width - EDGE.left - EDGE.right);
    const distances = view.now.places.map((place) => Math.abs(place - share));
    view.set({ place: distances.indexOf(Math.min(...distances)) });
  }
  canvas.addEventListener("pointerdown", (event) => {
    dragging = true;
    canvas.setPointerCapture?.(event.pointerId);
    point(event);
  });
  canvas.addEventListener("pointermove", (event) => dragging && point(event));
  for (const type of ["pointerup", "pointercancel"]) canvas.addEventListener(type, () => (dragging = false));
  const fit = (width) => (room = width || room);
  return { canvas, update, fit };
}
