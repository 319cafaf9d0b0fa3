// What the kernel sent to the threshold lab: scores and targets of all images, APs, reliability bins; thumbnails when they are asked for.
import { unpack } from "./packets.js";
import { SortedScores } from "./sortedscores.js";
import { Announcer } from "./announcer.js";

const REST = 90; // ms without a further wish before thumbnails are asked for: a moving threshold wants many

export class LabStore extends Announcer {
  constructor(model) {
    super();
    this.model = model;
    const opening = model.get("opening");
    Object.assign(this, opening.description);
    this.count = this.ids.length;
    this.labels = this.categories.length;
    this.columns = new Map(this.categories.map((name, column) => [name, column]));
    this.places = new Map(this.ids.map((id, place) => [id, place]));
    this.tables = unpack(opening.tables);
    const { scores, targets } = this.tables;
    this.measured = new SortedScores(scores.values, targets.values, this.count);
    this.choosing = this.apart ? new SortedScores(this.tables["held.scores"].values, this.tables["held.targets"].values, this.held) : this.measured;
    this.thumbnails = new Map();
    this.wanted = new Set();
    this.timer = 0;
    this.onMessage = (message, buffers) => this.receive(message, buffers);
    model.on("msg:custom", this.onMessage);
  }

  close() {
    clearTimeout(this.timer);
    this.model.off("msg:custom", this.onMessage);
    for (const url of this.thumbnails.values()) if (url) URL.revokeObjectURL(url);
  }

  askThumbnails(images) {
    if (!this.pictures) return;
    this.wanted = new Set(images.filter((image) => !this.thumbnails.has(image)));
    clearTimeout(this.timer);
    if (!this.wanted.size) return;
    this.timer = setTimeout(() => {
      for (const image of this.wanted) this.thumbnails.set(image, null);
      this.send({ ask: "thumbnails", images: [...this.wanted] });
    }, REST);
  }

  receive(message, buffers) {
    if (message.answer === "error") {
      this.tell("error", message.text);
      return;
    }
    for (const [image, { values }] of Object.entries(unpack({ ...message.packet, data: buffers[0] }))) {
      this.thumbnails.set(Number(image), values.length ? URL.createObjectURL(new Blob([values], { type: "image/jpeg" })) : null);
    }
    this.tell("thumbnails");
  }
}
