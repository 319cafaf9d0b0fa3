// What the kernel sent about the points: tables at once, the coordinates of a projection and thumbnails when asked for.
import { unpack } from "./packets.js";
import { Announcer } from "./announcer.js";

const KEPT = 16; // arrays of numbers worked out for an epoch
const BY_CATEGORY = "by category: ";

export class PointStore extends Announcer {
  constructor(model) {
    super();
    this.model = model;
    const opening = model.get("opening");
    Object.assign(this, opening.description);
    this.tables = unpack(opening.tables);
    const pairs = this.tables.pairs.values;
    this.count = pairs.length / 2;
    this.labels = this.categories.length;
    this.imageOf = new Int32Array(this.count);
    this.labelOf = new Uint16Array(this.count);
    this.sizes = new Int32Array(this.labels);
    this.places = new Map(this.ids.map((id, place) => [id, place]));
    this.columns = new Map(this.categories.map((name, column) => [name, column]));
    for (let i = 0; i < this.count; i++) {
      this.imageOf[i] = pairs[2 * i];
      this.labelOf[i] = pairs[2 * i + 1];
      this.sizes[pairs[2 * i + 1]] += 1;
    }
    this.groupByImage();
    this.layers = new Map(); // projection -> for each model {values, epochs}
    this.thumbnails = new Map();
    this.derived = new Map();
    this.problem = "";
    this.onMessage = (message, buffers) => this.receive(message, buffers);
    model.on("msg:custom", this.onMessage);
    this.keepPoints(opening.points);
  }

  close() {
    this.model.off("msg:custom", this.onMessage);
    for (const url of this.thumbnails.values()) if (url) URL.revokeObjectURL(url);
  }

  // The points of image i stand in `grouped` from `first[i]` to `first[i + 1]`.
  groupByImage() {
    this.first = new Int32Array(this.ids.length + 1);
    for (const image of this.imageOf) this.first[image + 1] += 1;
    for (let i = 0; i < this.ids.length; i++) this.first[i + 1] += this.first[i];
    const next = this.first.slice();
    this.grouped = new Int32Array(this.count);
    for (let i = 0; i < this.count; i++) this.grouped[next[this.imageOf[i]]++] = i;
  }

  pointsOfImage(image) {
    return this.grouped.subarray(this.first[image], this.first[image + 1]);
  }

  // The point of an image id and a category, or -1.
  place(id, name) {
    const label = this.columns.get(name);
    const image = this.places.get(id);
    return image === undefined ? -1 : (this.pointsOfImage(image).find((point) => this.labelOf[point] === label) ?? -1);
  }

  idOf(point) {
    return this.ids[this.imageOf[point]];
  }

  nameOf(point) {
    return this.categories[this.labelOf[point]];
  }

  // State of a category (by default the point's own) in the point's image, by a model: its place in STATES.
  stateOf(model, point, label = this.labelOf[point]) {
    return this.tables[`states.${model}`].values[this.imageOf[point] * this.labels + label];
  }

  describe(name) {
    return this.numbers.find((number) => number.name === name);
  }

  // Values of a number for all points at an epoch, float32 [P].
  number(model, name, epoch) {
    if (this.describe(name).kind === "point") return this.tables[`number.${model}.${name}`].values;
    const last = this.models[model].epochs.length - 1;
    const key = `${model} ${Math.min(epoch, last)} ${name}`;
    if (!this.derived.has(key)) {
      if (this.derived.size >= KEPT) this.derived.delete(this.derived.keys().next().value);
      const own = this.models[model].epochs[Math.min(epoch, last)].by_category[name.slice(BY_CATEGORY.length)];
      const values = new Float32Array(this.count);
      for (let i = 0; i < this.count; i++) values[i] = own[this.labelOf[i]] ?? NaN;
      this.derived.set(key, values);
    }
    return this.derived.get(key);
  }

  projection(name) {
    return this.projections.find((projection) => projection.name === name);
  }

  // Coordinates of a projection, or null while they are on their way.
  layer(name) {
    if (!this.layers.has(name)) this.askFor(name, { ask: "points", projection: name });
    return this.layers.get(name) || null;
  }

  // Why the points of a projection are not there, in words.
  missing(name) {
    return this.layers.has(name) ? "" : this.late(name, `the points of ${this.projection(name).title}`);
  }

  // A place in the plane of a projection from the steps in which coordinates are sent: [x, y].
  inPlane(model, name, epoch, point) {
    const layer = this.layers.get(name)?.[model];
    if (!layer) return [NaN, NaN];
    const [x0, y0, x1, y1] = this.projection(name).extents[model];
    const at = 2 * (Math.min(epoch, layer.epochs - 1) * this.count + point);
    return [x0 + (layer.values[at] / 65535) * (x1 - x0), y0 + (layer.values[at + 1] / 65535) * (y1 - y0)];
  }

  askThumbnails(images) {
    const missing = [...new Set(images)].filter((image) => !this.thumbnails.has(image));
    if (!missing.length) return;
    for (const image of missing) this.thumbnails.set(image, null);
    this.send({ ask: "thumbnails", images: missing });
  }

  receive(message, buffers) {
    if (message.answer === "error") {
      const { ask, projection } = message.question || {};
      if (ask === "points") setTimeout(() => this.asked.delete(projection), 3000);
      this.problem = message.text;
      this.tell("error", message.text);
      return;
    }
    this.problem = "";
    const packet = { ...message.packet, data: buffers[0] };
    if (message.answer === "points") this.keepPoints(packet);
    else this.keepThumbnails(packet);
  }

  keepPoints(packet) {
    const arrays = unpack(packet);
    this.asked.delete(packet.projection);
    this.layers.set(packet.projection, this.models.map((_, place) => ({ values: arrays[`points.${place}`].values, epochs: arrays[`points.${place}`].shape[0] })));
    this.tell("points");
  }

  keepThumbnails(packet) {
    for (const [image, { values }] of Object.entries(unpack(packet))) {
      if (values.length) this.thumbnails.set(Number(image), URL.createObjectURL(new Blob([values], { type: "image/jpeg" })));
    }
    this.tell("thumbnails");
  }
}
