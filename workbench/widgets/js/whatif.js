// What if? The picture is edited, the model at hand is asked again, and its scores before and after stand side by side.
import { h, probability, select, setText, stateIcon } from "./dom.js";
import { STATES, sigmoid, stateOf, statesOf } from "./decisions.js";
import { unpack } from "./packets.js";
import { inWords, mostChanged } from "./edits.js";
import { pen } from "./pen.js";

const ROWS = 7;
const LARGEST_OWN = 640; // px of the longer side of an own picture
const LOST = 20000; // ms without an answer, after which a question is asked again
const TOOLS = [
  ["box", "Box", "Cover a rectangle"],
  ["paint", "Paint", "Cover what the brush touches"],
  ["move", "Move", "Move an object of the scene"],
  ["delete", "Delete", "Take an object out of the scene"],
];
const HINTS = {
  box: "Drag a box over any of the pictures.",
  paint: "Paint over any of the pictures.",
  move: "Drag an object to another place: what follows from where it is follows it.",
  delete: "Click an object to take it out.",
};
const NO_MODEL = "There is no model at hand to ask about an edited picture: make the explorer with predict=workbench.predictor(model) to have one.";

export function whatIf(app, model, pictures) {
  const { store, view } = app;
  const node = h("section", { class: "wb-card wb-whatif", "aria-label": "What if?", hidden: true });
  if (!store.bench) {
    node.append(h("h3", {}, "What if?"), h("p", { class: "wb-soft" }, NO_MODEL));
    return { node, update: () => (node.hidden = !view.state.whatif), handle: () => false, words: () => "", close() {} };
  }

  let drafted = null; // the edit that is being drawn
  let asked = null; // {key, serial, when}: one question at a time, the last wish goes next
  let answered = null; // {key, image, edited, packet, models: [{before, after}], targets, things, ms}
  let failed = "";
  let problem = "";
  let plain = false; // show the picture as it was
  let asks = 0;
  let shown = "";

  const bench = {
    tool: "box",
    fill: "mean",
    brush: 0.05,
    source: null,
    things: () => (answered?.image === view.image ? answered.things : null),
    radius: () => {
      const [height, width] = view.shape;
      return [bench.brush, (bench.brush * width) / height];
    },
    tell(text) {
      setText(hint, text);
      return false;
    },
    draft(edit) {
      drafted = edit;
      if (edit) plain = false;
      ask();
      if (!edit) app.update();
    },
    commit() {
      const edit = drafted;
      drafted = null;
      if (edit) setEdits([...view.edits, edit]);
    },
  };

  const tools = TOOLS.map(([value, text, title]) => h("button", { "data-tool": value, title: `${title} (t: next tool)`, onclick: () => choose(value) }, text));
  const fill = select("Cover with", [["mean", "mean colour"], ["blur", "blur"], ["patch", "another place"]], (value) => {
    bench.fill = value;
    bench.source = bench.source || view.state.spot;
    app.update();
  });
  const brush = h("input", { type: "range", min: 0.01, max: 0.15, step: 0.01, value: bench.brush, "aria-label": "Width of the brush", oninput: () => (bench.brush = Number(brush.value)) });
  const fillBox = h("label", {}, "Cover with ", fill);
  const brushBox = h("label", {}, "Brush ", brush);
  const undo = h("button", { class: "wb-button", title: "Take the last edit back (u)", onclick: () => setEdits(view.edits.slice(0, -1)) }, "Undo");
  const reset = h("button", { class: "wb-button", title: "Take all edits of this picture back", onclick: () => setEdits([]) }, "Reset");
  const peek = h("button", { class: "wb-button", title: "Show the picture as it was (b)", onclick: () => flip() }, "Before");
  const file = h("input", { type: "file", accept: "image/*", hidden: true, "aria-label": "Own picture", onchange: () => upload(file.files[0]) });
  const own = h("button", { class: "wb-button", title: "Ask about a picture of your own", onclick: () => file.click() }, "Own picture…");
  const hint = h("p", { class: "wb-soft wb-hint" });
  const list = h("p", { class: "wb-edits" });
  const rows = Array.from({ length: Math.min(ROWS, store.labels) }, makeRow);
  const caption = h("caption");
  const table = h("table", { class: "wb-beforeafter" }, caption, h("thead", {}, h("tr", {}, ["label", "before", "after", "change"].map((text) => h("th", { scope: "col" }, text)), h("td"))), h("tbody", {}, rows.map((row) => row.node)));
  node.append(
    h("h3", {}, "What if? "),
    h("div", { class: "wb-tools", role: "group", "aria-label": "How to edit" }, h("span", { class: "wb-segments" }, tools), fillBox, brushBox, undo, reset, peek, own, file),
    hint,
    h("div", { class: "wb-table wb-changes" }, table),
    list,
  );
  const hand = pen(app, pictures, bench);

  function makeRow() {
    const icon = h("span", { class: "wb-state" });
    const name = h("button", { class: "wb-link", onclick: () => view.set({ label: name.dataset.label }) });
    const [before, after, change] = [h("td", { class: "wb-score" }), h("td", { class: "wb-score" }), h("td", { class: "wb-score" })];
    const bars = [h("span", { class: "wb-bar wb-was" }), h("span", { class: "wb-bar" })];
    const cut = h("span", { class: "wb-threshold" });
    const said = h("span", { class: "wb-soft" });
    const track = h("div", { class: "wb-two-bars", "aria-hidden": "true" }, bars, cut);
    return { node: h("tr", {}, h("th", { scope: "row" }, icon, name), before, after, change, h("td", {}, track, said)), icon, name, before, after, change, bars, cut, said };
  }

  function choose(tool) {
    hand.cancel();
    bench.tool = tool === bench.tool ? "" : tool;
    shown = "";
    app.update();
  }

  function flip() {
    plain = !plain;
    app.update();
  }

  function setEdits(edits) {
    plain = false;
    failed = "";
    calm();
    const { [view.state.image]: _, ...others } = view.state.edits;
    view.set({ edits: edits.length ? { ...others, [view.state.image]: edits } : others });
  }

  async function upload(picked) {
    file.value = "";
    if (!picked) return;
    try {
      const picture = await createImageBitmap(picked);
      const scale = Math.min(1, LARGEST_OWN / Math.max(picture.width, picture.height));
      const canvas = h("canvas", { width: Math.max(1, Math.round(picture.width * scale)), height: Math.max(1, Math.round(picture.height * scale)) });
      canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
      const key = `${app.uid}-${Date.now()}`;
      store.send({ ask: "upload", serial: key, key, data: canvas.toDataURL("image/jpeg", 0.95).split(",")[1] });
      setEdits([...view.edits, { do: "picture", key, name: picked.name, size: [canvas.height, canvas.width] }]);
    } catch {
      say(`${picked.name} cannot be read as a picture; choose a JPEG or a PNG.`);
    }
  }

  function calm() {
    if (problem && app.problem === problem) app.problem = "";
    problem = "";
  }

  function say(text) {
    problem = text;
    app.problem = text;
    app.update();
  }

  const wish = () => {
    const edits = drafted ? [...view.edits, drafted] : view.edits;
    return { image: view.image, edits };
  };

  // One question at a time; when its answer is there, the wish of that moment is asked for.
  function ask() {
    if (!view.state.whatif || !store.packet(view.image)) return;
    const wanted = wish();
    const key = JSON.stringify(wanted);
    if (key === answered?.key || key === failed || (asked && performance.now() - asked.when < LOST)) return;
    asks += 1;
    asked = { key, serial: `${app.uid}-${asks}`, when: performance.now(), edited: wanted.edits.length > 0 };
    store.send({ ask: "whatif", serial: asked.serial, ...wanted });
  }

  async function take(packet) {
    if (packet.serial !== asked?.serial) return;
    const question = asked;
    const arrays = unpack(packet);
    const decoded = await store.decode(packet);
    if (question !== asked) return;
    asked = null;
    decoded.serial = packet.serial;
    const models = store.models.map((_, place) => ["before", "after"].map((when) => arrays[`${when === "after" ? "logits" : when}.${place}`].values));
    answered = { key: question.key, image: packet.image, edited: question.edited, packet: decoded, models, states: [], targets: arrays.targets?.values || null, things: packet.things };
    calm();
    app.update();
    answered.ms = performance.now() - question.when;
    node.dataset.answered = answered.key;
    node.dataset.ms = answered.ms.toFixed(1);
    app.update(); // the status line says how long it took
  }

  function listen(what, value) {
    if (what === "whatif") take(value);
    if (what === "unanswered" && value.question.serial === asked?.serial) {
      failed = asked.key;
      asked = null;
      say(value.text);
    }
  }
  const forget = store.listen(listen);

  // The answer for the edited picture, whether that or the one before is shown, or null.
  view.pair = () => {
    const ours = view.state.whatif && answered?.edited && answered.image === view.image;
    return ours && wish().edits.length ? answered.packet : null;
  };
  // What the panes show instead of the archive's picture, or null.
  view.answer = () => (plain ? null : view.pair());
  // What a model says of the edited picture that is shown: logits before and after, and states now, of unknown truth where the edits are of
  // a photo; or null.
  view.edited = (place) => {
    if (!view.answer()) return null;
    const [before, after] = answered.models[place];
    answered.states[place] ??= statesOf(answered.targets || new Int8Array(after.length).fill(-1), after, store.models[place].cut);
    return { before, after, states: answered.states[place] };
  };

  function fillRows() {
    const { threshold, cut } = view.member;
    const [before, after] = answered.models[view.state.model];
    const [was, is] = [before, after].map((logits) => logits.map(sigmoid));
    const labels = mostChanged(was, is, view.label, rows.length);
    rows.forEach((row, place) => {
      const label = labels[place];
      const difference = is[label] - was[label];
      row.name.dataset.label = store.categories[label];
      setText(row.name, store.categories[label]);
      row.node.classList.toggle("wb-chosen", label === view.label);
      row.icon.replaceChildren(...(answered.targets ? [stateIcon(STATES[stateOf(answered.targets[label], after[label], cut)])] : []));
      setText(row.before, probability(was[label]));
      setText(row.after, probability(is[label]));
      setText(row.change, Math.abs(difference) < 0.005 ? "0" : `${difference > 0 ? "+" : "−"}${Math.abs(difference).toFixed(2)}`);
      row.bars[0].style.width = `${100 * was[label]}%`;
      row.bars[1].style.width = `${100 * is[label]}%`;
      row.cut.style.left = `${100 * threshold}%`;
      const flipped = before[label] >= cut !== after[label] >= cut;
      setText(row.said, flipped ? (after[label] >= cut ? "now predicted" : "no longer predicted") : "");
    });
    const truth = answered.targets ? " Signs say whether that is right for the scene as it is now." : "";
    setText(caption, answered.edited ? `${view.member.name}: the labels that changed most, the chosen one first.${truth}` : `${view.member.name} asked about the picture as it is; edit it to see what changes.`);
  }

  function update() {
    const open = view.state.whatif;
    node.hidden = !open;
    hand.update(open && !plain);
    if (!open) return;
    ask();
    const fits = Boolean(bench.things());
    const { edits } = view;
    for (const button of tools) {
      const { tool } = button.dataset;
      button.setAttribute("aria-pressed", String(tool === bench.tool));
      button.disabled = (tool === "move" || tool === "delete") && !fits;
      button.hidden = (tool === "move" || tool === "delete") && !store.bench.scenes;
    }
    const covers = bench.tool === "box" || bench.tool === "paint";
    fillBox.hidden = !covers;
    brushBox.hidden = bench.tool !== "paint";
    undo.disabled = reset.disabled = !edits.length;
    peek.disabled = !edits.length;
    peek.setAttribute("aria-pressed", String(plain));
    const key = JSON.stringify([bench.tool, bench.fill, fits, edits.length, view.image, plain]);
    if (key !== shown) {
      shown = key;
      const from = covers && bench.fill === "patch" ? " Click the place to copy from (p), then draw." : "";
      setText(hint, plain ? "The picture as it was. Press b for the edited one." : (HINTS[bench.tool] || "Choose a tool; without one, the pictures answer as before.") + from);
    }
    setText(list, edits.length ? inWords(edits) : "");
    table.hidden = answered?.image !== view.image;
    if (!table.hidden) fillRows();
  }

  function words() {
    if (!view.state.whatif || !view.answer()) return "";
    const [before, after] = answered.models[view.state.model].map((logits) => probability(sigmoid(logits[view.label])));
    return `Edited picture: ${view.state.label} ${before} before, ${after} after${answered.ms ? `, answered in ${Math.round(answered.ms)} ms` : ""}`;
  }

  const keys = {
    u: () => view.edits.length && setEdits(view.edits.slice(0, -1)),
    b: () => view.edits.length && flip(),
    t: () => {
      const free = tools.filter((button) => !button.disabled && !button.hidden).map((button) => button.dataset.tool);
      choose(free[(free.indexOf(bench.tool) + 1) % free.length]);
    },
  };

  // Whether a key was for the bench.
  function handle(event) {
    if (!view.state.whatif || !app.help.node.hidden) return false;
    if (hand.key(event)) return true;
    if (!keys[event.key] || event.target.matches("select, input")) return false;
    keys[event.key]();
    return true;
  }
  return { node, update, handle, words, close: forget };
}
