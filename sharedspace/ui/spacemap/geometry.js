// Shapes and arrays of the map, without a canvas.

const OTHER = 255; // category of noise and of what has no colour
const position = (event) => [event.offsetX, event.offsetY];
const distance = ([x1, y1], [x2, y2]) => Math.hypot(x1 - x2, y1 - y2);
const overlap = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
const within = (value, low, high) => Math.min(Math.max(value, low), high);
const rounded = (value) => Number(value.toPrecision(7));
const cornersOf = ([x1, y1], [x2, y2]) => [[x1, y1], [x2, y1], [x2, y2], [x1, y2]];

function extend(box, x, y) {
  if (x < box[0]) box[0] = x;
  if (y < box[1]) box[1] = y;
  if (x > box[2]) box[2] = x;
  if (y > box[3]) box[3] = y;
}

function thin(trace, most) { // evenly, so that at most `most` corners stay
  const step = Math.ceil(trace.length / most);
  return trace.filter((_, i) => i % step === 0);
}

function decode(base64) {
  const letters = atob(base64), bytes = new Uint8Array(letters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

function decodeBits(base64, n) { // one byte per point, or null where no bit is set
  if (!base64) return null;
  const packed = decode(base64), flags = new Uint8Array(n);
  for (let i = 0; i < n; i++) flags[i] = (packed[i >> 3] >> (i & 7)) & 1;
  return flags;
}

// Points sorted into square-ish cells, so that those near a place are found without looking at all.
class Grid {
  constructor(xy) {
    const n = xy.length / 2;
    this.xy = xy;
    this.box = [Infinity, Infinity, -Infinity, -Infinity];
    for (let i = 0; i < n; i++) extend(this.box, xy[2 * i], xy[2 * i + 1]);
    this.side = Math.max(1, Math.min(1024, Math.ceil(Math.sqrt(n / 3))));
    const cells = new Uint32Array(n);
    this.start = new Uint32Array(this.side ** 2 + 1); // where each cell begins in `order`
    for (let i = 0; i < n; i++) {
      cells[i] = this.row(xy[2 * i + 1]) * this.side + this.column(xy[2 * i]);
      this.start[cells[i] + 1]++;
    }
    const [left, bottom, right, top] = this.box, cell = (right - left) * (top - bottom) / this.side ** 2;
    const settled = this.start.reduce((sum, count) => sum + (count > 0), 0);
    this.spacing = Math.sqrt(settled * cell / n) || Infinity; // map units between neighbours where there are any
    for (let cell = 0; cell < this.side ** 2; cell++) this.start[cell + 1] += this.start[cell];
    this.order = new Uint32Array(n);
    const next = this.start.slice();
    for (let i = 0; i < n; i++) this.order[next[cells[i]]++] = i;
  }

  column(x) { return this.cell(x, this.box[0], this.box[2]); }
  row(y) { return this.cell(y, this.box[1], this.box[3]); }
  cell(value, low, high) {
    const cell = Math.floor((value - low) / (high - low || 1) * this.side);
    return within(cell, 0, this.side - 1);
  }

  eachNear([left, bottom, right, top], visit) { // the points of the cells that a box touches
    for (let row = this.row(bottom); row <= this.row(top); row++) {
      const from = this.start[row * this.side + this.column(left)];
      const to = this.start[row * this.side + this.column(right) + 1];
      for (let k = from; k < to; k++) visit(this.order[k]);
    }
  }

  nearest(x, y, reach, shown) {
    let best = -1, least = reach * reach;
    this.eachNear([x - reach, y - reach, x + reach, y + reach], (i) => {
      const dx = this.xy[2 * i] - x, dy = this.xy[2 * i + 1] - y;
      if (dx * dx + dy * dy <= least && shown(i)) [best, least] = [i, dx * dx + dy * dy];
    });
    return best;
  }

  eachWithin(corners, visit) { // even-odd; the same arithmetic as `inside` in geometry.py
    const { xy, order, start, side } = this;
    const edges = corners.map((corner, k) => [...corner, ...corners[(k + 1) % corners.length]]);
    for (let row = 0; row < side; row++) {
      const from = start[row * side], to = start[(row + 1) * side];
      let low = Infinity, high = -Infinity;
      for (let k = from; k < to; k++) {
        const y = xy[2 * order[k] + 1];
        if (y < low) low = y;
        if (y > high) high = y;
      }
      const near = edges.filter(([, y1, , y2]) => Math.min(y1, y2) <= high && Math.max(y1, y2) > low);
      for (let k = from; k < to && near.length; k++) {
        const i = order[k], x = xy[2 * i], y = xy[2 * i + 1];
        let odd = false;
        for (let e = 0; e < near.length; e++) {
          const edge = near[e], y1 = edge[1], y2 = edge[3];
          if ((y < y1) !== (y < y2) && x < (edge[2] - edge[0]) * (y - y1) / (y2 - y1) + edge[0]) odd = !odd;
        }
        if (odd) visit(i);
      }
    }
  }
}
