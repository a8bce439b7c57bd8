// Distributions over time: one ridge per step, the last in front. Drawn on a canvas, because thousands of bins are too
// many elements.

import { redrawn } from './canvas.js';
import { make, fill } from './dom.js';
import { number, placeOf, ticks } from './ticks.js';
import { t } from './words.js';

// Number of columns into which the bins of all ridges are counted.
const COLUMNS = 240;
const PADDING = { left: 64, right: 12, top: 34, bottom: 26 };

const colours = node => {
  const style = getComputedStyle(node);
  const of = name => style.getPropertyValue(name).trim();
  return { ink: of('--ink'), soft: of('--soft'), line: of('--line'), panel: of('--panel'), early: of('--shallow'), late: of('--deep') };
};

// Returns the share of the values in each column of the common range: bins are spread over the columns they cover.
const shares = (ridge, [low, high]) => {
  const columns = new Float64Array(COLUMNS);
  const total = ridge.counts.reduce((sum, one) => sum + one, 0) || 1;
  const width = (ridge.high - ridge.low) / ridge.counts.length;
  const scale = COLUMNS / (high - low || 1);
  ridge.counts.forEach((counted, bin) => {
    if (counted === 0) return;
    const from = Math.max(0, (ridge.low + bin * width - low) * scale);
    const to = Math.min(COLUMNS, Math.max(from + 1e-9, (ridge.low + (bin + 1) * width - low) * scale));
    for (let column = Math.floor(from); column < Math.min(COLUMNS, Math.ceil(to)); column += 1) {
      const covered = Math.min(column + 1, to) - Math.max(column, from);
      columns[column] += (counted / total) * (covered / (to - from));
    }
  });
  return columns;
};

// Returns mean and spread estimated from the bins.
const momentsOf = ridge => {
  const width = (ridge.high - ridge.low) / ridge.counts.length;
  const total = ridge.counts.reduce((sum, one) => sum + one, 0) || 1;
  const middle = bin => ridge.low + (bin + 0.5) * width;
  const mean = ridge.counts.reduce((sum, one, bin) => sum + one * middle(bin), 0) / total;
  const square = ridge.counts.reduce((sum, one, bin) => sum + one * (middle(bin) - mean) ** 2, 0) / total;
  return { mean, std: Math.sqrt(square) };
};

// Creates a chart of ridges; `set` takes the data sent by the server.
export const ridgeChart = () => {
  const canvas = make('canvas', { tabindex: 0, role: 'img' });
  const words = make('figcaption', { 'aria-live': 'polite' });
  const node = make('figure', { class: 'ridges' }, canvas, words);
  let shown = null;
  let chosen = null;

  const top = (index, height) => {
    const rows = shown.ridges.length;
    return PADDING.top + (height - PADDING.top - PADDING.bottom) * (rows > 1 ? index / (rows - 1) : 1);
  };

  const draw = () => {
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!shown || width === 0) return;
    const ratio = devicePixelRatio || 1;
    [canvas.width, canvas.height] = [width * ratio, height * ratio];
    const context = canvas.getContext('2d');
    context.scale(ratio, ratio);
    const palette = colours(canvas);
    const axis = { logarithmic: false, low: shown.range[0], high: shown.range[1] > shown.range[0] ? shown.range[1] : shown.range[0] + 1 };
    const x = at => PADDING.left + at * (width - PADDING.left - PADDING.right);
    context.font = '12px system-ui, sans-serif';
    context.fillStyle = palette.soft;
    context.strokeStyle = palette.line;
    context.textAlign = 'center';
    for (const [value, text] of ticks(axis, 0, 1, width < 420 ? 4 : 7)) {
      const at = x(placeOf(axis, value));
      context.beginPath();
      context.moveTo(at, PADDING.top - 16);
      context.lineTo(at, height - PADDING.bottom + 4);
      context.stroke();
      context.fillText(text, at, height - 8);
    }
    const highest = Math.max(...shown.columns.map(columns => Math.max(...columns)), 1e-12);
    const room = Math.max(26, ((height - PADDING.top - PADDING.bottom) / shown.ridges.length) * 3.2);
    context.textAlign = 'right';
    let labelled = -Infinity;
    shown.ridges.forEach((ridge, index) => {
      const bottom = top(index, height);
      const late = shown.ridges.length > 1 ? index / (shown.ridges.length - 1) : 1;
      // Square roots, so that a narrow peak does not flatten the other ridges.
      const rise = column => Math.sqrt(shown.columns[index][column] / highest) * Math.min(room, bottom - 4);
      context.beginPath();
      context.moveTo(x(0), bottom);
      for (let column = 0; column < COLUMNS; column += 1) context.lineTo(x((column + 0.5) / COLUMNS), bottom - rise(column));
      context.lineTo(x(1), bottom);
      context.fillStyle = palette.panel;
      context.globalAlpha = 0.86;
      context.fill();
      context.globalAlpha = chosen === null || chosen === index ? 1 : 0.35;
      context.strokeStyle = `color-mix(in oklch, ${palette.early}, ${palette.late} ${late * 100}%)`;
      context.lineWidth = chosen === index ? 2.2 : 1.2;
      context.stroke();
      context.globalAlpha = 1;
      if (bottom - labelled >= 15 || index === shown.ridges.length - 1) {
        if (index === shown.ridges.length - 1 && bottom - labelled < 15) return;
        labelled = bottom;
        context.fillStyle = palette.soft;
        context.fillText(String(ridge.step), PADDING.left - 8, bottom + 4);
      }
    });
  };

  const say = () => {
    if (!shown) return;
    const rows = shown.ridges;
    const ridge = chosen === null ? null : rows[chosen];
    const { mean, std } = momentsOf(ridge ?? rows.at(-1));
    const text = ridge
      ? t('ridge.one', ridge.step, number(mean), number(std), number(ridge.low), number(ridge.high))
      : t('ridge.all', rows.length, rows[0].step, rows.at(-1).step, shown.taken);
    fill(words, text);
    canvas.setAttribute('aria-label', ridge ? text : `${text} ${t('ridge.one', rows.at(-1).step, number(mean), number(std), number(rows.at(-1).low), number(rows.at(-1).high))}`);
  };

  const choose = index => {
    if (!shown || index === chosen) return;
    chosen = index;
    draw();
    say();
  };

  canvas.addEventListener('pointermove', event => {
    if (!shown) return;
    const box = canvas.getBoundingClientRect();
    const y = event.clientY - box.top;
    const distances = shown.ridges.map((_, index) => Math.abs(top(index, box.height) - 5 - y));
    choose(distances.indexOf(Math.min(...distances)));
  });
  canvas.addEventListener('pointerleave', () => choose(null));
  canvas.addEventListener('blur', () => choose(null));
  canvas.addEventListener('keydown', event => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step || !shown) return;
    choose(Math.max(0, Math.min(shown.ridges.length - 1, (chosen ?? shown.ridges.length) + step)));
    event.preventDefault();
  });

  const watch = redrawn(canvas, draw);
  return {
    node,
    set: wanted => {
      shown = wanted.ridges.length > 0 ? { ...wanted, columns: wanted.ridges.map(ridge => shares(ridge, wanted.range)) } : null;
      node.hidden = shown === null;
      chosen = null;
      draw();
      say();
    },
    close: watch,
  };
};
