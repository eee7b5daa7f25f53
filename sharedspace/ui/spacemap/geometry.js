// Shapes and arrays of the map, without a canvas.

const position = (event) => [event.offsetX, event.offsetY];
const distance = ([x1, y1], [x2, y2]) => Math.hypot(x1 - x2, y1 - y2);
const overlap = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
const rounded = (value) => Number(value.toPrecision(7));

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

function insidePolygon(corners) { // even-odd; the same arithmetic as `inside` in geometry.py
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  corners.forEach(([x, y]) => extend(box, x, y));
  return (x, y) => {
    if (x < box[0] || y < box[1] || x > box[2] || y > box[3]) return false;
    let odd = false;
    for (let k = 0; k < corners.length; k++) {
      const [x1, y1] = corners[k], [x2, y2] = corners[k + 1 === corners.length ? 0 : k + 1];
      if ((y < y1) !== (y < y2) && x < (x2 - x1) * (y - y1) / (y2 - y1) + x1) odd = !odd;
    }
    return odd;
  };
}

// Points sorted into square-ish cells, so that the nearest one is found without looking at all.
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
    for (let cell = 0; cell < this.side ** 2; cell++) this.start[cell + 1] += this.start[cell];
    this.order = new Uint32Array(n);
    const next = this.start.slice();
    for (let i = 0; i < n; i++) this.order[next[cells[i]]++] = i;
  }

  column(x) { return this.cell(x, this.box[0], this.box[2]); }
  row(y) { return this.cell(y, this.box[1], this.box[3]); }
  cell(value, low, high) {
    const cell = Math.floor((value - low) / (high - low || 1) * this.side);
    return Math.max(0, Math.min(this.side - 1, cell));
  }

  nearest(x, y, reach, shown) {
    let best = -1, least = reach * reach;
    for (let row = this.row(y - reach); row <= this.row(y + reach); row++) {
      const from = this.start[row * this.side + this.column(x - reach)];
      const to = this.start[row * this.side + this.column(x + reach) + 1];
      for (let k = from; k < to; k++) {
        const i = this.order[k], dx = this.xy[2 * i] - x, dy = this.xy[2 * i + 1] - y;
        if (dx * dx + dy * dy <= least && shown(i)) [best, least] = [i, dx * dx + dy * dy];
      }
    }
    return best;
  }
}
