// The pictures themselves in place of points, where one has zoomed in far enough to see them.

const SMALLEST = 28, LARGEST = 96; // px
const AT_ONCE = 400; // thumbnails that are drawn
const LOOKED_AT = 20000; // points that are tried for a place in one frame
const IN_FLIGHT = 8; // requests
const REMEMBERED = 800; // decoded pictures

// Decoded pictures by row: only what is wanted now is asked for, a few at a time; the longest unused is forgotten.
class Pictures {
  constructor(addressOf, loaded) {
    Object.assign(this, { addressOf, loaded, cache: new Map(), wanted: [], flying: 0 });
  }

  get(row) { // an image, null while it is not there, false where there is none
    const image = this.cache.get(row);
    if (image === undefined) return null;
    this.cache.delete(row), this.cache.set(row, image);
    return image;
  }

  want(rows) {
    this.wanted = rows.filter((row) => !this.cache.has(row));
    while (this.flying < IN_FLIGHT && this.wanted.length) this.load(this.wanted.shift());
  }

  async load(row) {
    const image = new Image(), address = this.addressOf(row);
    this.flying++;
    this.cache.set(row, null);
    if (address) image.src = address;
    const found = await image.decode().then(() => image, () => false);
    this.flying--;
    this.cache.set(row, found);
    for (const [oldest] of this.cache) {
      if (this.cache.size <= REMEMBERED) break;
      this.cache.delete(oldest);
    }
    this.loaded();
    this.want(this.wanted);
  }
}

class Thumbnails extends Points {
  constructor(...canvases) {
    super(...canvases);
    this.thumbs = new Map(); // row -> [x, y] in map units of those that have a place, in the order they got it
    this.forgetPictures();
  }

  forgetPictures() {
    this.store = new Pictures((row) => this.addressOf(row), () => this.repaint(this.pictures, this.marks));
    this.thumbs.clear();
  }

  get thumbSize() { // px, 0 while points lie too close; by the zoom alone, so that nothing changes in panning
    const apart = this.grid ? this.grid.spacing * this.view.scale : 0;
    return apart < 0.85 * SMALLEST ? 0 : within(0.55 * apart, SMALLEST, LARGEST);
  }

  // Those that had a place keep it, then the hits, then what else is in view: each that overlaps none before it.
  layThumbs() {
    const size = this.thumbSize, before = this.thumbs;
    this.thumbs = new Map();
    if (!size || !this.xy) return;
    const { view } = this, pitch = (size + 4) / view.scale, cells = new Map();
    const [left, bottom] = this.toMap(-size / 2, this.height + size / 2);
    const [right, top] = this.toMap(this.width + size / 2, -size / 2);
    const cell = (column, row) => column * 65536 + row;
    const place = (i) => {
      const x = this.xy[2 * i], y = this.xy[2 * i + 1];
      if (x < left || x > right || y < bottom || y > top) return;
      if (!this.isShown(i) || this.store.cache.get(i) === false) return;
      const column = Math.floor((x - left) / pitch) + 1, row = Math.floor((y - bottom) / pitch) + 1;
      for (let c = column - 1; c <= column + 1; c++) {
        for (let r = row - 1; r <= row + 1; r++) {
          const other = cells.get(cell(c, r));
          if (other && Math.abs(other[0] - x) < pitch && Math.abs(other[1] - y) < pitch) return;
        }
      }
      cells.set(cell(column, row), [x, y]);
      this.thumbs.set(i, [x, y]);
    };
    for (const [i] of before) place(i);
    for (const i of this.data.hits) place(i);
    let tried = 0;
    this.grid.eachNear([left, bottom, right, top], (i) => {
      if (this.thumbs.size < AT_ONCE && tried++ < LOOKED_AT) place(i);
    });
  }

  paintPictures() {
    const context = this.clean(this.pictures);
    context.imageSmoothingQuality = "high";
    this.layThumbs();
    for (const [i] of this.thumbs) if (this.store.get(i)) this.paintThumb(context, i);
    this.store.want([...this.thumbs.keys()]);
  }

  paintThumb(context, i) { // the middle square of the picture
    const image = this.store.get(i), [left, top, right] = this.thumbBox(i), size = right - left;
    const side = Math.min(image.naturalWidth, image.naturalHeight), border = 2;
    context.globalAlpha = this.isPale(i) ? 0.25 : 1;
    context.fillStyle = this.colourOf(this.categories[i]);
    context.beginPath();
    context.roundRect(left, top, size, size, 4);
    context.fill();
    context.drawImage(
      image,
      ...[(image.naturalWidth - side) / 2, (image.naturalHeight - side) / 2, side, side],
      ...[left + border, top + border, size - 2 * border, size - 2 * border],
    );
    context.globalAlpha = 1;
  }

  thumbBox(i) { // of a drawn thumbnail in CSS px, or null; on whole device pixels, so that edges are sharp
    if (!this.thumbs.has(i) || !this.isShown(i) || !this.store.get(i)) return null; // laid before it was hidden
    const snap = (value) => Math.round(value * this.ratio) / this.ratio, size = snap(this.thumbSize);
    const [left, top] = this.placeOf(i).map((middle) => snap(middle - size / 2));
    return [left, top, left + size, top + size];
  }

  thumbAt([x, y]) { // the row of the thumbnail there, or -1
    for (const [i] of this.thumbs) {
      const box = this.thumbBox(i);
      if (box && overlap([x - 1, y - 1, x + 1, y + 1], box)) return i;
    }
    return -1;
  }
}
