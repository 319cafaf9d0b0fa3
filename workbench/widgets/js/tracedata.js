// What the kernel sent to the template explorer: all weights at once, thumbnails of the images that a neuron fires on when they are wanted.
import { unpack } from "./packets.js";
import { State } from "./state.js";
import { Announcer } from "./announcer.js";

export class TraceStore extends Announcer {
  constructor(model) {
    super();
    this.model = model;
    const opening = model.get("opening");
    Object.assign(this, opening.description);
    this.labels = this.categories.length;
    this.columns = new Map(this.categories.map((name, column) => [name, column]));
    this.places = new Map(this.ids.map((id, place) => [id, place]));
    this.tables = unpack(opening.tables);
    [this.count, this.rows, this.width] = this.tables.template.shape;
    this.thumbnails = new Map();
    this.onMessage = (message, buffers) => (message.answer === "error" ? this.tell("error", message.text) : this.keep({ ...message.packet, data: buffers[0] }));
    model.on("msg:custom", this.onMessage);
    this.keep(opening.thumbnails);
  }

  close() {
    this.model.off("msg:custom", this.onMessage);
    for (const url of this.thumbnails.values()) if (url) URL.revokeObjectURL(url);
  }

  keep(packet) {
    for (const [image, { values }] of Object.entries(unpack(packet))) {
      this.thumbnails.set(Number(image), values.length ? URL.createObjectURL(new Blob([values], { type: "image/jpeg" })) : null);
    }
    this.tell("thumbnails");
  }

  ask(images) {
    const wanted = images.filter((image) => !this.thumbnails.has(image));
    if (!wanted.length) return;
    for (const image of wanted) this.thumbnails.set(image, null);
    this.send({ ask: "thumbnails", images: wanted });
  }

  template(neuron) {
    const size = this.rows * this.width;
    return this.tables.template.values.subarray(neuron * size, (neuron + 1) * size);
  }

  weight(name, neuron, label) {
    return this.tables[name].values[neuron * this.labels + label];
  }

  norm(neuron) {
    return Math.hypot(...this.template(neuron));
  }

  // The images that a neuron fires on most.
  imagesOf(neuron) {
    const [, most] = this.tables.top.shape;
    return Array.from(this.tables.top.values.subarray(neuron * most, (neuron + 1) * most)).filter((image) => image >= 0);
  }
}

export class TraceView extends State {
  signed = false;
  bounded = false;

  complete(next, changes) {
    if (!("neuron" in changes) && (next.label !== this.state.label || next.other !== this.state.other)) next.neuron = null;
  }

  refresh() {
    const strength = (neuron) => Math.abs(this.store.weight("outflow", neuron, this.label)) * this.store.norm(neuron) * Math.abs(this.store.weight("inflow", neuron, this.other));
    const all = Array.from({ length: this.store.count }, (_, neuron) => [strength(neuron), neuron]);
    this.neurons = all.sort((a, b) => b[0] - a[0] || a[1] - b[1]).slice(0, this.store.neurons).map(([, neuron]) => neuron);
  }

  get neuron() {
    return this.state.neuron ?? this.neurons[0];
  }

  get other() {
    return this.store.columns.get(this.state.other);
  }

  get order() {
    return this.store.orders[this.state.sort];
  }

  value(row, column) {
    const { labels, tables } = this.store;
    const strength = tables.pairs.values[row * labels + column];
    if (this.state.values === "strength") return strength;
    const others = tables.pairs.values.subarray(row * labels, (row + 1) * labels).reduce((sum, value, each) => sum + (each === row ? 0 : value), 0);
    return strength / (others || 1);
  }
}
