// Precision, recall and F1 from counts, in each convention: the arithmetic of workbench.metrics, to which a test holds it.

const EPS = Number.EPSILON;

export const limitOf = (threshold) => Math.log(threshold / (1 - threshold));

// What NaN stands for: there is no such number, for example no recall without a present image.
export function ratesOf(hits, chosen, present, empty) {
  if (empty === "eps") {
    const precision = (hits + EPS) / (chosen + EPS);
    const recall = (hits + EPS) / (present + EPS) + EPS;
    return [precision, recall, (2 * precision * recall) / (precision + recall)];
  }
  const precision = chosen > 0 ? hits / chosen : empty === "skip" ? NaN : 0;
  if (!present) return [precision, NaN, NaN];
  return [precision, hits / present, (2 * hits) / (chosen + present)];
}

function mean(values) {
  let [sum, count] = [0, 0];
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    sum += value;
    count += 1;
  }
  return count ? sum / count : NaN;
}

const harmonic = (p, r) => (p + r > 0 ? (2 * p * r) / (p + r) : Number.isNaN(p + r) ? NaN : 0);

// counts: for each label {hits, chosen, present} -> {rates: [P, R, F1] of each, CP, CR, CF1, OP, OR, OF1}.
export function measureAll(counts, { empty, cf1 }) {
  const least = empty === "zero_counted" ? 1 : 0;
  const total = { hits: 0, chosen: 0, present: 0 };
  const rates = counts.map(({ hits, chosen, present }) => {
    const counted = Math.max(chosen, least);
    total.hits += hits;
    total.chosen += counted;
    total.present += present;
    return ratesOf(hits, counted, present, empty);
  });
  const [CP, CR] = [mean(rates.map((each) => each[0])), mean(rates.map((each) => each[1]))];
  const [OP, OR] = ratesOf(total.hits, total.chosen, total.present, empty === "eps" ? empty : "zero");
  return { rates, CP, CR, CF1: cf1 === "of_means" ? harmonic(CP, CR) : mean(rates.map((each) => each[2])), OP, OR, OF1: harmonic(OP, OR) };
}

// A share in percent with one digit; a value halfway between two goes to the even one, as Python prints it.
export function percent(share) {
  if (Number.isNaN(share)) return "–";
  const value = 100 * share;
  const tenths = value * 10;
  const halfway = tenths % 1 === 0.5 && (value * 4) % 1 === 0;
  return (halfway ? (2 * Math.round(tenths / 2)) / 10 : value).toFixed(1);
}

// A threshold, with enough digits near 0 and 1 to tell it from them.
export function thresholdText(value) {
  if (value < 0.001) return value.toExponential(0).replace("-", "−");
  return value > 0.999 ? "> 0.999" : value.toFixed(3);
}

// The criterion in words, as workbench.metrics.choosing says it.
export function criterionWords(criterion, floor) {
  if (criterion === "f1") return "highest F1 per label";
  return `highest ${criterion === "precision" ? "recall" : "precision"} per label with ${criterion} of at least ${floor}`;
}
