// Axes: values, their positions from 0 to 1 between the ends, and the round values for ticks.
const axisOf = text => {
  const [scale, low, high] = text.split(' ');
  return { logarithmic: scale === 'log', low: Number(low), high: Number(high) };
};
const spread = (axis, at) => axis.low + at * (axis.high - axis.low);
const valueAt = (axis, at) => (axis.logarithmic ? 10 ** spread(axis, at) : spread(axis, at));
const placeOf = (axis, value) => ((axis.logarithmic ? Math.log10(value) : value) - axis.low) / (axis.high - axis.low);

const number = value => {
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return '–';
  if (size < 1e-12) return '0';
  if (size < 1e-3 || size >= 1e5) return value.toExponential(2).replace('e+', 'e').replaceAll('-', '\u2212');
  const digits = Math.max(0, Math.min(6, 3 - Math.floor(Math.log10(size))));
  return String(Number(value.toFixed(digits))).replace('-', '\u2212');
};

// Formats a power of ten: 0.01, 1, 100, or 1e−5 if that is shorter.
const power = exponent => (exponent >= -3 && exponent <= 4 ? number(10 ** exponent) : `1e${exponent}`.replace('-', '\u2212'));

// Returns powers of ten between two exponents; in a short range also their multiples. Null if even those are too few.
const logarithmicTicks = (low, high, count) => {
  const [first, last] = [Math.ceil(low), Math.floor(high)];
  if (last - first >= 2) {
    const step = Math.ceil((last - first) / count);
    const exponents = Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, index) => first + index * step);
    return exponents.map(exponent => [10 ** exponent, power(exponent)]);
  }
  for (const [factors, enough] of [[[1, 2, 5], 3], [[1, 1.5, 2, 3, 4, 5, 6, 8], 2]]) {
    const values = [];
    for (let exponent = first - 1; exponent <= last; exponent += 1) values.push(...factors.map(factor => factor * 10 ** exponent));
    const inside = values.filter(value => Math.log10(value) >= low && Math.log10(value) <= high);
    if (inside.length >= enough) return inside.map(value => [value, number(value)]);
  }
  return null;
};

// Returns about `count` round values between two positions of an axis.
const ticks = (axis, from, to, count) => {
  const few = axis.logarithmic ? logarithmicTicks(spread(axis, from), spread(axis, to), count) : null;
  if (few) return few;
  const [low, high] = [valueAt(axis, from), valueAt(axis, to)];
  const rough = (high - low) / count;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find(factor => factor * size >= rough * 0.999) * size;
  const values = [];
  for (let index = Math.ceil(low / step); index <= Math.floor(high / step); index += 1) values.push(index * step);
  return values.map(value => [value, number(value)]);
};
