// What the kernel knows of a training: facts that change every second, columns that grow with each epoch, maps when they are asked for.
import { bytesOf } from "./dom.js";
import { unpack } from "./packets.js";
import { Announcer } from "./announcer.js";

export const ACTIVE = ["starting", "training", "evaluating", "stopping"];
const KEPT = 400; // sets of maps

export class MonitorStore extends Announcer {
  constructor(model) {
    super();
    this.model = model;
    this.maps = new Map(); // "epoch label" -> {maps, logits, targets}, or null while they are on their way
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
  }

  close() {
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
    if (this.probed.length < before) {
      this.maps.clear();
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

  ask(epoch, label) {
    const key = `${epoch} ${label}`;
    if (this.maps.has(key)) return;
    for (const old of this.maps.keys()) {
      if (this.maps.size < KEPT) break;
      this.maps.delete(old);
    }
    this.maps.set(key, null);
    this.model.send({ ask: "maps", epoch, label });
  }

  askPictures() {
    if (this.pictures) return;
    this.pictures = [];
    this.model.send({ ask: "pictures" });
  }

  async receive(message, buffers) {
    if (message.answer === "error") {
      const { question } = message;
      if (question?.ask === "maps") this.maps.delete(`${question.epoch} ${question.label}`);
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
    this.maps.set(`${packet.epoch} ${packet.label}`, { maps, logits: logits.values, targets: targets.values });
    this.tell("maps");
  }
}
