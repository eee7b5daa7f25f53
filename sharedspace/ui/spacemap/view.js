// Where things are drawn, and when.
// Two spaces: the map's own coordinates (y up) and CSS pixels on the canvas (y down).
// Three canvases, from below: `points` and `pictures` follow the view and the colours, `marks` also every hover.

// Expects of its subclass: data, kept, xy, grid, paintPoints, paintPictures, paintMarks.
class View {
  constructor(points, pictures, marks) {
    Object.assign(this, { points, pictures, marks });
    this.due = new Set(); // canvases to repaint in the next frame
  }

  // {x, y} is the map position in the middle, `scale` is px per map unit; null in `kept` is the whole map
  get view() { return this.kept.view ?? this.fitted(); }

  fitted() {
    const box = [Infinity, Infinity, -Infinity, -Infinity], { anchors, axes } = this.data;
    if (this.grid) extend(box, ...this.grid.box.slice(0, 2)), extend(box, ...this.grid.box.slice(2));
    for (const [, x, y] of anchors) extend(box, x, y);
    const [left, bottom, right, top] = Number.isFinite(box[0]) ? box : [-1, -1, 1, 1];
    const edge = axes ? 130 : this.data.n <= 24 ? 150 : 72; // of few images the pictures are seen at once
    const room = (size) => Math.max(size - edge, size / 2);
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

  placeOf(i) { return this.toScreen(this.xy[2 * i], this.xy[2 * i + 1]); }
  isIn([x, y], edge = 0) { return x >= edge && y >= edge && x <= this.width - edge && y <= this.height - edge; }

  pan(dx, dy) {
    const { x, y, scale } = this.view;
    this.kept.view = { x: x - dx / scale, y: y + dy / scale, scale };
    this.repaintAll();
  }

  zoom(factor, sx = this.width / 2, sy = this.height / 2) {
    const whole = this.fitted().scale;
    const [x, y] = this.toMap(sx, sy);
    const scale = within(this.view.scale * factor, whole / 3, whole * 400);
    this.kept.view = { x: x - (sx - this.width / 2) / scale, y: y + (sy - this.height / 2) / scale, scale };
    this.repaintAll();
  }

  zoomIn() { this.zoom(1.5); }
  zoomOut() { this.zoom(1 / 1.5); }
  fit() { this.kept.view = null; this.repaintAll(); }

  resize() {
    const { clientWidth, clientHeight } = this.plot;
    Object.assign(this, { width: clientWidth, height: clientHeight, ratio: window.devicePixelRatio || 1 });
    for (const canvas of [this.points, this.pictures, this.marks]) {
      canvas.width = Math.round(clientWidth * this.ratio);
      canvas.height = Math.round(clientHeight * this.ratio);
    }
    this.sprites = new Map();
    this.paint(this.points, this.pictures, this.marks); // at once: a resized canvas is blank
  }

  repaintAll() { this.repaint(this.points, this.pictures, this.marks); }

  repaint(...canvases) {
    if (!this.due.size) requestAnimationFrame(() => this.paintDue());
    canvases.forEach((canvas) => this.due.add(canvas));
  }

  paintDue() {
    const due = [...this.due];
    this.due.clear(); // before painting, which may ask for a next frame
    this.paint(...due);
  }

  paint(...canvases) {
    if (!this.width || !this.theme) return;
    if (canvases.includes(this.points)) this.paintPoints();
    if (canvases.includes(this.pictures)) this.paintPictures();
    if (canvases.includes(this.marks)) this.paintMarks();
  }

  clean(canvas) { // a context in CSS pixels on a blank canvas
    const context = canvas.getContext("2d");
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    context.lineJoin = "round";
    return context;
  }
}
