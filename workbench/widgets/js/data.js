// What the kernel sent: tables of all images at once, and one packet for each image, asked for when needed and kept up to a limit.
import { unpack } from "./packets.js";
import { changesOf, sigmoid, statesOf } from "./decisions.js";
import { Announcer } from "./announcer.js";

const KEPT = 96e6; // bytes of decoded images
const PATIENCE = 3000; // ms before an image that could not be had is asked for again

async function bitmap(bytes, type) {
  return createImageBitmap(new Blob([bytes], { type }));
}

function canvasOf(image) {
  const canvas = document.createElement("canvas");
  canvas.width = image.width;
  canvas.height = image.height;
  canvas.getContext("2d", { willReadFrequently: true }).drawImage(image, 0, 0);
  return canvas;
}

// A mask as bytes, 1 inside.
function maskOf(image) {
  const canvas = canvasOf(image);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const { width, height } = canvas;
  const source = context.getImageData(0, 0, width, height).data;
  const inside = new Uint8Array(width * height);
  for (let i = 0; i < inside.length; i++) inside[i] = source[4 * i] > 127 ? 1 : 0;
  return { inside, width, height };
}

// Maps are half floats beside a scale each; older archives have none.
function unscale(values, scales) {
  const size = scales ? values.length / scales.length : 0;
  for (let i = 0; i < values.length && scales; i++) values[i] *= scales[Math.floor(i / size)];
}

export class Store extends Announcer {
  constructor(model) {
    super();
    this.model = model;
    const opening = model.get("opening");
    Object.assign(this, opening.description);
    this.count = this.ids.length;
    this.labels = this.categories.length;
    this.tables = unpack(opening.tables);
    this.targets = this.tables.targets.values;
    this.places = new Map(this.ids.map((id, place) => [id, place]));
    this.columns = new Map(this.categories.map((name, column) => [name, column]));
    this.packets = new Map();
    this.failed = new Map();
    this.thumbnails = new Map();
    this.derived = new Map();
    this.bytes = 0;
    this.onMessage = (message, buffers) => this.receive(message, buffers);
    model.on("msg:custom", this.onMessage);
    this.keepThumbnails(opening.thumbnails);
    this.asked.set(opening.image.image, performance.now());
    this.keepImage(opening.image);
  }

  close() {
    this.model.off("msg:custom", this.onMessage);
    for (const url of this.thumbnails.values()) if (url) URL.revokeObjectURL(url);
  }

  // A value computed once: what the key names never changes.
  once(key, make) {
    if (!this.derived.has(key)) this.derived.set(key, make());
    return this.derived.get(key);
  }

  logits(model, name) {
    return this.tables[`logits.${model}.${name || this.models[model].scored}`].values;
  }

  probability(model, name, image, label) {
    return sigmoid(this.logits(model, name)[image * this.labels + label]);
  }

  states(model) {
    return this.once(`states ${model}`, () => statesOf(this.targets, this.logits(model), this.models[model].cut));
  }

  // Logits and cut that `before` names: another set of this model's, or "model:1", another model's answer.
  before(model, before) {
    if (!before.startsWith("model:")) return [this.logits(model, before), this.models[model].cut];
    const other = Number(before.slice(6));
    return [this.logits(other), this.models[other].cut];
  }

  changes(model, before) {
    if (!before) return null;
    return this.once(`changes ${model} ${before}`, () => {
      const [logits, cut] = this.before(model, before);
      return changesOf(this.targets, logits, cut, this.logits(model), this.models[model].cut);
    });
  }

  // The decoded packet of an image, or null while it is on its way.
  packet(image) {
    const packet = this.packets.get(image) || null;
    if (packet) {
      this.packets.delete(image); // to the end of the line: dropped last
      this.packets.set(image, packet);
    }
    return packet;
  }

  ask(image) {
    if (this.packets.has(image)) return;
    if (performance.now() - (this.failed.get(image)?.when ?? -Infinity) < PATIENCE) return;
    this.askFor(image, { ask: "image", image });
  }

  // Why the maps of an image are not there, in words.
  missing(image) {
    return this.failed.get(image)?.text || this.late(image, `the maps of image “${this.ids[image]}”`);
  }

  askThumbnails(images) {
    const missing = images.filter((image) => !this.thumbnails.has(image));
    if (!missing.length) return;
    for (const image of missing) this.thumbnails.set(image, null);
    this.send({ ask: "thumbnails", images: missing });
  }

  receive(message, buffers) {
    if (message.answer === "error") {
      if (message.question?.serial) this.tell("unanswered", message);
      else this.fail(message.question?.image, message.text);
    } else {
      const packet = { ...message.packet, data: buffers[0] };
      if (message.answer === "image") this.keepImage(packet);
      else if (message.answer === "thumbnails") this.keepThumbnails(packet);
      else this.tell(message.answer, packet);
    }
  }

  keepThumbnails(packet) {
    for (const [image, { values }] of Object.entries(unpack(packet))) {
      this.thumbnails.set(Number(image), URL.createObjectURL(new Blob([values], { type: "image/jpeg" })));
    }
    this.tell("thumbnails");
  }

  async keepImage(packet) {
    try {
      const decoded = await this.decode(packet);
      this.asked.delete(packet.image);
      this.failed.delete(packet.image);
      this.bytes += decoded.bytes - (this.packets.get(packet.image)?.bytes || 0);
      this.packets.set(packet.image, decoded);
      for (const [image, old] of this.packets) {
        if (this.bytes <= KEPT || image === packet.image) break;
        this.packets.delete(image);
        this.bytes -= old.bytes;
      }
      this.tell("image", packet.image);
    } catch (error) {
      this.fail(packet.image, `The picture of image ${packet.image + 1} could not be read (${error.message}).`);
    }
  }

  fail(image, text) {
    this.asked.delete(image);
    this.failed.set(image, { when: performance.now(), text });
    this.tell("error", text);
  }

  async decode(packet) {
    const arrays = unpack(packet);
    const photo = await bitmap(arrays.picture.values, "image/jpeg");
    const regions = [];
    for (const [place, region] of packet.regions.entries()) {
      const png = arrays[`mask.${place}`];
      regions.push({ ...region, mask: png ? maskOf(await bitmap(png.values, "image/png")) : null });
    }
    let bytes = photo.width * photo.height * 16; // the photo, and its scaled copies
    const models = this.models.map((model, place) => {
      const maps = {};
      for (const kind of model.kinds) {
        const { values, shape } = arrays[`maps.${place}.${kind.name}`];
        unscale(values, arrays[`scales.${place}.${kind.name}`]?.values);
        if (kind.transform === "sigmoid") for (let i = 0; i < values.length; i++) values[i] = sigmoid(values[i]);
        const labels = arrays[`labels.${place}.${kind.name}`].values;
        maps[kind.name] = { values, labels, rows: shape[1], columns: shape[2], where: new Map(Array.from(labels, (label, k) => [label, k])) };
        bytes += values.byteLength;
      }
      const relations = {};
      for (const { name } of model.relations) relations[name] = arrays[`relations.${place}.${name}`]?.values || null;
      const channels = new Map();
      for (const name of model.channel_layers) {
        const found = arrays[`channels.${place}.${name}`];
        if (!found) continue;
        channels.set(name, { values: found.values, rows: found.shape[1], columns: found.shape[2] });
        bytes += found.values.byteLength;
      }
      return { maps, relations, channels };
    });
    return { image: packet.image, photo: canvasOf(photo), scaled: new Map(), regions, models, bytes };
  }
}
