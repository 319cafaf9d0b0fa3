// The scores of each label, sorted once: how many reach a threshold is then found by halving, whatever the number of images.

const SLACK = 1e-12; // a precision of 0.9 that is computed as 0.8999999999999999 reaches 0.9
const FURTHEST = 30; // logit, beyond which a probability cannot be told from 0 or 1
const INDEX = 2 ** 21; // images of one label at most, when they are sorted by score

// The place of the first of rising values that reaches the limit, or exceeds it if strict.
export function firstAt(rising, limit, strict) {
  let [low, high] = [0, rising.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (strict ? rising[middle] > limit : rising[middle] >= limit) high = middle;
    else low = middle + 1;
  }
  return low;
}

const reaching = (rising, limit, strict) => rising.length - firstAt(rising, limit, strict);

function merged(parts) {
  const full = parts.filter((part) => part.length);
  if (full.length < 2) return full[0] || new Float32Array(0);
  const all = new Float32Array(full.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of full) {
    all.set(part, at);
    at += part.length;
  }
  return all.sort();
}

// scores, targets: [labels * images], the images of a label side by side.
export class SortedScores {
  constructor(scores, targets, images) {
    Object.assign(this, { scores, targets, images });
    this.parts = new Map();
    this.orders = new Map();
  }

  // Rising scores of the present, the absent and the unknown images of a label.
  of(label) {
    if (!this.parts.has(label)) {
      const [from, end] = [label * this.images, (label + 1) * this.images];
      const sizes = [0, 0, 0];
      for (let i = from; i < end; i++) sizes[this.targets[i] === 1 ? 0 : this.targets[i] === 0 ? 1 : 2] += 1;
      const parts = sizes.map((size) => new Float32Array(size));
      sizes.fill(0);
      for (let i = from; i < end; i++) {
        const side = this.targets[i] === 1 ? 0 : this.targets[i] === 0 ? 1 : 2;
        parts[side][sizes[side]++] = this.scores[i];
      }
      this.parts.set(label, parts.map((part) => part.sort()));
    }
    return this.parts.get(label);
  }

  // {hits, chosen, present} of a label from a logit on.
  counts(label, limit, { unknown, strict }) {
    const [present, absent, open] = this.of(label);
    const unclear = unknown === "ignore" ? 0 : reaching(open, limit, strict);
    const found = reaching(present, limit, strict);
    const positive = unknown === "positive";
    return {
      hits: found + (positive ? unclear : 0),
      chosen: found + reaching(absent, limit, strict) + unclear,
      present: present.length + (positive ? open.length : 0),
    };
  }

  // What each score that occurs gives as a threshold, from the highest down: {scores, hits, chosen, present}.
  steps(label, { unknown }) {
    const [present, absent, open] = this.of(label);
    const positive = unknown === "positive" ? merged([present, open]) : present;
    const negative = unknown === "negative" ? merged([absent, open]) : absent;
    let [p, n] = [positive.length - 1, negative.length - 1];
    const size = positive.length + negative.length;
    const [scores, hits, chosen] = [new Float32Array(size), new Int32Array(size), new Int32Array(size)];
    let count = 0;
    while (p >= 0 || n >= 0) {
      const score = n < 0 || (p >= 0 && positive[p] > negative[n]) ? positive[p] : negative[n];
      while (p >= 0 && positive[p] === score) p -= 1;
      while (n >= 0 && negative[n] === score) n -= 1;
      scores[count] = score;
      hits[count] = positive.length - 1 - p;
      chosen[count] = size - 2 - p - n;
      count += 1;
    }
    const [scoresOf, hitsOf, chosenOf] = [scores, hits, chosen].map((values) => values.subarray(0, count));
    return { scores: scoresOf, hits: hitsOf, chosen: chosenOf, present: positive.length };
  }

  // The best threshold of a label by a criterion, or null where there is none: what best_thresholds does in Python.
  best(label, criterion, floor, convention) {
    const steps = this.steps(label, convention);
    const { hits, chosen, present } = steps;
    if (!present) return null;
    let [best, most] = [-1, -1];
    for (let place = 0; place < hits.length; place++) {
      const right = hits[place];
      const precision = right / chosen[place];
      if (criterion === "f1") {
        const f1 = (2 * right) / (chosen[place] + present);
        if (f1 > most) [best, most] = [place, f1];
      } else if (criterion === "precision") {
        if (precision >= floor - SLACK && right > 0 && right > most) [best, most] = [place, right];
      } else if (right / present >= floor - SLACK && precision >= most) [best, most] = [place, precision];
    }
    return best < 0 ? null : thresholdAfter(steps, best);
  }

  // The images of a label by rising score: {order, rising}. One sort of numbers that hold the score above and the image below.
  order(label) {
    if (!this.orders.has(label)) {
      if (this.orders.size > 3) this.orders.clear();
      const own = this.scores.subarray(label * this.images, (label + 1) * this.images);
      const zeroed = new Float32Array(this.images);
      const [bits, keys] = [new Uint32Array(zeroed.buffer), new Float64Array(this.images)];
      for (let image = 0; image < this.images; image++) {
        zeroed[image] = own[image] + 0; // one zero of two
        const value = bits[image];
        keys[image] = (value >>> 31 ? ~value >>> 0 : (value | 0x80000000) >>> 0) * INDEX + image;
      }
      keys.sort();
      const [order, rising] = [new Uint32Array(this.images), new Float32Array(this.images)];
      for (let place = 0; place < this.images; place++) {
        order[place] = keys[place] % INDEX;
        rising[place] = own[order[place]];
      }
      this.orders.set(label, { order, rising });
    }
    return this.orders.get(label);
  }
}

// The probability halfway, as logits, between a step's score and the next lower one.
export function thresholdAfter({ scores }, place) {
  const below = place + 1 < scores.length ? scores[place + 1] : scores[place] - 1;
  const limit = Math.min(FURTHEST, Math.max(-FURTHEST, (scores[place] + below) / 2));
  return 1 / (1 + Math.exp(-limit));
}
