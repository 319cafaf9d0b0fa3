// The pen on the pictures: boxes, strokes and moved objects by mouse and by keyboard, drawn at once while the model is asked.
import { svg } from "./dom.js";
import { editOf, thingAt } from "./edits.js";

const STILL = 4; // px: a shorter way is a click
const DENSE = 0.006; // between two points of a stroke, in widths

// `bench` gives tool, fill, brush, source, things(), and takes draft(edit) while drawing and commit() at its end.
export function pen(app, node, bench) {
  const { store, view } = app;
  const under = svg("svg", { class: "wb-marks", viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true" });
  const marks = svg("svg", { class: "wb-marks", viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true" });
  let stroke = null;
  let swallow = false; // the click that ends a stroke
  let drawn = "";

  const needsThing = () => bench.tool === "move" || bench.tool === "delete";
  const placeOf = (canvas, event) => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height].map((share) => Math.min(0.9999, Math.max(0, share)));
  };

  function cells() {
    const maps = store.packet(view.image)?.models[view.state.model].maps[view.state.map];
    return maps ? [0.5 / maps.columns, 0.5 / maps.rows] : [0, 0];
  }

  function begin(canvas, at, keys) {
    const thing = needsThing() ? thingAt(bench.things(), at) : null;
    if (needsThing() && !thing) return bench.tell("There is no object here.");
    if (bench.fill === "patch" && !needsThing() && !bench.source) return bench.tell("First say where to copy from: click that place, or press p on it.");
    stroke = { canvas, from: at, to: at, points: [at], thing, keys, far: Boolean(keys), start: null };
    canvas.parentElement.append(under);
    if (keys || bench.tool === "delete") put();
    return true;
  }

  function put() {
    bench.draft(editOf(bench.tool, stroke, { fill: bench.fill, radius: bench.radius(), source: bench.source, half: stroke.keys ? cells() : [0, 0] }));
    mark();
  }

  function go(at) {
    stroke.to = at;
    const [x, y] = stroke.points.at(-1);
    if (Math.hypot(at[0] - x, at[1] - y) > DENSE) stroke.points.push(at);
    put();
  }

  function end(keep) {
    stroke = null;
    under.replaceChildren();
    if (keep) bench.commit();
    else bench.draft(null);
  }

  function onDown(event) {
    swallow = false;
    const canvas = event.target.closest?.(".wb-canvas");
    if (!canvas || !bench.tool || event.button || (stroke && !stroke.keys)) return;
    if (stroke) end(false);
    const at = placeOf(canvas, event);
    if (needsThing() && !thingAt(bench.things(), at)) return;
    if (bench.fill === "patch" && !needsThing() && !bench.source) {
      bench.source = at; // this click says where to copy from
      app.update();
      return;
    }
    if (!begin(canvas, at, false)) return;
    stroke.start = [event.clientX, event.clientY];
    try {
      canvas.setPointerCapture(event.pointerId);
    } catch {
      // a pointer that is no longer there, as of scripted events: the stroke goes on while it is over the pictures
    }
    event.preventDefault();
  }

  function onMove(event) {
    if (!stroke || stroke.keys) return;
    const [x, y] = stroke.start;
    stroke.far = stroke.far || Math.hypot(event.clientX - x, event.clientY - y) > STILL;
    if (stroke.far && bench.tool !== "delete") go(placeOf(stroke.canvas, event));
  }

  function onUp() {
    if (!stroke || stroke.keys) return;
    const dab = bench.tool === "paint" && bench.fill !== "patch";
    if (!stroke.far && bench.tool !== "delete" && !dab) {
      if (!needsThing() && bench.fill === "patch") bench.source = stroke.from;
      end(false);
      return;
    }
    if (!stroke.far && dab) put();
    swallow = true;
    end(true);
  }

  node.addEventListener("pointerdown", onDown, true);
  node.addEventListener("pointermove", onMove, true);
  node.addEventListener("pointerup", onUp, true);
  node.addEventListener("pointercancel", () => stroke && end(false), true);
  node.addEventListener("click", (event) => {
    if (swallow) event.stopPropagation();
    swallow = false;
  }, true);

  // Space puts the pen down on a picture and lifts it; the arrows move the cursor, and the pen with it; p says where "patch" copies from.
  function key(event) {
    if (event.key === "Escape" && stroke) {
      end(false);
      return true;
    }
    if (!event.target.classList.contains("wb-canvas")) return false;
    const { spot } = view.state;
    if (event.key === "p" && spot) {
      bench.source = spot;
      bench.tell("Patches are copied from here.");
      return true;
    }
    if (event.key !== " " || !bench.tool) return false;
    if (stroke) end(true);
    else if (!spot) bench.tell("Press Enter for a cursor, and move it with the arrows.");
    else if (begin(event.target, spot, true) && bench.tool === "delete") end(true);
    return true;
  }

  // Outlines in the unit square: a dark line below a bright one.
  const twice = (tag, attributes) => ["wb-halo", "wb-line"].map((name) => svg(tag, { ...attributes, class: name }));
  const rectangle = ([x0, y0, x1, y1]) => twice("rect", { x: x0, y: y0, width: x1 - x0, height: y1 - y0 });

  function mark() {
    if (!stroke) return;
    const { from, to, thing, points } = stroke;
    if (thing) {
      const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
      const [x0, y0, x1, y1] = thing.box;
      under.replaceChildren(...rectangle([x0 + dx, y0 + dy, x1 + dx, y1 + dy]));
    } else if (bench.tool === "paint") under.replaceChildren(...twice("polyline", { points: points.map((point) => point.join()).join(" "), fill: "none" }));
    else under.replaceChildren(...rectangle(editOf("box", stroke, { fill: "mean", half: stroke.keys ? cells() : [0, 0] }).box));
  }

  // The objects that can be taken, and the place that is copied from, on the first picture.
  function update(open) {
    if (stroke?.keys && view.state.spot && String(view.state.spot) !== String(stroke.to)) go(view.state.spot);
    node.classList.toggle("wb-pen", Boolean(open && bench.tool));
    const things = open && needsThing() && !stroke ? bench.things() || [] : [];
    const source = open && bench.tool && !needsThing() && bench.fill === "patch" ? bench.source : null;
    const key = JSON.stringify([things, source]);
    if (key === drawn) return;
    drawn = key;
    node.querySelector(".wb-stage").append(marks);
    marks.replaceChildren(...things.flatMap(({ box }) => rectangle(box)), ...(source ? rectangle([source[0] - 0.02, source[1] - 0.02, source[0] + 0.02, source[1] + 0.02]) : []));
  }
  return { key, update, cancel: () => stroke && end(false) };
}
