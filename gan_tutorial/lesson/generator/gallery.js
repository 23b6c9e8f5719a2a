// The page of a trained generator: z in hand, sliders and walks; 24 others; and the guess, real or made.

import { Generator, Stored } from "./generator.js";
import { Random } from "../laboratory/engine.js";
import { Quiz, coin, judged } from "./quiz.js";

const MANY = 24, REACH = 4, LEG = 2500, SIDE = 28; // pictures on the sheet; of a slider; milliseconds between two z; pixels
const dot = (a, b) => a.reduce((sum, v, k) => sum + v * b[k], 0);
const mix = (a, b, u, v) => a.map((x, k) => u * x + v * b[k]);
const oftenOf = (p) => (p < 0.001 ? `one of ${Math.round(1 / p).toLocaleString("en")} games` : `${(100 * p).toPrecision(p < 0.0995 ? 2 : 3)}\u00a0% of games`);

export function slerp(a, b, t) {
  // From a to b, turning at an even pace: in between, a z is as long as a random one. Straight, where there is no angle.
  const long = Math.sqrt(dot(a, a) * dot(b, b)), angle = long ? Math.acos(Math.max(-1, Math.min(1, dot(a, b) / long))) : 0;
  if (Math.sin(angle) < 1e-4) return mix(a, b, 1 - t, t);
  return mix(a, b, Math.sin((1 - t) * angle) / Math.sin(angle), Math.sin(t * angle) / Math.sin(angle));
}

function show(canvas, pixels) {
  const image = new ImageData(SIDE, SIDE);
  for (let k = 0; k < pixels.length; k++) image.data.fill(pixels[k], 4 * k, 4 * k + 3)[4 * k + 3] = 255;
  canvas.getContext("2d").putImageData(image, 0, 0);
}

const made = (name, props = {}, ...inside) => {
  const node = Object.assign(document.createElement(name), props);
  node.append(...inside);
  return node;
};
const picture = (pixels, words) => {
  const canvas = made("canvas", { width: SIDE, height: SIDE, className: "picture" });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", words);
  show(canvas, pixels);
  return canvas;
};

class Gallery {
  constructor(root, stored) {
    this.root = root;
    this.G = new Generator(stored);
    this.about = stored.about;
    const rows = ({ shape: [n], value }) => Array.from({ length: n }, (_, k) => value.subarray(k * value.length / n, (k + 1) * value.length / n));
    this.photographs = rows(stored.tensors.photographs);
    this.directions = rows(stored.tensors.directions);
    this.took = []; // milliseconds of the last pictures
    this.random = new Random(Date.now() >>> 0);
    this.walking = null; // {from, to, since, on: whether another z follows}
    this.makeSliders();
    this.sheet(1);
    this.go(this.latent(new Random(0)));
    this.listen();
  }

  find(what) { return this.root.querySelector(what); }
  latent(random = this.random) { return random.many(this.G.latent, () => random.normal()); }
  draw(z) {
    const start = performance.now(), pixels = this.G.draw(z);
    this.took = [...this.took.slice(-99), performance.now() - start];
    return pixels;
  }

  // ---- z in hand ----

  makeSliders() {
    this.sliders = this.directions.map((direction, k) => {
      const [low, high] = this.about.directions[k];
      const slider = made("input", { type: "range", min: -REACH, max: REACH, step: 0.01 });
      slider.setAttribute("aria-label", `from ${low} to ${high}`);
      slider.oninput = () => {
        this.stop();
        const far = Number(slider.value) - dot(this.z, direction);
        this.go(mix(this.z, direction, 1, far), slider);
      };
      this.find(".sliders").append(made("label", {}, made("span", { textContent: low }), slider, made("span", { textContent: high })));
      return slider;
    });
  }

  go(z, held = null) {
    // Take z in hand, and show what belongs to it; a slider that a reader holds is where it belongs.
    this.z = z;
    show(this.find(".now canvas"), this.draw(z));
    this.sliders.forEach((slider, k) => { if (slider !== held) slider.value = dot(z, this.directions[k]); });
    const long = Math.sqrt(dot(z, z)), [low, high] = this.about.usual, off = long < low ? "shorter" : long > high ? "longer" : "";
    const usual = `of 100 random z, 95 are from ${low} to ${high} long`;
    this.find(".length").textContent = `z is ${long.toFixed(1)} long; ${usual}${off && `. This one is ${off}: G has hardly met such a z`}.`;
    this.find(".length").classList.toggle("off", off !== "");
    const speed = [...this.took].sort((a, b) => a - b)[this.took.length >> 1];
    this.find(".speed").textContent = `, a picture in ${speed.toFixed(speed < 10 ? 1 : 0)} ms`;
  }

  walk(to, on) {
    this.walking = { from: this.z, to, since: performance.now(), on };
    this.tell();
    this.frame = requestAnimationFrame(() => this.step());
  }

  step() {
    const way = this.walking, t = Math.min(1, (performance.now() - way.since) / LEG);
    this.go(slerp(way.from, way.to, t * t * (3 - 2 * t))); // it starts and ends gently
    if (t === 1 && !way.on) return this.stop();
    if (t === 1) this.walking = { ...way, from: way.to, to: this.latent(), since: performance.now() };
    this.frame = requestAnimationFrame(() => this.step());
  }

  stop() {
    cancelAnimationFrame(this.frame);
    this.walking = null;
    this.tell();
  }

  tell() {
    this.find("[data-do=walk]").textContent = this.walking ? "Pause" : "Walk";
  }

  sheet(number) {
    // 24 pictures that the number of the sheet decides.
    this.number = number;
    const random = new Random(1e6 + number), all = Array.from({ length: MANY }, () => this.latent(random));
    this.find(".sheet").replaceChildren(...all.map((z, k) => {
      const button = made("button", { type: "button" }, picture(this.draw(z), `picture ${k + 1} of ${MANY}`));
      button.onclick = () => {
        this.stop();
        if (matchMedia("(prefers-reduced-motion: reduce)").matches) this.go(z);
        else this.walk(z, false);
      };
      return button;
    }));
  }

  // ---- Real or made? ----

  begin(number) {
    this.game = number;
    this.quiz = new Quiz(number, this.photographs, (random) => this.draw(this.latent(random)));
    this.stage("playing");
    this.ask();
    this.find(".playing").scrollIntoView({ block: "nearest" });
    this.find("[data-do=real]").focus({ preventScroll: true });
  }

  stage(name) { for (const part of ["before", "playing", "after"]) this.find(`.${part}`).hidden = part !== name; }

  ask() {
    const { picture: next, answers } = this.quiz;
    if (!next) return this.end();
    show(this.find(".playing canvas"), next.pixels);
    this.find(".count").textContent = `Game ${this.game}, picture ${answers.length + 1} of ${this.quiz.pictures.length}`;
    this.find("progress").value = answers.length;
  }

  answer(real) {
    if (!this.quiz?.picture || this.find(".playing").hidden) return;
    this.quiz.answer(real);
    this.ask();
  }

  end() {
    const { quiz } = this, n = quiz.pictures.length, { right } = quiz, { mean, sd, more, fewer, low, high } = judged(right, n);
    const count = (real) => quiz.which(real, true).length, half = n / 2;
    this.find(".score").textContent = `You were right about ${right} of ${n}.`;
    const often = right < mean ? `fewer in ${oftenOf(fewer)}` : `more in ${oftenOf(more)}`;
    this.find(".coin").textContent = `A coin gets ${mean}, give or take ${sd.toFixed(1)}; ${right} or ${often}.`;
    const range = `Your answers fit any rate of right ones between ${Math.round(100 * low)} and ${Math.round(100 * high)}\u00a0%.`;
    this.find(".meaning").textContent = more < 0.05 ? `So it was hardly luck: you see a difference. ${range}`
      : fewer < 0.05 ? "So it was hardly luck: you see a difference, and take it the wrong way round."
      : `A coin does so often enough: this game does not show that you see a difference, nor that you see none. ${range} More games say more.`;
    this.find(".kinds").textContent = `Of ${half} photographs you recognised ${count(true)}, of ${half} made pictures ${count(false)}.`;
    this.find(".bars").replaceChildren(bars(right, n));
    const groups = [
      ["Made, and you took them for real", false, false], ["Real, and you took them for made", true, false],
      ["Made, as you said", false, true], ["Real, as you said", true, true],
    ];
    this.find(".groups").replaceChildren(...groups.map(([words, real, well]) => {
      const all = quiz.which(real, well), kind = real ? "real" : "made";
      const row = made("div", { className: `strip ${kind}` }, ...all.map(({ pixels }) => picture(pixels, `${kind}, you said ${well === real ? "real" : "made"}`)));
      return made("div", {}, made("h4", { textContent: `${words}: ${all.length}` }), row);
    }));
    this.stage("after");
    this.find(".score").focus({ preventScroll: true });
  }

  // ---- Buttons and keys ----

  listen() {
    const number = this.find("[name=game]");
    const does = {
      walk: () => (this.walking ? this.stop() : this.walk(this.latent(), true)),
      new: () => { this.stop(); this.go(this.latent()); },
      zero: () => { this.stop(); this.go(this.z.map(() => 0)); },
      others: () => this.sheet(this.number + 1),
      start: () => this.begin(Math.max(1, Math.floor(Number(number.value)) || 1)),
      next: () => this.begin(this.game + 1),
      real: () => this.answer(true),
      made: () => this.answer(false),
    };
    for (const button of this.root.querySelectorAll("[data-do]")) button.onclick = () => does[button.dataset.do]();
    const keys = { ".draw": { w: does.walk, n: does.new }, ".guess": { r: does.real, m: does.made } };
    for (const [section, chosen] of Object.entries(keys)) this.find(section).onkeydown = (event) => {
      const act = chosen[event.key.toLowerCase()];
      if (!act || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
      event.preventDefault();
      act();
    };
    number.onkeydown = (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault(); // it would press the button that is about to appear
      does.start();
    };
  }
}

function bars(right, n) {
  // How often a coin gets each score; the reader's in another colour.
  const p = coin(n), most = Math.max(...p), W = 300, H = 90, wide = W / (n + 1), at = (k) => (k + 0.5) * wide;
  const svg = (name, attributes, ...inside) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...inside);
    return node;
  };
  const all = p.map((v, k) => {
    const height = Math.max(1, H * v / most);
    return svg("rect", { x: k * wide + 0.8, y: H - height, width: wide - 1.6, height, class: k === right ? "mine" : "" });
  });
  const tallest = Math.max(...p.slice(Math.max(0, right - 1), right + 2)); // of the bars under the word
  const words = [0, n / 2, n].map((k) => svg("text", { x: at(k), y: H + 14 }, String(k)));
  words.push(svg("text", { x: at(right), y: H * (1 - tallest / most) - 5, class: "you" }, "you"));
  const says = `How often a coin gets each score from 0 to ${n}; yours is ${right}.`;
  const picture = svg("svg", { viewBox: `-6 -16 ${W + 12} ${H + 34}`, role: "img", "aria-label": says }, ...all, ...words);
  return made("figure", {}, picture, made("figcaption", { textContent: "how often a coin gets each score" }));
}

export function open(root) {
  // The page; what goes wrong is said in a sentence in the place for it.
  try {
    const bytes = Uint8Array.from(atob(root.getElementById("file").textContent.trim()), (c) => c.charCodeAt(0));
    return new Gallery(root, new Stored(bytes));
  } catch (error) {
    const place = root.querySelector(".trouble");
    place.textContent = error.message;
    place.hidden = false;
    for (const section of root.querySelectorAll("section")) section.hidden = true;
    return null;
  }
}
