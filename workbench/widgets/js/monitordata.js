// What the kernel knows of a training: facts that change every second, columns that grow with each epoch, maps when they are asked for.
import { bytesOf } from "./dom.js";
import { unpack } from "./packets.js";
import { Announcer } from "./announcer.js";

export const ACTIVE = ["starting", "training", "evaluating", "stopping"];
const KEPT = 400; // sets of maps
const WATCHED = 30000; // ms after which the kernel is told again that somebody looks on; it forgets a page that says nothing
const PATIENCE = 5000; // ms after which a question without an answer may be asked again

export class MonitorStore extends Announcer {
  constructor(model) {
    super();
    this.model = model;
    this.maps = new Map(); // "epoch label" -> {epoch, label, maps, logits, targets}
    this.asked = new Map(); // "epoch label" -> when
    this.open = ""; // the last question that has no answer yet
    this.strongest = new Map(); // label -> {kind: largest magnitude in all epochs}
    this.pictures = null;
    this.heard = performance.now();
    this.onFacts = () => {
      this.heard = performance.now();
      this.facts = model.get("facts");
      this.tell("facts");
    };
    this.onSeries = () => {
      this.readSeries();
      this.tell("series");
    };
    this.onMessage = (message, buffers) => this.receive(message, buffers);
    this.facts = model.get("facts");
    this.probed = [];
    this.readSeries();
    model.on("change:facts", this.onFacts);
    model.on("change:series", this.onSeries);
    model.on("msg:custom", this.onMessage);
    this.name = Math.random().toString(36).slice(2);
    this.watching = setInterval(() => this.watch(), WATCHED);
    this.watch();
  }

  // The kernel looks at the run folder as long as it is told that somebody looks on.
  watch() {
    this.model.send({ ask: "watch", view: this.name });
  }

  close() {
    clearInterval(this.watching);
    this.model.send({ ask: "leave", view: this.name });
    this.model.off("change:facts", this.onFacts);
    this.model.off("change:series", this.onSeries);
    this.model.off("msg:custom", this.onMessage);
  }

  readSeries() {
    const series = this.model.get("series");
    const before = this.probed.length;
    Object.assign(this, { categories: series.categories, ids: series.ids, kinds: series.kinds, stages: series.stages, probed: series.probed });
    this.series = unpack(series);
    this.columns = new Map(this.categories.map((name, column) => [name, column]));
    this.places = new Map(this.ids.map((id, place) => [id, place]));
    this.rows = this.stages.length;
    this.version = (this.version || 0) + 1; // a training that began anew may have as many epochs as the one before
    if (this.probed.length < before) {
      this.maps.clear();
      this.asked.clear();
      this.strongest.clear();
      this.pictures = null;
    }
  }

  get active() {
    return ACTIVE.includes(this.facts.state);
  }

  // A column of the history, or null.
  column(name) {
    return this.series[name]?.values || null;
  }

  // Names of the columns that begin with `prefix`.
  parts(prefix) {
    return Object.keys(this.series).filter((name) => name.startsWith(prefix));
  }

  // Average precision of a label after the epoch in row `row` (from 0), or NaN.
  ap(row, label) {
    const { values, shape } = this.series.ap;
    return row >= 0 && row < shape[0] && label < shape[1] ? values[row * shape[1] + label] : NaN;
  }

  probe(epoch, label) {
    return this.maps.get(`${epoch} ${label}`) || null;
  }

  // The last epoch's maps of a label that are here: those of the newest may be on their way.
  latest(label) {
    return [...this.maps.values()].reduce((last, each) => (each.label === label && each.epoch > (last?.epoch ?? 0) ? each : last), null);
  }

  // `patient`: not while an answer to an earlier question is still to come, or a quick training would leave no time to answer.
  ask(epoch, label, patient) {
    const key = `${epoch} ${label}`;
    const fresh = (since) => performance.now() - since < PATIENCE;
    if (this.maps.has(key) || fresh(this.asked.get(key) ?? -PATIENCE)) return;
    if (patient && this.open && fresh(this.asked.get(this.open) ?? -PATIENCE)) return;
    for (const old of this.maps.keys()) {
      if (this.maps.size < KEPT) break;
      this.maps.delete(old);
    }
    if (this.asked.size > KEPT) this.asked.clear();
    this.asked.set(key, performance.now());
    this.open = key;
    this.model.send({ ask: "maps", epoch, label });
  }

  askPictures() {
    if (this.pictures) return;
    this.pictures = [];
    this.model.send({ ask: "pictures" });
  }

  async receive(message, buffers) {
    if (message.answer === "error") {
      this.tell("error", message.text);
      return;
    }
    const { packet } = message;
    if (message.answer === "pictures") {
      const found = Object.values(unpack({ ...packet, data: buffers[0] }));
      this.pictures = await Promise.all(found.map(({ values }) => createImageBitmap(new Blob([bytesOf(values)], { type: "image/jpeg" })).catch(() => null)));
      this.tell("pictures");
    }
    if (message.answer !== "maps") return;
    const { logits, targets, ...rest } = unpack({ ...packet, data: buffers[0] });
    const maps = {};
    for (const [name, { values, shape }] of Object.entries(rest)) {
      const [count, rows, columns] = shape;
      maps[name.slice(5)] = Array.from({ length: count }, (_, i) => ({ rows, columns, values: values.subarray(i * rows * columns, (i + 1) * rows * columns) }));
    }
    this.strongest.set(packet.label, packet.strongest);
    const { epoch, label } = packet;
    const key = `${epoch} ${label}`;
    if (this.open === key) this.open = "";
    this.maps.set(key, { epoch, label, maps, logits: logits.values, targets: targets.values });
    this.tell("maps");
  }
}
