// Marks, labels and colours on a canvas.

const grouped = (count) => count.toLocaleString("en");
const element = (tag, properties = {}) => Object.assign(document.createElement(tag), properties);
const diamond = (x, y, r) => [[x, y - r], [x + r, y], [x, y + r], [x - r, y]];
const fivePointed = (x, y, r) => Array.from({ length: 10 }, (_, k) => {
  const reach = k % 2 ? r * 0.42 : r;
  return [x + reach * Math.sin(k * Math.PI / 5), y - reach * Math.cos(k * Math.PI / 5)];
});
const swatch = element("canvas", { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
const withAlpha = (colour, alpha) => `rgba(${toRgb(colour)}, ${alpha})`;
const toPixel = ([red, green, blue]) => ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0; // little-endian RGBA

function shortened(text, most) {
  const letters = [...text];
  return letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : text;
}

function dot(context, x, y, radius, colour) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = colour;
  context.fill();
}

function ring(context, x, y, radius, width, colour) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  Object.assign(context, { lineWidth: width, strokeStyle: colour });
  context.stroke();
}

function shape(context, corners, fill, edge, width = 1.5) {
  context.beginPath();
  corners.forEach(([x, y]) => context.lineTo(x, y));
  context.closePath();
  Object.assign(context, { fillStyle: fill, strokeStyle: edge, lineWidth: width });
  context.fill();
  context.stroke();
}

function haloed(context, theme, words, x, y) { // readable on whatever lies below
  Object.assign(context, { textBaseline: "middle", lineWidth: 4, strokeStyle: theme.ground, fillStyle: theme.ink });
  context.strokeText(words, x, y);
  context.fillText(words, x, y);
}

// Rec. 709 weights; near enough to tell a dark colour from a dark ground.
const luma = ([red, green, blue]) => (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;

function readable(colour, ground) { // a dark colour on a dark ground, lightened until it can be seen
  const rgb = toRgb(colour);
  if (luma(ground) > 0.3 || luma(rgb) > 0.3) return colour;
  return toward(rgb, 255, 0.4);
}

// A colour of a scale: the nearer to the ground, the farther away from it, such that lighter stays lighter.
function readableOnScale(colour, ground) {
  const rgb = toRgb(colour), light = luma(rgb);
  if (luma(ground) > 0.5) return toward(rgb, 0, 0.25 * Math.max(2 * light - 1, 0));
  return toward(rgb, 255, 0.3 * Math.max(1 - 2 * light, 0));
}

const toward = (rgb, end, share) => `rgb(${rgb.map((part) => Math.round((1 - share) * part + share * end))})`;
const fontOf = (theme, size, weight = 400) => `${weight} ${size * theme.larger}px ${theme.font}`;
const numeral = (value) => String(Number(value.toPrecision(3))).replace("-", "−");

function toRgb(colour) { // any CSS colour, read back as the browser paints it
  swatch.clearRect(0, 0, 1, 1);
  swatch.fillStyle = colour;
  swatch.fillRect(0, 0, 1, 1);
  return [...swatch.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}

// Labels beside their marks, each where it first finds room; one that finds none is left out.
class Labels {
  constructor(context, theme, width, height) {
    Object.assign(this, { context, theme, width, height, taken: [], placed: [] });
  }

  block(x, y, half) { this.taken.push([x - half, y - half, x + half, y + half]); }

  add(text, x, y, gap, size, weight) {
    if (x < 0 || y < 0 || x > this.width || y > this.height) return;
    const words = shortened(text, 40), high = 16 * this.theme.larger;
    this.context.font = fontOf(this.theme, size, weight);
    const wide = this.context.measureText(words).width;
    const beside = y - high / 2, centred = Math.min(Math.max(x - wide / 2, 2), this.width - wide - 2);
    const places = [[x + gap, beside], [x - gap - wide, beside], [centred, y - gap - high], [centred, y + gap]];
    for (const [left, top] of places) {
      const box = [left, top, left + wide, top + high];
      const visible = left >= 2 && top >= 2 && box[2] <= this.width - 2 && box[3] <= this.height - 2;
      if (!visible || this.taken.some((other) => overlap(box, other))) continue;
      this.taken.push(box);
      this.placed.push([words, left, top + high / 2, this.context.font]);
      return;
    }
  }

  paint() {
    for (const [words, left, middle, font] of this.placed) {
      this.context.font = font;
      haloed(this.context, this.theme, words, left, middle);
    }
  }
}
