// What is drawn, and where: the view, the points, the marks above them.
// Two spaces: the map's own coordinates (y up) and CSS pixels on the canvas (y down).
// Two canvases: `points` is repainted when the view or a colour changes, `marks` also on every hover.

const SPRITE_LIMIT = 10000; // up to here points are smooth discs with an edge, above it plain pixels
const MARGIN = 30; // device px: points this far outside still reach into the picture
const GLIDE_MS = 450;
const STAR = "#ffc400";

// Expects of its subclass: data, kept, xy, grid, categories, chosen (null or one byte per point), hover, drag.
class Painter {
  constructor(points, marks) {
    Object.assign(this, { points, marks });
    this.due = new Set(); // canvases to repaint in the next frame
    this.solid = new Uint32Array(256);
    this.pale = new Uint32Array(256);
  }

  readTheme() {
    const style = getComputedStyle(this.root);
    this.theme = { ink: style.color, ground: style.backgroundColor, font: style.fontFamily, accent: style.accentColor };
    const ground = toRgb(this.theme.ground);
    const grey = `rgb(${toRgb(this.theme.ink).map((ink, j) => Math.round(0.4 * ink + 0.6 * ground[j]))})`;
    this.colourOf = (category) => readable(this.data.palette[category] ?? grey, ground);
    for (const category of [...this.data.palette.keys(), OTHER]) {
      const rgb = toRgb(this.colourOf(category));
      this.solid[category] = toPixel(rgb);
      this.pale[category] = toPixel(rgb.map((c, j) => Math.round(0.16 * c + 0.84 * ground[j])));
    }
    this.sprites = new Map();
  }

  // ---- view: {x, y} is the map position in the middle, `scale` is px per map unit ---------------------

  get view() { return this.kept.view ?? this.fitted(); }

  fitted() {
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    if (this.grid) extend(box, ...this.grid.box.slice(0, 2)), extend(box, ...this.grid.box.slice(2));
    for (const [, x, y] of this.data.anchors) extend(box, x, y);
    const [left, bottom, right, top] = Number.isFinite(box[0]) ? box : [-1, -1, 1, 1];
    const room = (size) => Math.max(size - 72, size / 2);
    const scale = Math.min(room(this.width) / (right - left), room(this.height) / (top - bottom));
    return { x: (left + right) / 2, y: (bottom + top) / 2, scale: Number.isFinite(scale) ? scale : 100 };
  }

  toScreen(x, y) {
    const { view } = this;
    return [(x - view.x) * view.scale + this.width / 2, this.height / 2 - (y - view.y) * view.scale];
  }

  toMap(sx, sy) {
    const { view } = this;
    return [(sx - this.width / 2) / view.scale + view.x, (this.height / 2 - sy) / view.scale + view.y];
  }

  pan(dx, dy) {
    const { x, y, scale } = this.view;
    this.kept.view = { x: x - dx / scale, y: y + dy / scale, scale };
    this.repaint(this.points, this.marks);
  }

  zoom(factor, sx = this.width / 2, sy = this.height / 2) {
    const whole = this.fitted().scale;
    const [x, y] = this.toMap(sx, sy);
    const scale = Math.min(Math.max(this.view.scale * factor, whole / 3), whole * 400);
    this.kept.view = { x: x - (sx - this.width / 2) / scale, y: y + (sy - this.height / 2) / scale, scale };
    this.repaint(this.points, this.marks);
  }

  zoomIn() { this.zoom(1.5); }
  zoomOut() { this.zoom(1 / 1.5); }
  fit() { this.kept.view = null; this.repaint(this.points, this.marks); }

  resize() {
    const { clientWidth, clientHeight } = this.plot;
    Object.assign(this, { width: clientWidth, height: clientHeight, ratio: window.devicePixelRatio || 1 });
    for (const canvas of [this.points, this.marks]) {
      canvas.width = Math.round(clientWidth * this.ratio);
      canvas.height = Math.round(clientHeight * this.ratio);
    }
    this.sprites = new Map();
    this.paint(this.points, this.marks); // at once: a resized canvas is blank
  }

  // ---- painting ---------------------------------------------------------------------------------

  repaint(...canvases) {
    if (!this.due.size) requestAnimationFrame(() => { const due = [...this.due]; this.due.clear(); this.paint(...due); });
    canvases.forEach((canvas) => this.due.add(canvas));
  }

  paint(...canvases) {
    if (!this.width || !this.theme) return;
    if (canvases.includes(this.points)) this.paintPoints();
    if (canvases.includes(this.marks)) this.paintMarks();
  }

  get radius() { // px: smaller the more there are, growing slowly with the zoom
    const room = Math.min(Math.max(Math.sqrt(this.width * this.height) / 800, 0.7), 1.2);
    const zoomed = Math.min(Math.max((this.view.scale / this.fitted().scale) ** 0.4, 1), 2.6);
    return Math.min(Math.max(22 / this.data.n ** 0.24, 0.8), 8) * room * zoomed;
  }

  paintPoints() {
    const context = this.points.getContext("2d");
    context.clearRect(0, 0, this.points.width, this.points.height);
    if (!this.xy) return;
    const paint = this.data.n <= SPRITE_LIMIT ? this.paintSprites : this.paintPixels;
    paint.call(this, context);
  }

  eachShown(strong, visit) { // visit(x, y, category) in device px, for the points that stand out, or the others
    const { xy, categories, chosen, kept: { hidden }, view, ratio } = this;
    const { width, height } = this.points;
    const scale = view.scale * ratio, left = width / 2 - view.x * scale, top = height / 2 + view.y * scale;
    const shown = Uint8Array.from({ length: 256 }, (_, category) => !hidden.has(category));
    for (let i = 0; i < categories.length; i++) {
      if (!shown[categories[i]] || (chosen !== null && !chosen[i]) === strong) continue;
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
    const edge = strong ? Math.min(0.18 * radius, this.ratio) : 0, half = Math.ceil(radius + edge);
    const disc = element("canvas", { width: 2 * half, height: 2 * half });
    const context = disc.getContext("2d");
    context.globalAlpha = strong ? 1 : 0.22;
    if (strong) dot(context, half, half, radius + edge, this.theme.ground);
    dot(context, half, half, radius, this.colourOf(category));
    this.sprites.set(name, disc);
    return disc;
  }

  paintPixels(context) { // an order of magnitude faster than drawing shapes: 1 million points in a few frames
    const radius = Math.max(1, Math.round(this.radius * this.ratio));
    const margin = MARGIN + radius; // no disc runs over the end of a row
    const width = this.points.width + 2 * margin, height = this.points.height + 2 * margin;
    const image = new ImageData(width, height), pixels = new Uint32Array(image.data.buffer);
    const disc = [];
    for (let dy = -radius; dy <= radius; dy++) {
      for (let dx = -radius; dx <= radius; dx++) if (dx * dx + dy * dy <= (radius + 0.5) ** 2) disc.push(dy * width + dx);
    }
    for (const strong of [false, true]) {
      const colours = strong ? this.solid : this.pale;
      this.eachShown(strong, (x, y, category) => {
        const middle = (y + margin) * width + x + margin, colour = colours[category];
        for (const step of disc) pixels[middle + step] = colour;
      });
    }
    context.putImageData(image, -margin, -margin);
  }

  paintMarks() {
    const context = this.marks.getContext("2d");
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    context.lineJoin = "round";
    this.paintLasso(context);
    if (!this.xy) return;
    this.paintHits(context);
    const labels = new Labels(context, this.theme, this.width, this.height);
    const star = this.starNow(), anchors = this.data.anchors.map(([text, x, y]) => [text, ...this.toScreen(x, y)]);
    if (star) labels.block(star.x, star.y, 14), labels.add(star.text, star.x, star.y, 16, "600 15px"); // before all else
    for (const [, x, y] of anchors) labels.block(x, y, 6);
    for (const [text, x, y] of anchors) labels.add(text, x, y, 9, "13px");
    for (const [, x, y] of anchors) this.paintShape(context, diamond(x, y, 6), this.theme.ink, this.theme.ground);
    labels.paint();
    if (star) this.paintShape(context, fivePointed(star.x, star.y, star.size), STAR, "#3a2c00");
    if (this.hover >= 0) this.paintHover(context);
  }

  paintShape(context, corners, fill, edge, width = 1.5) {
    context.beginPath();
    corners.forEach(([x, y]) => context.lineTo(x, y));
    context.closePath();
    Object.assign(context, { fillStyle: fill, strokeStyle: edge, lineWidth: width });
    context.fill();
    context.stroke();
  }

  paintLasso(context) {
    const corners = this.drag?.trace ?? this.kept.lasso.map(([x, y]) => this.toScreen(x, y));
    if (corners.length < 2) return;
    context.save();
    context.setLineDash([5, 4]);
    this.paintShape(context, corners, withAlpha(this.theme.accent, 0.08), this.theme.accent);
    context.restore();
  }

  paintHits(context) {
    const { xy, theme, categories, kept: { hidden } } = this, star = this.starNow();
    const shown = this.data.hits.filter((i) => !hidden.has(categories[i]))
      .map((i) => [...this.toScreen(xy[2 * i], xy[2 * i + 1]), this.colourOf(categories[i])]);
    for (const [width, colour] of [[3.5, theme.ground], [1.5, withAlpha(theme.ink, 0.75)]]) {
      Object.assign(context, { lineWidth: width, strokeStyle: colour });
      context.beginPath();
      for (const [x, y] of star ? shown.slice(0, 12) : []) context.moveTo(star.x, star.y), context.lineTo(x, y);
      context.stroke();
    }
    for (const [width, colour] of [[5, theme.ground], [2, theme.ink]]) {
      for (const [x, y] of shown) ring(context, x, y, this.radius + 3, width, colour);
    }
    for (const [x, y, colour] of shown) dot(context, x, y, this.radius, colour);
  }

  paintHover(context) {
    const [x, y] = this.toScreen(this.xy[2 * this.hover], this.xy[2 * this.hover + 1]);
    const radius = Math.max(this.radius * 1.5, 5);
    dot(context, x, y, radius, this.colourOf(this.categories[this.hover]));
    ring(context, x, y, radius + 1, 2, this.theme.ink);
  }

  // ---- the query star ---------------------------------------------------------------------------

  moveStar(before) {
    const { star } = this.data;
    if (String(star) === String(before)) return;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.glide = star && !still ? { from: before ?? star, appears: !before, start: performance.now() } : null;
  }

  starNow() { // where the star is in this frame; at the border when it stands outside the view
    const { star } = this.data;
    if (!star) return null;
    const passed = this.glide ? Math.min((performance.now() - this.glide.start) / GLIDE_MS, 1) : 1;
    const eased = passed * passed * (3 - 2 * passed);
    const [, fromX, fromY] = this.glide?.from ?? star;
    const [sx, sy] = this.toScreen(fromX + (star[1] - fromX) * eased, fromY + (star[2] - fromY) * eased);
    if (passed === 1) this.glide = null; else this.repaint(this.marks);
    const away = sx < 0 || sy < 0 || sx > this.width || sy > this.height;
    const within = (value, size) => (away ? Math.min(Math.max(value, 12), size - 12) : value);
    const size = away ? 9 : this.glide?.appears ? 14 * eased : 14;
    const text = away ? `${star[0]} (out of view)` : star[0];
    return { text, x: within(sx, this.width), y: within(sy, this.height), size };
  }
}
