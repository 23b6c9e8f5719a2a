// What the browser shows of a laboratory.  It computes nothing about GANs: numbers come from the kernel, in messages,
// and every click goes back as a message.  Nothing is loaded from anywhere.

const DARK = { data: "#5CB8EE", model: "#FF8A3D", D: "#3DDBA8", G: "#E59ACB", truth: "#F2F2F2", guide: "#A8A8A8" };
const SWATCH = {
  "data": ["data", "●"], "samples": ["model", "✕"], "score of D": ["D", "▦"], "arrows": ["G", "➝"],
  "warped grid": ["model", "▤"], "density": ["data", "◎"], "best D": ["truth", "┅"],
};
const ONLY_IN_THE_PLANE = new Set(["arrows", "warped grid", "density", "best D"]);
const HINT = {
  "data": "real examples", "samples": "what G makes of fixed latents",
  "score of D": "blue where D says data, orange where it says sample; the line is where it cannot tell",
  "arrows": "which way each sample would go to make G pay less", "warped grid": "where G puts a grid of latents",
  "density": "the law of the data", "best D": "where the best D could not tell, known exactly",
};
let laboratories = 0;

const make = (tag, props = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), props);
  for (const [name, value] of Object.entries(props.attributes_ || {})) node.setAttribute(name, value);
  node.append(...children);
  return node;
};
const floats = (view) => new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
const bytes = (view) => new Uint8Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
const short = (v) => !Number.isFinite(v) ? "" : Math.abs(v) >= 1000 || (v !== 0 && Math.abs(v) < 0.001)
  ? v.toExponential(1) : String(Number(v.toPrecision(3)));

function sharp(canvas, width, height) {
  // A canvas with as many points as the screen has, drawn on in CSS pixels.
  const ratio = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return pen;
}

function* contour(values, n, level) {
  // Marching squares: line segments [x1, y1, x2, y2] in units of the whole grid.
  const cross = (a, b) => (level - a) / (b - a);
  for (let j = 0; j < n - 1; j++) {
    for (let i = 0; i < n - 1; i++) {
      const a = values[j * n + i], b = values[j * n + i + 1], c = values[(j + 1) * n + i + 1], d = values[(j + 1) * n + i];
      if (Number.isNaN(a + b + c + d)) continue;
      const on = [];
      if ((a > level) !== (b > level)) on.push([i + cross(a, b), j]);
      if ((b > level) !== (c > level)) on.push([i + 1, j + cross(b, c)]);
      if ((d > level) !== (c > level)) on.push([i + cross(d, c), j + 1]);
      if ((a > level) !== (d > level)) on.push([i, j + cross(a, d)]);
      for (let k = 0; k + 1 < on.length; k += 2)
        yield [...on[k], ...on[k + 1]].map((v) => (v + 0.5) / n);
    }
  }
}

function render({ model, el }) {
  const fixed = model.get("fixed"), number = ++laboratories, ids = (name) => `gan-laboratory-${number}-${name}`;
  const dark = () => document.body.dataset.jpThemeLight === "false";
  const colors = () => dark() ? { ...fixed.colors, ...DARK } : fixed.colors;
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  const tell = (message) => model.send(message);
  const view = { scene: null, picture: null, series: null, theory: {}, layers: { ...model.get("layers") },
                 drawing: null, cursor: null, past: false };

  // ---- The page ----

  const root = make("div", { className: "gan-lab", tabIndex: -1 });
  root.dataset.lmSuppressShortcuts = "true";
  const button = (what, label, title) => {
    const node = make("button", { type: "button", textContent: label, title });
    node.dataset.do = what;
    return node;
  };
  const play = button("play", "▶ Play", "train, and watch (space)");
  const step = button("step", "Step", "one step; in slow motion, its next stage (s)");
  const reset = button("reset", "Reset", "new networks, the same setting (r)");
  play.onclick = () => tell({ do: model.get("playing") ? "pause" : "play" });
  step.onclick = () => tell({ do: "step" });
  reset.onclick = () => tell({ do: "reset" });

  const players = make("select", { name: "players", title: "who moves, in Play and in Step" },
    ...fixed.players.map((name) => make("option", { value: name, textContent: name })));
  players.onchange = () => tell({ do: "players", value: players.value });
  const slow = make("input", { type: "checkbox", name: "slow", id: ids("slow") });
  slow.onchange = () => tell({ do: "slow", value: slow.checked });
  const pace = make("input", { type: "range", name: "pace", min: 1, max: fixed.fastest + 1, step: 1, id: ids("pace") });
  const paceSaid = make("output");
  pace.oninput = () => tell({ do: "pace", value: pace.value > fixed.fastest ? 0 : Number(pace.value) });
  const transport = make("div", { className: "row transport" }, play, step, reset,
    make("label", { textContent: "who moves " }, players),
    make("label", { title: "see the stages of each step" }, slow, " slow motion"),
    make("label", { title: "steps between two pictures" }, "speed ", pace, paceSaid));

  const canvas = make("canvas", { className: "plane", tabIndex: 0 });
  canvas.setAttribute("role", "img");
  const stage = make("div", { className: "stage" });
  stage.setAttribute("aria-live", "polite");
  const layerBoxes = {};
  const layerRow = make("div", { className: "row layers" });
  layerRow.setAttribute("role", "group");
  layerRow.setAttribute("aria-label", "what is drawn");
  for (const name of Object.keys(view.layers)) {
    const box = make("input", { type: "checkbox", name: `layer ${name}`, checked: view.layers[name] });
    box.onchange = () => {
      view.layers[name] = box.checked;
      tell({ do: "layer", name, value: box.checked });
      redraw();
    };
    const mark = make("span", { className: "mark", textContent: SWATCH[name][1] });
    layerBoxes[name] = { box, mark };
    layerRow.append(make("label", { title: HINT[name] }, box, mark, ` ${name}`));
  }
  const clear = button("clear", "Clear the drawing", "then draw with the mouse, or with the arrow keys and Enter");
  clear.onclick = () => { view.drawing = []; redraw(); canvas.focus(); };
  const drawRow = make("div", { className: "row drawing" }, clear, make("span", { className: "quiet",
    textContent: "Draw in the picture: with the mouse, or with the arrow keys and Enter." }));

  const charts = ["what both pay", "how far apart", "right answers, and modes", "slope of D"].map((title) => {
    const node = make("canvas", { className: "chart" });
    node.setAttribute("role", "img");
    return { title, node };
  });
  const numbers = make("div", { className: "numbers" });
  numbers.setAttribute("role", "status");
  const trouble = make("div", { className: "trouble" });
  trouble.setAttribute("role", "alert");
  const time = make("input", { type: "range", name: "time", min: 0, max: 0, value: 0, step: 1, id: ids("time") });
  const timeSaid = make("output");
  time.oninput = () => {
    const last = Number(time.value) >= model.get("recorded") - 1;
    if (model.get("playing")) tell({ do: "pause" });
    tell(last ? { do: "now" } : { do: "look", record: Number(time.value) });
  };
  const timeRow = make("label", { className: "row time", title: "go back to any moment that was recorded" }, "time ", time, timeSaid);

  const copy = button("copy", "Copy as code", "the cell that does the same with the package");
  const code = make("pre", { className: "code", hidden: true });
  const copied = make("span", { className: "quiet" });
  copy.onclick = async () => {
    code.hidden = false;
    code.textContent = model.get("code");
    try {
      await navigator.clipboard.writeText(model.get("code"));
      copied.textContent = "copied: paste it into a new cell";
    } catch {
      getSelection().selectAllChildren(code); // no clipboard here: the text is selected instead
      copied.textContent = "press Ctrl-C to copy it";
    }
  };

  // ---- The controls, from the kernel's own list ----

  // One wish at a time: a slider that is dragged over a busy kernel skips what it has no time for.
  const wanted = new Map();
  let asking = null, patience = 0;
  function ask() {
    if (asking !== null || !wanted.size) return;
    const [name, value] = wanted.entries().next().value;
    wanted.delete(name);
    asking = name;
    tell({ do: "set", name, value });
    patience = setTimeout(answered, 3000);
  }
  function answered() {
    clearTimeout(patience);
    asking = null;
    ask();
    mirror();
  }

  const panel = make("div", { className: "panel" }), inputs = {}, groups = {};
  for (const [name, control] of Object.entries(fixed.controls)) {
    if (!groups[control.group]) {
      groups[control.group] = make("fieldset", {}, make("legend", { textContent: control.group }));
      panel.append(groups[control.group]);
    }
    const input = control.options.length
      ? make("select", {}, ...control.options.map((o) => make("option", { value: o, textContent: String(o).replaceAll("_", " ") })))
      : make("input", { type: "range" });
    const said = make("output");
    Object.assign(input, { name, id: ids(name), title: control.help });
    const log = !control.options.length && control.step === 0;
    if (log) Object.assign(input, { min: 0, max: 200, step: 1 });
    else if (!control.options.length) Object.assign(input, { min: control.low, max: control.high, step: control.step });
    const ratio = control.high / control.low;
    const read = () => {
      if (control.options.length) return typeof control.options[0] === "number" ? Number(input.value) : input.value;
      return log ? Number((control.low * ratio ** (input.value / 200)).toPrecision(2)) : Number(input.value);
    };
    input.addEventListener(control.options.length ? "change" : "input", () => {
      if (!control.options.length) said.textContent = short(read());
      wanted.set(name, read());
      ask();
    });
    inputs[name] = {
      show: (value) => {
        if (wanted.has(name) || asking === name) return; // an answer to an older wish would pull the slider back
        if (control.options.length) input.value = value;
        else {
          if (Math.abs(read() - value) > 1e-9) input.value = log ? 200 * Math.log(value / control.low) / Math.log(ratio) : value;
          said.textContent = short(value);
        }
      },
      input, control,
    };
    groups[control.group].append(make("label", { htmlFor: input.id, title: control.help }, make("span", { textContent: control.label }), input, said));
  }

  root.append(transport,
    make("div", { className: "main" },
      make("div", { className: "left" }, canvas, stage, layerRow, drawRow),
      make("div", { className: "right" }, make("div", { className: "charts" }, ...charts.map((c) => c.node)), timeRow, numbers, trouble)),
    panel, make("div", { className: "row" }, copy, copied), code);
  el.append(root);

  // ---- Drawing ----

  let pending = false, drawnAt = 0;
  function redraw() {
    if (pending) return;
    pending = true;
    const wait = calm.matches ? Math.max(0, 250 - (performance.now() - drawnAt)) : 0; // four pictures a second are calm
    const go = () => requestAnimationFrame(() => {
      pending = false;
      drawnAt = performance.now();
      draw();
      drawCharts();
    });
    wait ? setTimeout(go, wait) : go();
  }

  function draw() {
    const side = canvas.clientWidth || 400, pen = sharp(canvas, side, side), ink = colors();
    for (const [name, { mark }] of Object.entries(layerBoxes)) mark.style.color = ink[SWATCH[name][0]];
    if (!view.scene || !view.picture) return;
    view.scene.pictures ? drawPictures(pen, side, ink) : drawPlane(pen, side, ink);
    const frame = view.picture.frame;
    if (canvas.dataset.frame !== String(frame)) {
      canvas.dataset.frame = frame;
      canvas.dataset.step = view.picture.step;
      tell({ do: "seen", frame });
    }
  }

  function drawPlane(pen, side, ink) {
    const { scene, picture, layers } = view, n = fixed.cells, [mx, my, half] = scene.window;
    const X = (x) => (x - mx + half) / (2 * half) * side, Y = (y) => (my + half - y) / (2 * half) * side;
    const parts = picture.parts;
    const lines = (values, level, color, width, dash = []) => {
      pen.strokeStyle = color;
      pen.lineWidth = width;
      pen.setLineDash(dash);
      pen.beginPath();
      for (const [x1, y1, x2, y2] of contour(values, n, level)) {
        pen.moveTo(x1 * side, (1 - y1) * side);
        pen.lineTo(x2 * side, (1 - y2) * side);
      }
      pen.stroke();
      pen.setLineDash([]);
    };
    if (layers["score of D"] && parts.score) {
      const score = parts.score, even = picture.even ?? middle(score);
      const sizes = Array.from(score, (s) => Math.abs(s - even)).sort((a, b) => a - b);
      const limit = sizes[Math.floor(0.98 * (sizes.length - 1))] || 1;
      drawField(pen, side, score, n, even, limit, ink);
      if (picture.even !== null) lines(score, even, ink.D, 2);
    }
    if (layers.density && scene.density)
      for (const part of [0.08, 0.35, 0.7]) lines(scene.density, part * scene.most, ink.data, 1.2);
    if (layers["best D"]) {
      if (parts.best && picture.even !== null) lines(parts.best, picture.even, ink.truth, 1.6, [5, 4]);
      else note(pen, side, ink, "no finite score is best here");
    }
    if (layers["warped grid"] && parts.grid) {
      const m = Math.round(Math.sqrt(parts.grid.length / 2)), at = (i, j) => 2 * (j * m + i);
      pen.strokeStyle = ink.model;
      pen.globalAlpha = 0.65;
      pen.lineWidth = 0.8;
      pen.beginPath();
      for (let j = 0; j < m; j++) {
        for (let i = 0; i < m; i++) {
          const k = at(i, j);
          for (const next of [i + 1 < m ? at(i + 1, j) : -1, j + 1 < m ? at(i, j + 1) : -1]) {
            if (next < 0) continue;
            pen.moveTo(X(parts.grid[k]), Y(parts.grid[k + 1]));
            pen.lineTo(X(parts.grid[next]), Y(parts.grid[next + 1]));
          }
        }
      }
      pen.stroke();
      pen.globalAlpha = 1;
    }
    if (layers.data) dots(pen, view.drawing && view.drawing.length ? view.drawing.flat() : scene.data, X, Y, ink.data, 2, 0.55);
    if (layers.samples && parts.samples) crosses(pen, parts.samples, X, Y, ink.model, 2.1);
    if (layers.arrows && parts.arrows) arrows(pen, parts.samples, parts.arrows, X, Y, side, ink.G);
    if (parts.real_batch) {
      rings(pen, parts.real_batch, X, Y, ink.data);
      rings(pen, parts.fake_batch, X, Y, ink.model);
    }
    if (view.cursor) {
      const [x, y] = [X(view.cursor[0]), Y(view.cursor[1])];
      pen.strokeStyle = ink.truth;
      pen.lineWidth = 1.5;
      pen.beginPath();
      pen.moveTo(x - 9, y); pen.lineTo(x + 9, y); pen.moveTo(x, y - 9); pen.lineTo(x, y + 9);
      pen.stroke();
    }
  }

  const middle = (values) => { const s = Array.from(values).sort((a, b) => a - b); return s[s.length >> 1]; };

  const small = document.createElement("canvas");
  function drawField(pen, side, score, n, even, limit, ink) {
    small.width = small.height = n;
    const brush = small.getContext("2d"), image = brush.createImageData(n, n), high = rgb(ink.data), low = rgb(ink.model);
    for (let j = 0; j < n; j++) {
      for (let i = 0; i < n; i++) {
        const t = (score[j * n + i] - even) / limit, k = 4 * ((n - 1 - j) * n + i), c = t > 0 ? high : low;
        image.data.set([c[0], c[1], c[2], 130 * Math.min(1, Math.abs(t)) ** 0.7], k);
      }
    }
    brush.putImageData(image, 0, 0);
    pen.imageSmoothingEnabled = true;
    pen.drawImage(small, 0, 0, side, side);
  }

  function dots(pen, points, X, Y, color, size, alpha) {
    pen.fillStyle = color;
    pen.globalAlpha = alpha;
    pen.beginPath();
    for (let i = 0; i < points.length; i += 2) {
      const x = X(points[i]), y = Y(points[i + 1]);
      pen.moveTo(x + size, y);
      pen.arc(x, y, size, 0, 7);
    }
    pen.fill();
    pen.globalAlpha = 1;
  }

  function crosses(pen, points, X, Y, color, size) {
    pen.strokeStyle = color;
    pen.lineWidth = 1.4;
    pen.globalAlpha = 0.85;
    pen.beginPath();
    for (let i = 0; i < points.length; i += 2) {
      const x = X(points[i]), y = Y(points[i + 1]);
      pen.moveTo(x - size, y - size); pen.lineTo(x + size, y + size);
      pen.moveTo(x - size, y + size); pen.lineTo(x + size, y - size);
    }
    pen.stroke();
    pen.globalAlpha = 1;
  }

  function rings(pen, points, X, Y, color) {
    pen.strokeStyle = color;
    pen.lineWidth = 1.6;
    pen.beginPath();
    for (let i = 0; i < points.length; i += 2) {
      const x = X(points[i]), y = Y(points[i + 1]);
      pen.moveTo(x + 4.5, y);
      pen.arc(x, y, 4.5, 0, 7);
    }
    pen.stroke();
  }

  function arrows(pen, from, way, X, Y, side, color) {
    pen.strokeStyle = pen.fillStyle = color;
    pen.lineWidth = 1.5;
    for (let i = 0; i < way.length; i += 2) {
      const size = Math.hypot(way[i], way[i + 1]);
      if (!(size > 1e-9)) continue;
      const long = 0.13 * side * size / (size + 1), ux = way[i] / size, uy = -way[i + 1] / size;
      if (long < 1.5) continue; // a vanishing gradient has no arrow: that is the message
      const x = X(from[i]), y = Y(from[i + 1]), tx = x + long * ux, ty = y + long * uy;
      pen.beginPath();
      pen.moveTo(x, y);
      pen.lineTo(tx, ty);
      pen.stroke();
      const head = Math.min(5, 0.5 * long);
      pen.beginPath();
      pen.moveTo(tx + 0.6 * head * ux, ty + 0.6 * head * uy);
      pen.lineTo(tx - head * ux + 0.6 * head * uy, ty - head * uy - 0.6 * head * ux);
      pen.lineTo(tx - head * ux - 0.6 * head * uy, ty - head * uy + 0.6 * head * ux);
      pen.fill();
    }
  }

  function note(pen, side, ink, words) {
    pen.fillStyle = ink.guide;
    pen.font = "12px sans-serif";
    pen.fillText(words, 8, side - 8);
  }

  function drawPictures(pen, side, ink) {
    const { scene, picture, layers } = view, parts = picture.parts, tile = side / 8, gap = 2;
    const stamp = (from, index, place, frame) => {
      small.width = small.height = 28;
      const brush = small.getContext("2d"), image = brush.createImageData(28, 28);
      for (let k = 0; k < 784; k++) {
        const v = from[784 * index + k];
        image.data.set([v, v, v, 255], 4 * k);
      }
      brush.putImageData(image, 0, 0);
      const x = (place % 8) * tile + gap, y = Math.floor(place / 8) * tile + gap, w = tile - 2 * gap;
      pen.imageSmoothingEnabled = false;
      pen.drawImage(small, x, y, w, w);
      if (frame) {
        pen.strokeStyle = frame;
        pen.lineWidth = 2;
        pen.strokeRect(x - 1, y - 1, w + 2, w + 2);
      }
    };
    const real = layers.data ? 16 : 0;
    for (let i = 0; i < real; i++) stamp(scene.real, i, i, ink.data);
    if (!layers.samples || !parts.pictures) return;
    const even = picture.even ?? 0;
    for (let i = real; i < 64; i++)
      stamp(parts.pictures, i, i, layers["score of D"] ? (parts.scores[i] > even ? ink.data : ink.model) : null);
  }

  // ---- Charts ----

  function column(name) {
    const width = fixed.measures.length + 1, at = fixed.measures.indexOf(name) + 1;
    return view.series ? Array.from({ length: view.series.length / width }, (_, i) => view.series[i * width + at]) : [];
  }

  function drawCharts() {
    const ink = colors(), steps = column("step"), theory = view.theory;
    const lines = [
      [["d_loss", "D", ink.D], ["g_loss", "G", ink.G]],
      [["js", "JS", ink.data], ["kl", "KL", ink.model], ["w1", "W1", ink.truth]],
      [["accuracy", "D", ink.D], ["bayes", "best D", ink.truth, [4, 3]], ["modes", "modes", ink.model]],
      [["slope", "mean", ink.D], ["steepest", "largest", ink.guide, [2, 2]]],
    ];
    const guides = [
      [[theory.d_loss, ink.D], [theory.g_loss, ink.G]], [[theory.js, ink.data], [theory.w1, ink.truth], [Math.LN2, ink.guide]],
      [[0.5, ink.guide]], [[1, ink.guide]],
    ];
    const most = [null, 1.6, 1.05, null];
    charts.forEach((chart, i) => {
      const shown = lines[i].map(([name, label, color, dash]) => ({ label, color, dash, values: column(name) }))
        .filter((line) => line.values.some(Number.isFinite));
      chart.node.hidden = !shown.length;
      if (shown.length) drawChart(chart, steps, shown, guides[i].filter(([v]) => Number.isFinite(v)), most[i], ink);
    });
  }

  function drawChart({ title, node }, steps, lines, guides, most, ink) {
    const width = node.clientWidth || 220, height = node.clientHeight || 132, pen = sharp(node, width, height);
    const text = getComputedStyle(root).color, left = 38, right = 8, top = 32, bottom = 18;
    const finite = lines.flatMap((l) => l.values).concat(guides.map(([v]) => v)).filter(Number.isFinite).sort((a, b) => a - b);
    let low = finite[Math.floor(0.01 * finite.length)], high = finite[Math.ceil(0.99 * finite.length) - 1];
    if (most !== null) [low, high] = [0, Math.min(most, Math.max(high, most / 2))];
    if (!(high > low)) high = low + 1;
    const pad = most === null ? 0.08 * (high - low) : 0;
    [low, high] = [low - pad, high + pad];
    const last = steps[steps.length - 1], first = steps[0];
    const X = (s) => left + (width - left - right) * (last > first ? (s - first) / (last - first) : 0.5);
    const Y = (v) => top + (height - top - bottom) * (1 - (Math.min(high, Math.max(low, v)) - low) / (high - low));
    pen.font = "600 10.5px sans-serif";
    pen.fillStyle = text;
    pen.fillText(title, 4, 11);
    pen.font = "10px sans-serif";
    let at = 4;
    for (const { label, color, values } of lines) { // the legend, with the last value
      const words = `${label} ${short(Number(values[values.length - 1].toPrecision(2)))}`;
      pen.fillStyle = color;
      pen.fillRect(at, 18, 9, 3);
      pen.fillStyle = text;
      pen.fillText(words, at + 12, 23.5);
      at += 19 + pen.measureText(words).width;
    }
    pen.strokeStyle = pen.fillStyle = ink.guide;
    pen.lineWidth = 0.6;
    pen.beginPath();
    pen.moveTo(left, top); pen.lineTo(left, height - bottom); pen.lineTo(width - right, height - bottom);
    pen.stroke();
    pen.textAlign = "right";
    for (const v of [low + pad, (low + high) / 2, high - pad]) pen.fillText(short(Number(v.toPrecision(2))), left - 4, Y(v) + 3.5);
    pen.fillText(`step ${Math.round(last).toLocaleString("en")}`, width - right, height - 5);
    pen.textAlign = "left";
    for (const [v, color] of guides) {
      pen.strokeStyle = color;
      pen.setLineDash([5, 4]);
      pen.lineWidth = 1;
      pen.beginPath();
      pen.moveTo(left, Y(v)); pen.lineTo(width - right, Y(v));
      pen.stroke();
    }
    for (const { values, color, dash } of lines) {
      pen.strokeStyle = color;
      pen.setLineDash(dash || []);
      pen.lineWidth = 1.6;
      pen.beginPath();
      let down = false;
      values.forEach((v, i) => {
        if (Number.isNaN(v)) { down = false; return; }
        down ? pen.lineTo(X(steps[i]), Y(v)) : pen.moveTo(X(steps[i]), Y(v));
        down = true;
      });
      pen.stroke();
      const end = values[values.length - 1];
      if (Number.isNaN(end)) continue;
      pen.fillStyle = color;
      pen.beginPath();
      pen.arc(X(last), Y(end), 2.2, 0, 7);
      pen.fill();
    }
    pen.setLineDash([]);
    node.setAttribute("aria-label", `${title}: ${lines.map((l) => `${l.label} ${short(l.values[l.values.length - 1])}`).join(", ")}`);
  }

  // ---- Drawing data with the mouse or the keyboard ----

  const own = () => model.get("setting").data === "your own" && view.scene && !view.scene.pictures;
  const place = (event) => {
    const box = canvas.getBoundingClientRect(), [mx, my, half] = view.scene.window;
    return [mx - half + 2 * half * (event.clientX - box.left) / box.width, my + half - 2 * half * (event.clientY - box.top) / box.height];
  };
  const add = (point) => {
    view.drawing ||= model.get("setting").drawing.map((p) => [...p]);
    const apart = view.drawing.every((p) => Math.hypot(p[0] - point[0], p[1] - point[1]) > 0.04);
    if (apart && view.drawing.length < 400) view.drawing.push(point.map((v) => Number(v.toFixed(3))));
    redraw();
  };
  const handOver = () => { if (view.drawing && view.drawing.length) { wanted.set("drawing", view.drawing); ask(); } };
  canvas.addEventListener("pointerdown", (event) => {
    if (!own()) return;
    canvas.setPointerCapture(event.pointerId);
    add(place(event));
  });
  canvas.addEventListener("pointermove", (event) => { if (own() && event.buttons & 1) add(place(event)); });
  canvas.addEventListener("pointerup", () => { if (own()) handOver(); });
  const ARROW = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  canvas.addEventListener("keydown", (event) => {
    if (!own()) return;
    const [mx, my, half] = view.scene.window;
    view.cursor ||= [mx, my];
    if (ARROW[event.key]) view.cursor = view.cursor.map((v, i) => v + ARROW[event.key][i] * half / 20);
    else if (event.key === "Enter") { add([...view.cursor]); handOver(); }
    else return;
    event.preventDefault();
    redraw();
  });
  canvas.addEventListener("blur", () => { view.cursor = null; redraw(); });

  // ---- Keys ----

  root.addEventListener("keydown", (event) => {
    event.stopPropagation(); // else JupyterLab takes "d d" for "delete this cell"
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) && event.target.type !== "checkbox";
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const pressed = { " ": play, s: step, r: reset }[event.key];
    if (!pressed || (event.key === " " && /^(BUTTON|INPUT)$/.test(event.target.tagName))) return;
    event.preventDefault();
    pressed.click();
  });

  // ---- What the kernel says ----

  function mirror() {
    const playing = model.get("playing"), setting = model.get("setting"), recorded = model.get("recorded");
    play.textContent = playing ? "⏸ Pause" : "▶ Play";
    play.setAttribute("aria-pressed", playing);
    root.dataset.playing = playing;
    players.value = model.get("players");
    slow.checked = model.get("slow");
    pace.value = model.get("pace") || fixed.fastest + 1;
    paceSaid.textContent = model.get("pace") ? `${model.get("pace")} a picture` : "as it can";
    for (const [name, { show, input, control }] of Object.entries(inputs)) {
      show(setting[name]);
      input.disabled = (control.points_only && setting.data === "clothes") || (name === "weight" && setting.hold === "nothing");
    }
    for (const [name, { box }] of Object.entries(layerBoxes)) {
      box.checked = view.layers[name];
      box.disabled = setting.data === "clothes" && ONLY_IN_THE_PLANE.has(name);
    }
    drawRow.hidden = setting.data !== "your own";
    time.max = Math.max(0, recorded - 1);
    if (!view.past) time.value = time.max;
    numbers.textContent = model.get("text");
    canvas.setAttribute("aria-label", model.get("text"));
    stage.textContent = model.get("stage");
    trouble.textContent = model.get("error");
    if (!code.hidden) code.textContent = model.get("code");
    copied.textContent = code.hidden ? "" : copied.textContent;
  }

  function heard(message, buffers) {
    if (message.what === "did") {
      answered();
      return;
    }
    if (message.what === "scene") {
      view.scene = message.pictures
        ? { pictures: true, real: bytes(buffers[0]) }
        : { pictures: false, window: message.window, data: floats(buffers[0]), density: floats(buffers[1]) };
      if (!message.pictures) view.scene.most = view.scene.density.reduce((a, b) => Math.max(a, b), 0);
      view.drawing = view.picture = null;
    } else if (message.what === "series") {
      view.series = floats(buffers[0]);
      view.theory = message.theory;
    } else if (message.what === "picture") {
      const parts = {};
      message.parts.forEach((name, i) => { parts[name] = name === "pictures" ? bytes(buffers[i]) : floats(buffers[i]); });
      view.picture = { ...message, parts };
      view.past = Boolean(message.past);
      timeSaid.textContent = view.past ? `step ${message.step.toLocaleString("en")}` : "now";
    }
    redraw();
  }

  const layersChanged = () => { view.layers = { ...model.get("layers") }; mirror(); redraw(); };
  const watched = ["playing", "players", "slow", "pace", "setting", "recorded", "text", "stage", "error", "code"];
  for (const name of watched) model.on(`change:${name}`, mirror);
  model.on("change:layers", layersChanged);
  model.on("msg:custom", heard);
  const theme = new MutationObserver(redraw);
  theme.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  const size = new ResizeObserver(redraw);
  size.observe(root);
  mirror();
  tell({ do: "hello" });
  return () => {
    for (const name of watched) model.off(`change:${name}`, mirror);
    model.off("change:layers", layersChanged);
    model.off("msg:custom", heard);
    theme.disconnect();
    size.disconnect();
  };
}

export default { render };
