// Real or made? Photographs and pictures of G, one at a time; and what a score says.

import { Random } from "../laboratory/engine.js";

const OF_EACH = 12;

export class Quiz {
  // The number of the game decides which pictures there are and in which order: nobody picks them.
  constructor(number, photographs, draw) {
    const random = new Random(number), real = shuffled(photographs, random).slice(0, OF_EACH);
    const made = Array.from({ length: OF_EACH }, () => draw(random));
    this.pictures = shuffled([...real.map((pixels) => ({ pixels, real: true })), ...made.map((pixels) => ({ pixels, real: false }))], random);
    this.answers = []; // whether the reader takes the picture for a photograph
  }

  get picture() { return this.pictures[this.answers.length]; } // undefined once all are judged
  answer(real) { if (this.picture) this.answers.push(real); }
  isRight(k) { return this.answers[k] === this.pictures[k].real; }
  which(real, right) { // the pictures of one kind that the reader was right, or wrong, about
    return this.pictures.filter((picture, k) => picture.real === real && this.isRight(k) === right);
  }
  get right() { return this.which(true, true).length + this.which(false, true).length; }
}

function shuffled(all, random) {
  const list = [...all];
  for (let k = list.length - 1; k > 0; k--) {
    const other = Math.floor(random.uniform() * (k + 1));
    [list[k], list[other]] = [list[other], list[k]];
  }
  return list;
}

export function coin(n) {
  // P(k of n) for each k, where each answer is a toss of a coin.
  const p = [2 ** -n];
  for (let k = 0; k < n; k++) p.push(p[k] * (n - k) / (k + 1));
  return p;
}

const sum = (values) => values.reduce((a, b) => a + b, 0);

export function judged(right, n) {
  // What a coin gets, how often it gets as many or more, as few or fewer; and which rates 24 answers leave possible.
  const p = coin(n), share = right / n, z = 1.96, wide = 1 + z * z / n; // Wilson's interval, 95 %
  const middle = (share + z * z / (2 * n)) / wide, reach = (z / wide) * Math.sqrt(share * (1 - share) / n + z * z / (4 * n * n));
  return { mean: n / 2, sd: Math.sqrt(n) / 2, more: sum(p.slice(right)), fewer: sum(p.slice(0, right + 1)), low: middle - reach, high: middle + reach };
}
