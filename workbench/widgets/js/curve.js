// Precision over recall of the chosen label, with the threshold on it, and how far its probabilities come true. Both also as a table.
import { h, setRead, setText } from "./dom.js";
import { sharp } from "./pairs.js";
import { firstAt, thresholdAfter } from "./sortedscores.js";
import { limitOf, percent, ratesOf, thresholdText } from "./rates.js";
import { STYLE } from "./style.js";

const MARGIN = { left: 34, right: 10, top: 22, bottom: 30 };
const BINS = 15;
const TICKS = [0, 0.25, 0.5, 0.75, 1];

// Axes from 0 to 100 %; returns the function from shares to pixels.
function axes(context, [width, height], look, [across, up]) {
  const { left, right, top, bottom } = MARGIN;
  const at = (x, y) => [left + x * (width - left - right), height - bottom - y * (height - bottom - top)];
  context.font = `11px ${look.fontFamily}`;
  context.lineWidth = 1;
  for (const tick of TICKS) {
    context.globalAlpha = 0.18;
    context.strokeStyle = look.color;
    context.beginPath();
    context.moveTo(...at(tick, 0));
    context.lineTo(...at(tick, 1));
    context.moveTo(...at(0, tick));
    context.lineTo(...at(1, tick));
    context.stroke();
    context.globalAlpha = 1;
    context.fillStyle = look.color;
    context.textAlign = "center";
    context.fillText(String(100 * tick), at(tick, 0)[0], height - bottom + 13);
    context.textAlign = "right";
    context.fillText(String(100 * tick), left - 4, at(0, tick)[1] + 4);
  }
  context.textAlign = "center";
  context.fillText(across, at(0.5, 0)[0], height - 4);
  context.textAlign = "left";
  context.fillText(up, 6, 12);
  return at;
}

function dot(context, [x, y], size, fill, stroke) {
  context.beginPath();
  context.arc(x, y, size, 0, 7);
  context.fillStyle = fill;
  context.fill();
  context.strokeStyle = stroke;
  context.lineWidth = 2;
  context.stroke();
}

// A chart whose ground is drawn when the label changes and kept, and whose marks are drawn over it.
function chart(app, name, ground, marks) {
  const canvas = h("canvas", { class: `wb-${name}`, role: "img" });
  let room = 320;
  let kept = { key: "" };
  function draw(key) {
    const size = [Math.max(220, Math.min(room, 460)), 220];
    const full = [key, ...size, app.look.color, window.devicePixelRatio].join();
    if (kept.key !== full) {
      const context = sharp(canvas, ...size);
      const at = ground(context, size);
      kept = { key: full, at, picture: context.getImageData(0, 0, canvas.width, canvas.height) };
    }
    const context = canvas.getContext("2d");
    context.putImageData(kept.picture, 0, 0);
    marks(context, kept.at);
  }
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return (event.clientX - box.left - MARGIN.left) / (box.width - MARGIN.left - MARGIN.right);
  };
  return { canvas, draw, place, fit: (width) => (room = width || room) };
}

export function curves(app) {
  const { store, view } = app;
  const title = h("h3");
  const told = h("p", { class: "wb-soft" });
  const fit = h("p", { class: "wb-soft" });
  const body = h("div", { class: "wb-table", tabindex: "0", role: "region", "aria-label": "Curve and calibration as a table" });
  const details = h("details", { class: "wb-curve-table" }, h("summary", {}, "As a table"), body);
  details.addEventListener("toggle", () => app.update());
  let steps = { key: "" };
  let tabled = "";

  function stepsOf() {
    const key = `${view.state.label} ${view.state.convention}`;
    if (steps.key !== key) steps = { key, ...store.measured.steps(view.label, view.convention) };
    return steps;
  }
  const operating = (threshold) => {
    const { hits, chosen, present } = store.measured.counts(view.label, limitOf(threshold), view.convention);
    return chosen && present ? ratesOf(hits, chosen, present, "zero") : null;
  };

  const recall = chart(app, "curve", (context, size) => {
    const at = axes(context, size, app.look, ["recall, %", "precision, %"]);
    const { hits, chosen, present } = stepsOf();
    if (!present) return at;
    context.strokeStyle = STYLE.models[0];
    context.lineWidth = 2;
    context.beginPath();
    const [[left, bottom], [right, top]] = [at(0, 0), at(1, 1)];
    let [lastX, lastY] = [-1, -1];
    for (let place = 0; place < hits.length; place++) {
      const x = left + ((right - left) * hits[place]) / present;
      const y = bottom + ((top - bottom) * hits[place]) / chosen[place];
      if (Math.abs(x - lastX) < 0.4 && Math.abs(y - lastY) < 0.4) continue;
      context.lineTo(x, y);
      [lastX, lastY] = [x, y];
    }
    context.stroke();
    return at;
  }, (context, at) => {
    for (const [threshold, fill] of [[view.compared(view.label), "#ffffff"], [view.threshold, STYLE.models[1]]]) {
      const point = operating(threshold);
      if (point) dot(context, at(point[1], point[0]), 5, fill, STYLE.models[1]);
    }
  });

  const bins = () => {
    const { "bins.count": count, "bins.confidence": confidence, "bins.present": present } = store.tables;
    return Array.from({ length: BINS }, (_, bin) => {
      const i = view.label * BINS + bin;
      return { count: count.values[i], confidence: confidence.values[i] / count.values[i], present: present.values[i] / count.values[i] };
    });
  };
  const calibration = chart(app, "calibration", (context, size) => {
    const at = axes(context, size, app.look, ["predicted probability, %", "really present, %"]);
    context.setLineDash([4, 4]);
    context.strokeStyle = app.look.color;
    context.globalAlpha = 0.6;
    context.beginPath();
    context.moveTo(...at(0, 0));
    context.lineTo(...at(1, 1));
    context.stroke();
    context.setLineDash([]);
    context.globalAlpha = 1;
    const filled = bins().filter(({ count }) => count);
    const most = Math.max(...filled.map(({ count }) => count));
    context.strokeStyle = STYLE.models[0];
    context.lineWidth = 2;
    context.beginPath();
    for (const bin of filled) context.lineTo(...at(bin.confidence, bin.present));
    context.stroke();
    for (const bin of filled) dot(context, at(bin.confidence, bin.present), 2 + 4 * Math.sqrt(bin.count / most), STYLE.models[0], STYLE.models[0]);
    return at;
  }, (context, at) => {
    context.strokeStyle = STYLE.models[1];
    context.lineWidth = 2;
    context.beginPath();
    context.moveTo(...at(view.threshold, 0));
    context.lineTo(...at(view.threshold, 1));
    context.stroke();
  });

  // A click takes the threshold at that recall.
  recall.canvas.addEventListener("click", (event) => {
    const { hits, present } = stepsOf();
    if (!present) return;
    const wanted = Math.min(1, Math.max(0, recall.place(event))) * present;
    const place = firstAt(hits, wanted - 0.5);
    view.move(view.label, thresholdAfter(stepsOf(), Math.min(hits.length - 1, place)));
  });

  function table() {
    const { hits, chosen, present } = stepsOf();
    const rows = Array.from({ length: 10 }, (_, i) => (i + 1) / 10).map((share) => {
      const place = firstAt(hits, share * present - 1e-9);
      const cells = present ? [percent(share), percent(hits[place] / chosen[place]), thresholdText(thresholdAfter(stepsOf(), place))] : [percent(share), "–", "–"];
      return h("tr", {}, cells.map((text) => h("td", {}, text)));
    });
    const lines = bins().map(({ count, confidence, present: share }, bin) => h("tr", {}, [`${percent(bin / BINS)}–${percent((bin + 1) / BINS)}`, count.toLocaleString("en"), percent(confidence), percent(share)].map((text) => h("td", {}, text))));
    const head = (names) => h("thead", {}, h("tr", {}, names.map((text) => h("th", { scope: "col" }, text))));
    body.replaceChildren(
      h("table", {}, h("caption", {}, `Precision over recall of “${view.state.label}”`), head(["recall from, %", "precision, %", "threshold"]), h("tbody", {}, rows)),
      h("table", {}, h("caption", {}, "Do the probabilities come true?"), head(["probability, %", "images", "mean probability, %", "really present, %"]), h("tbody", {}, lines)),
    );
  }

  const node = h("section", { class: "wb-curves", "aria-label": "Curves of the label" }, title, h("div", { class: "wb-charts" }, h("figure", {}, recall.canvas, told), h("figure", {}, calibration.canvas, fit)), details);
  function update() {
    const { label, convention } = view.state;
    const { ap } = view.convention;
    setText(title, `“${label}”: AP ${percent(store.AP[ap][view.label] ?? NaN)} (${ap})`);
    recall.draw(`${label} ${convention}`);
    calibration.draw(label);
    const [p, r, f1] = view.now.rates[view.label].map(percent);
    const sentence = `from ${thresholdText(view.threshold)}: precision ${p}, recall ${r}, F1 ${f1}`;
    const before = view.compared(view.label);
    const hollow = before === view.threshold ? "" : ` Hollow: from ${thresholdText(before)}.`;
    setText(told, `Filled: ${sentence}.${hollow} A click takes the threshold there.`);
    setRead(recall.canvas, "aria-label", `Precision over recall of ${label}; ${sentence}. The table below holds the same numbers.`);
    setText(fit, "On the dashed line, probabilities come true; larger dots hold more images. The upright line is the threshold.");
    setRead(calibration.canvas, "aria-label", `How often ${label} is present where the model predicts it with a probability; the table below holds the numbers.`);
    if (details.open && tabled !== steps.key) {
      tabled = stepsOf().key;
      table();
    }
  }
  const resize = () => {
    const wide = node.clientWidth;
    for (const each of [recall, calibration]) each.fit(wide > 560 ? (wide - 16) / 2 : wide);
  };
  return { node, update, resize };
}
