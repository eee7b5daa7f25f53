// What is drawn above the points: axes, links, hits, the star, words, the outline of a selection, the hovered point.

const GLIDE_MS = 450;
const FADE_MS = 500;
const STAR = "#ffc400";
const FAR = "#d55e00"; // of a link between points that the map draws far apart
const AXIS = 34; // px at the border that the words of an axis take

class Marks extends Thumbnails {
  paintMarks() {
    const context = this.clean(this.marks);
    if (this.xy) {
      if (this.data.axes) this.paintAxes(context);
      this.paintLinks(context);
      this.paintHits(context);
      this.paintSources(context);
      this.paintWords(context);
      if (this.hover >= 0) this.paintHover(context);
    }
    this.paintOutline(context);
  }

  paintWords(context) {
    const labels = new Labels(context, this.theme, this.width, this.height);
    const star = this.starNow(), anchors = this.data.anchors.map(([text, x, y]) => [text, ...this.toScreen(x, y)]);
    if (star) {
      this.paintSpread(context, star);
      labels.block(star.x, star.y, 14), labels.add(star.text, star.x, star.y, 16, 15, 600); // before all else
    }
    for (const [, x, y] of anchors) labels.block(x, y, 6);
    for (const [text, x, y] of anchors) labels.add(text, x, y, 9, 13);
    for (const [, x, y] of anchors) shape(context, diamond(x, y, 6), this.theme.ink, this.theme.ground);
    labels.paint();
    if (star) shape(context, fivePointed(star.x, star.y, star.size), STAR, "#3a2c00");
  }

  line(context, from, to, colour, { width = 1.5, dash = [], halo = true } = {}) {
    context.save();
    context.setLineDash(dash);
    for (const [wide, paint] of [...(halo ? [[width + 2, this.theme.ground]] : []), [width, colour]]) {
      Object.assign(context, { lineWidth: wide, strokeStyle: paint });
      context.beginPath();
      context.moveTo(...from);
      context.lineTo(...to);
      context.stroke();
    }
    context.restore();
  }

  // ---- axes made of words -------------------------------------------------------------------------

  paintAxes(context) {
    const { axes } = this.data, { theme, width, height } = this, faint = withAlpha(theme.ink, 0.13);
    const tick = (words, x, y, align) => {
      Object.assign(context, { font: fontOf(theme, 12), textAlign: align });
      haloed(context, theme, shortened(words, 12), x, y);
    };
    for (const [at, words] of axes.ticksX) {
      const [x] = this.toScreen(at, 0);
      if (x < 2 * AXIS || x > width - 12) continue;
      this.line(context, [x, 0], [x, height - AXIS], faint, { width: 1, halo: false });
      tick(words, x, height - AXIS + 9, "center");
    }
    for (const [at, words] of axes.ticksY) {
      const [, y] = this.toScreen(0, at);
      if (y < AXIS || y > height - AXIS - 8) continue;
      this.line(context, [AXIS + 12, y], [width, y], faint, { width: 1, halo: false });
      tick(words, AXIS + 8, y, "right");
    }
    context.font = fontOf(theme, 13, 600);
    context.textAlign = "right";
    haloed(context, theme, `${shortened(axes.x, 48)} →`, width - 10, height - 10);
    context.textAlign = "left";
    haloed(context, theme, `↑ ${shortened(axes.y, 48)}`, 10, 14);
    if (axes.line) this.paintDecision(context, axes);
  }

  paintDecision(context, { line, lineLabel }) {
    const [from, to] = line.map(([x, y]) => this.toScreen(x, y));
    this.line(context, from, to, this.theme.ink, { width: 2, dash: [7, 5] });
    const steps = Array.from({ length: 19 }, (_, k) => [0, 1].map((j) => to[j] + (from[j] - to[j]) * (k + 1) / 20));
    const seat = steps.find((at) => this.isIn(at, 40)); // the first place from its end that is well in view
    if (!seat || !lineLabel) return;
    Object.assign(context, { font: fontOf(this.theme, 13, 600), textAlign: "left" });
    const wide = context.measureText(lineLabel).width;
    haloed(context, this.theme, lineLabel, Math.min(seat[0] + 10, this.width - wide - 8), seat[1]);
  }

  // ---- links, hits, the hovered point ---------------------------------------------------------------

  paintLinks(context) {
    const links = this.data.links.filter(([a, b]) => !this.filtered?.[a] && !this.filtered?.[b]);
    for (const [a, b, far] of links) {
      const look = far ? [FAR, { width: 2, dash: [6, 4] }] : [withAlpha(this.theme.ink, 0.75), { width: 1.5 }];
      this.line(context, this.placeOf(a), this.placeOf(b), ...look);
    }
    for (const [, b, far] of links) {
      if (this.isShown(b)) this.outline(context, b, [5, this.theme.ground], [2, far ? FAR : this.theme.ink]);
    }
  }

  paintSources(context) { // where links begin: the image that is looked at
    for (const a of new Set(this.data.links.map(([from]) => from))) {
      if (this.isShown(a)) this.outline(context, a, [8, this.theme.ground], [4, this.theme.accent]);
    }
  }

  outline(context, i, ...rings) { // around a point, or around the picture in its place
    const box = this.thumbBox(i), [x, y] = this.placeOf(i);
    for (const [width, colour] of rings) {
      if (!box) ring(context, x, y, this.radius + 3, width, colour);
      else {
        Object.assign(context, { lineWidth: width, strokeStyle: colour });
        context.beginPath();
        context.roundRect(box[0] - 1, box[1] - 1, box[2] - box[0] + 2, box[3] - box[1] + 2, 5);
        context.stroke();
      }
    }
    if (!box) dot(context, x, y, this.radius, this.colourOf(this.categories[i]));
  }

  paintHits(context) {
    const shown = this.data.hits.filter((i) => this.isShown(i)), star = this.starNow();
    for (const i of star && !star.away ? shown.slice(0, 12) : []) {
      this.line(context, [star.x, star.y], this.placeOf(i), withAlpha(this.theme.ink, 0.75));
    }
    for (const i of shown) this.outline(context, i, [5, this.theme.ground], [2, this.theme.ink]);
  }

  paintHover(context) {
    const { hover, theme } = this, [x, y] = this.placeOf(hover);
    if (this.thumbBox(hover)) return this.outline(context, hover, [6, theme.ground], [3, theme.ink]);
    const radius = Math.max(this.radius * 1.5, 5);
    dot(context, x, y, radius, this.colourOf(this.categories[hover]));
    ring(context, x, y, radius + 1, 2, theme.ink);
  }

  // ---- the outline of a selection: solid while drawn, fading once it is answered ----------------------

  paintOutline(context) {
    const trace = this.drag?.trace, fading = this.fading && !trace;
    const left = fading && this.fading.since ? 1 - (performance.now() - this.fading.since) / FADE_MS : 1;
    if (left <= 0) this.fading = null;
    const corners = trace ?? this.fading?.polygon.map(([x, y]) => this.toScreen(x, y)) ?? [];
    if (corners.length < 2) return;
    context.save();
    context.globalAlpha = left;
    context.setLineDash([5, 4]);
    shape(context, corners, withAlpha(this.theme.accent, 0.08), this.theme.accent);
    context.restore();
    if (fading && this.fading?.since) this.repaint(this.marks);
  }

  // ---- the query star ---------------------------------------------------------------------------

  get still() { return matchMedia("(prefers-reduced-motion: reduce)").matches; }

  moveStar(before) {
    const { star } = this.data;
    if (String(star) === String(before)) return;
    this.glide = star && !this.still ? { from: before ?? star, appears: !before, start: performance.now() } : null;
  }

  starNow() { // where the star is in this frame; at the border when it stands outside the view
    const { star } = this.data;
    if (!star) return null;
    const passed = this.glide ? Math.min((performance.now() - this.glide.start) / GLIDE_MS, 1) : 1;
    const eased = passed * passed * (3 - 2 * passed);
    const [, fromX, fromY] = this.glide?.from ?? star;
    const at = this.toScreen(fromX + (star[1] - fromX) * eased, fromY + (star[2] - fromY) * eased);
    if (passed === 1) this.glide = null; else this.repaint(this.marks);
    const away = !this.isIn(at);
    const [x, y] = away ? [within(at[0], 12, this.width - 12), within(at[1], 12, this.height - 12)] : at;
    const size = away ? 9 : this.glide?.appears ? 14 * eased : 14;
    return { text: away ? `${star[0]} (out of view)` : star[0], x, y, size, away };
  }

  paintSpread(context, { x, y, away }) { // how far around the star its nearest images lie
    const [spread, scattered] = this.data.ring, radius = spread * this.view.scale;
    if (away || radius < 16 || this.glide) return;
    context.save();
    if (scattered) context.setLineDash([6, 5]);
    ring(context, x, y, radius, 4, withAlpha(this.theme.ground, 0.7));
    ring(context, x, y, radius, 2, STAR);
    context.restore();
  }
}
