// Where a query stands among its nearest images, as sharedspace/projection.py has it; and the best rows of scores.

const NEAREST = 15; // images by which something is placed
const SCATTERED = 0.6; // of the map's radius
const STEPS = 50;

function bestRows(scores, k) { // the k highest, best first, of equal ones the lower row
  return Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a] || a - b).slice(0, k);
}

function memberships(distances) { // of ascending distances: 1 for the nearest, summing to log2(k)
  const k = distances.length, beyond = distances.map((value) => value - distances[0]);
  if (k < 3) return beyond.map(() => 1);
  const mean = beyond.reduce((sum, value) => sum + value, 0) / k || 1;
  let low = 0, high = Infinity, sigma = 1;
  for (let step = 0; step < 48; step++) {
    const sum = beyond.reduce((total, value) => total + Math.exp(-value / mean / sigma), 0);
    if (sum > Math.log2(k)) high = sigma; else low = sigma;
    sigma = Number.isFinite(high) ? (low + high) / 2 : 2 * sigma;
  }
  return beyond.map((value) => Math.exp(-value / mean / Math.max(sigma, 1e-9)));
}

function weighted(points, weights) {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return [0, 1].map((axis) => points.reduce((total, point, i) => total + weights[i] * point[axis], 0) / sum);
}

function settled(points, weights) { // where the sum of w log(1 + d²) is least, from the best of the mean and the points
  const apart = (a, b) => (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2;
  const cost = (at) => points.reduce((sum, point, i) => sum + weights[i] * Math.log1p(apart(at, point)), 0);
  const starts = [weighted(points, weights), ...points], costs = starts.map(cost);
  let at = starts[costs.indexOf(Math.min(...costs))];
  for (let step = 0; step < STEPS; step++) {
    at = weighted(points, points.map((point, i) => weights[i] / (1 + apart(at, point))));
  }
  return at;
}

function median(values) {
  const sorted = Float64Array.from(values).sort(), middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function placed(scores, xy) { // {at: [x, y], spread, scattered} by scores (n) over images at xy (2 n)
  const n = scores.length, rows = bestRows(scores, Math.min(NEAREST, n));
  const points = rows.map((row) => [xy[2 * row], xy[2 * row + 1]]);
  const weights = memberships(rows.map((row) => scores[rows[0]] - scores[row]));
  const at = settled(points, weights), total = weights.reduce((sum, weight) => sum + weight, 0);
  const squares = points.map(([x, y], i) => weights[i] * ((x - at[0]) ** 2 + (y - at[1]) ** 2));
  const spread = Math.sqrt(squares.reduce((sum, value) => sum + value, 0) / total);
  const all = Array.from({ length: n }, (_, i) => [xy[2 * i], xy[2 * i + 1]]);
  const middle = [0, 1].map((axis) => median(all.map((point) => point[axis])));
  const radius = median(all.map(([x, y]) => Math.hypot(x - middle[0], y - middle[1])));
  return { at, spread, scattered: spread > SCATTERED * radius };
}

function farAway(xy, row, others) { // which of a row's neighbours are not even among 3 times as many drawn nearest
  const away = (i) => Math.hypot(xy[2 * i] - xy[2 * row], xy[2 * i + 1] - xy[2 * row + 1]);
  const sorted = Float64Array.from({ length: xy.length / 2 }, (_, i) => away(i)).sort();
  const reach = sorted[Math.min(3 * others.length, sorted.length - 1)];
  return others.map((other) => away(other) > reach);
}
