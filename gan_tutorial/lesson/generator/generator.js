// A generator without torch: its file, and the layers that the file's header names.  One picture at a time.

const half = (bits) => { // float16 to a number
  const sign = bits & 0x8000 ? -1 : 1, power = (bits >> 10) & 31, rest = bits & 1023;
  if (power === 31) return rest ? NaN : sign * Infinity;
  return sign * (power ? 2 ** (power - 15) * (1 + rest / 1024) : 2 ** -24 * rest);
};

export class Stored {
  // The file: `layers` and `about` of its header, and its tensors.
  constructor(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), damaged = Error("The file of the generator is damaged.");
    if (bytes.length < 8) throw damaged;
    const start = 8 + view.getUint32(0, true);
    let header;
    try { header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start))); } catch { throw damaged; }
    const { __metadata__: told, ...entries } = header;
    this.layers = JSON.parse(told.layers);
    this.about = JSON.parse(told.about);
    this.tensors = {};
    for (const [name, { dtype, shape, data_offsets: [first, last] }] of Object.entries(entries)) {
      const size = shape.reduce((a, b) => a * b, 1), width = dtype === "U8" ? 1 : 2;
      if (last - first !== size * width || start + last > bytes.length) throw damaged;
      const value = width === 1 ? bytes.slice(start + first, start + last)
        : Float64Array.from({ length: size }, (_, k) => half(view.getUint16(start + first + 2 * k, true)));
      this.tensors[name] = { shape, value };
    }
  }
}

// ---- Layers: maps {value, shape: [channels, height, width]} to maps; a vector has one number in its shape ----

const maps = (...shape) => ({ shape, value: new Float64Array(shape.reduce((a, b) => a * b, 1)) });
const each = (x, change) => ({ shape: x.shape, value: x.value.map(change) });

function filled(bias, ...shape) {
  // Maps that hold the bias of their channel.
  const x = maps(...shape), area = shape[1] * shape[2];
  bias.value.forEach((b, c) => x.value.fill(b, c * area, (c + 1) * area));
  return x;
}

function slide(small, large, { weight, stride, padding }, down) {
  // A kernel goes over the large maps, `stride` for each place of the small ones. Down, small += weight * large: a
  // convolution; up, large += weight * small: its transpose. The weight has a kernel for each pair of channels.
  const [A, B, K, L] = weight.shape, [, h, w] = small.shape, [, H, W] = large.shape, s = small.value, l = large.value;
  const first = (k) => Math.max(0, Math.ceil((padding - k) / stride)), end = (k, n, N) => Math.min(n, Math.floor((N - 1 + padding - k) / stride) + 1);
  let at = 0;
  for (let a = 0; a < A; a++) for (let b = 0; b < B; b++) for (let k = 0; k < K; k++) for (let m = 0; m < L; m++) {
    const v = weight.value[at++], x0 = first(m), x1 = end(m, w, W), y1 = end(k, h, H);
    for (let y = first(k); y < y1; y++) {
      let i = (a * h + y) * w + x0, j = (b * H + y * stride - padding + k) * W + x0 * stride - padding + m;
      if (down) for (let x = x0; x < x1; x++, i++, j += stride) s[i] += v * l[j];
      else for (let x = x0; x < x1; x++, i++, j += stride) l[j] += v * s[i];
    }
  }
}

const LAYERS = {
  Linear(x, { weight, bias }) {
    const [rows, columns] = weight.shape, out = maps(rows);
    for (let i = 0, at = 0; i < rows; i++) {
      let sum = bias.value[i];
      for (let j = 0; j < columns; j++) sum += weight.value[at++] * x.value[j];
      out.value[i] = sum;
    }
    return out;
  },
  Maps(x, { size }) { // a vector's numbers are those of the first place, of the second, and so on
    const area = size * size, C = x.value.length / area, out = maps(C, size, size);
    for (let p = 0; p < area; p++) for (let c = 0; c < C; c++) out.value[c * area + p] = x.value[p * C + c];
    return out;
  },
  BatchNorm2d(x, { weight, bias }) {
    const area = x.shape[1] * x.shape[2], out = filled(bias, ...x.shape);
    for (let c = 0, at = 0; c < x.shape[0]; c++) for (const end = at + area; at < end; at++) out.value[at] += weight.value[c] * x.value[at];
    return out;
  },
  ReLU: (x) => each(x, (v) => Math.max(0, v)),
  Conv2d(x, layer) {
    const [C, , K, L] = layer.weight.shape, size = (n, k) => Math.floor((n + 2 * layer.padding - k) / layer.stride) + 1;
    const out = filled(layer.bias, C, size(x.shape[1], K), size(x.shape[2], L));
    slide(out, x, layer, true);
    return out;
  },
  ConvTranspose2d(x, layer) {
    const [, C, K, L] = layer.weight.shape, size = (n, k) => (n - 1) * layer.stride - 2 * layer.padding + k;
    const out = filled(layer.bias, C, size(x.shape[1], K), size(x.shape[2], L));
    slide(x, out, layer, false);
    return out;
  },
  PixelShuffle(x, { factor: r }) { // r * r channels of a place become a block of r by r pixels
    const [C, H, W] = x.shape, out = maps(C / (r * r), r * H, r * W);
    for (let c = 0, at = 0; c < C; c++) {
      const top = Math.floor(c % (r * r) / r), left = c % r, to = Math.floor(c / (r * r));
      for (let y = 0; y < H; y++) for (let w = 0; w < W; w++) out.value[(to * r * H + y * r + top) * r * W + w * r + left] = x.value[at++];
    }
    return out;
  },
  Tanh: (x) => each(x, Math.tanh),
};

export class Generator {
  constructor({ layers, tensors }) {
    const own = (layer) => Object.fromEntries(["weight", "bias"].filter((name) => name in layer).map((name) => [name, tensors[layer[name]]]));
    this.layers = layers.map((layer) => ({ ...layer, ...own(layer), compute: LAYERS[layer.layer] }));
    const unknown = this.layers.find((layer) => !layer.compute);
    if (unknown) throw Error(`This page cannot compute the layer ${unknown.layer}.`);
    this.latent = this.layers[0].weight.shape[1]; // numbers of z
  }

  draw(z) {
    // A latent z -> the picture's bytes, row after row.
    let x = { shape: [z.length], value: z };
    for (const layer of this.layers) x = layer.compute(x, layer);
    return Uint8ClampedArray.from(x.value, (v) => 127.5 * (v + 1)); // it rounds
  }
}
