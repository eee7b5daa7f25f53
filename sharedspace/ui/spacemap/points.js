// The images as points: discs up to some thousands, above that pixels, stronger where points lie on each other.

const SPRITE_LIMIT = 10000; // up to here points are smooth discs, above it plain pixels
const SPARSE_LIMIT = 2000; // up to here discs are opaque with an edge; above it they let those below shine through
const BESIDE_PICTURES = 5; // px: the largest radius of points that found no room for their picture
const MARGIN = 30; // device px: points this far outside still reach into the picture

// Expects of its subclass: thumbSize, categories, filtered and chosen (null or one byte per point).
class Points extends View {
  constructor(...canvases) {
    super(...canvases);
    this.solid = new Uint32Array(256);
    this.pale = new Uint32Array(256);
  }

  readTheme() {
    const style = getComputedStyle(this.root), { palette, scale } = this.data;
    this.theme = { ink: style.color, ground: style.backgroundColor, font: style.fontFamily, accent: style.accentColor };
    this.theme.larger = parseFloat(style.fontSize) / 14;
    const ground = toRgb(this.theme.ground), ink = toRgb(this.theme.ink);
    const grey = `rgb(${ink.map((part, j) => Math.round(0.4 * part + 0.6 * ground[j]))})`;
    const seen = palette.map((colour) => (scale ? readableOnScale : readable)(colour, ground));
    this.colourOf = (category) => seen[category] ?? grey;
    for (const category of [...palette.keys(), OTHER]) {
      const rgb = toRgb(this.colourOf(category));
      this.solid[category] = toPixel(rgb);
      this.pale[category] = toPixel(rgb.map((part, j) => Math.round(0.16 * part + 0.84 * ground[j])));
    }
    this.sprites = new Map();
  }

  isShown(i) { return !this.kept.hidden.has(this.categories[i]) && !this.filtered?.[i]; }
  isPale(i) { return this.chosen !== null && !this.chosen[i]; }

  get radius() { // px: smaller the more there are, growing slowly with the zoom
    const room = within(Math.sqrt(this.width * this.height) / 800, 0.7, 1.2);
    const zoomed = within((this.view.scale / this.fitted().scale) ** 0.4, 1, 2.6);
    const grown = within(22 / this.data.n ** 0.24, 0.8, 8) * room * zoomed;
    return this.thumbSize ? Math.min(grown, BESIDE_PICTURES) : grown;
  }

  paintPoints() {
    const context = this.points.getContext("2d");
    context.clearRect(0, 0, this.points.width, this.points.height);
    if (!this.xy) return;
    const paint = this.data.n <= SPRITE_LIMIT ? this.paintSprites : this.paintPixels;
    paint.call(this, context);
  }

  eachShown(strong, visit) { // visit(x, y, category) in device px, for the points that stand out, or the others
    const { xy, categories, chosen, filtered, kept: { hidden }, view, ratio } = this;
    if (chosen === null && !strong) return;
    const { width, height } = this.points;
    const scale = view.scale * ratio, left = width / 2 - view.x * scale, top = height / 2 + view.y * scale;
    const shown = Uint8Array.from({ length: 256 }, (_, category) => !hidden.has(category));
    for (let i = 0; i < categories.length; i++) {
      if (!shown[categories[i]] || (chosen !== null && !chosen[i]) === strong) continue;
      if (filtered !== null && filtered[i]) continue;
      const x = Math.round(left + xy[2 * i] * scale), y = Math.round(top - xy[2 * i + 1] * scale);
      if (x >= -MARGIN && y >= -MARGIN && x < width + MARGIN && y < height + MARGIN) visit(x, y, categories[i]);
    }
  }

  paintSprites(context) {
    const radius = Math.round(4 * this.radius * this.ratio) / 4;
    for (const strong of [false, true]) {
      this.eachShown(strong, (x, y, category) => {
        const disc = this.sprite(category, strong, radius);
        context.drawImage(disc, x - disc.width / 2, y - disc.height / 2);
      });
    }
  }

  sprite(category, strong, radius) { // a disc, with an edge in the ground's colour around it when it stands out
    const name = `${category} ${strong} ${radius}`;
    if (this.sprites.has(name)) return this.sprites.get(name);
    const sparse = this.data.n <= SPARSE_LIMIT;
    const edge = strong && sparse ? Math.min(0.18 * radius, this.ratio) : 0, half = Math.ceil(radius + edge);
    const disc = element("canvas", { width: 2 * half, height: 2 * half });
    const context = disc.getContext("2d");
    context.globalAlpha = strong ? (sparse ? 1 : 0.6) : 0.22;
    if (edge) dot(context, half, half, radius + edge, this.theme.ground);
    dot(context, half, half, radius, this.colourOf(category));
    this.sprites.set(name, disc);
    return disc;
  }

  paintPixels(context) { // an order of magnitude faster than drawing shapes: 1 million points in a few frames
    const radius = Math.max(1, Math.round(this.radius * this.ratio));
    const margin = MARGIN + radius; // no disc runs over the end of a row
    const width = this.points.width + 2 * margin, height = this.points.height + 2 * margin;
    const image = new ImageData(width, height), pixels = new Uint32Array(image.data.buffer);
    const depth = new Uint32Array(width * height); // how many points lie on each pixel
    const disc = [];
    for (let dy = -radius; dy <= radius; dy++) {
      for (let dx = -radius; dx <= radius; dx++) if (Math.hypot(dx, dy) <= radius + 0.5) disc.push(dy * width + dx);
    }
    this.eachShown(false, (x, y, category) => {
      const middle = (y + margin) * width + x + margin, colour = this.pale[category];
      for (let k = 0; k < disc.length; k++) pixels[middle + disc[k]] = colour;
    });
    this.eachShown(true, (x, y, category) => {
      const middle = (y + margin) * width + x + margin, colour = this.solid[category];
      for (let k = 0; k < disc.length; k++) {
        const at = middle + disc[k], under = pixels[at];
        // Half of each, all four bytes at once: the points on a pixel share its colour.
        pixels[at] = depth[at]++ ? (((under ^ colour) & 0xfefefefe) >>> 1) + (under & colour) : colour;
      }
    });
    fade(pixels, depth, within(0.3 + 0.07 * this.radius, 0.4, 0.7));
    context.putImageData(image, -margin, -margin);
  }
}

// Opacity by the number of points on a pixel, on a logarithmic scale: full where the densest fiftieth begins.
// A point alone has the opacity `faintest` where many lie on each other elsewhere.
function fade(pixels, depth, faintest) {
  const octaves = new Uint32Array(33);
  let filled = 0;
  for (let at = 0; at < depth.length; at++) if (depth[at]) octaves[32 - Math.clz32(depth[at])]++, filled++;
  let octave = 32, above = 0;
  while (octave > 1 && above + octaves[octave] < filled / 50) above += octaves[octave--];
  const top = Math.min(2 ** (octave - 1), 4096), least = Math.max(faintest, 1 - 0.2 * Math.log2(top));
  const opacity = Uint32Array.from({ length: top + 1 }, (_, count) => (
    Math.round(255 * (top > 1 ? least + (1 - least) * Math.log(count || 1) / Math.log(top) : 1))
  ));
  for (let at = 0; at < depth.length; at++) {
    if (depth[at]) pixels[at] = (pixels[at] & 0xffffff) | (opacity[Math.min(depth[at], top)] << 24);
  }
}
