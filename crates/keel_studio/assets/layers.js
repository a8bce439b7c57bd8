// Maps of the layers: one row per layer, one column per step or a few steps, values as colours.

import { redrawn } from './canvas.js';
import { make, fill } from './dom.js';
import { number } from './ticks.js';
import { t } from './words.js';

const ROW = 22;

// Mapping of a measurement's values to colours: shares from 0 to 1, ratios around the usual value, anything else
// between its own ends. A scale has `at`, the position of a value from 0 to 1, `ends` as text, and the two or three
// colours it mixes.
const scaleOf = (measurement, values) => {
  if (measurement.endsWith('fraction') || measurement.endsWith('energy') || measurement.endsWith('agreement')) {
    return { at: value => value, ends: ['0', '1'], colours: ['--map-low', '--bad'] };
  }
  if (measurement.endsWith('update_ratio')) {
    // A thousandth per step is usual; a hundred times less or more is not.
    return { at: value => (Math.log10(Math.max(value, 1e-12)) + 5) / 4, ends: ['1e−5', '1e−3', '0.1'], colours: ['--c0', '--map-low', '--bad'] };
  }
  const sizes = values.flat().filter(value => value !== null).map(Math.abs).filter(value => value > 0);
  if (sizes.length === 0) return { at: () => 0, ends: ['0', '0'], colours: ['--map-low', '--c0'] };
  const [low, high] = sizes.reduce(([low, high], size) => [Math.min(low, size), Math.max(high, size)], [Infinity, 0]);
  const span = Math.log10(high / low) || 1;
  return { at: value => Math.log10(Math.max(Math.abs(value), low) / low) / span, ends: [number(low), number(high)], colours: ['--map-low', '--c0'] };
};

const parse = (context, colour) => {
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  return context.getImageData(0, 0, 1, 1).data;
};

// Creates a table of 256 colours between those of the page.
const ramp = (node, names) => {
  const context = make('canvas', { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true });
  const style = getComputedStyle(node);
  const ends = names.map(name => parse(context, style.getPropertyValue(name).trim()));
  return Array.from({ length: 256 }, (_, index) => {
    const at = (index / 255) * (ends.length - 1);
    const first = Math.min(Math.floor(at), ends.length - 2);
    const share = at - first;
    const mixed = [0, 1, 2].map(part => Math.round(ends[first][part] * (1 - share) + ends[first + 1][part] * share));
    return `rgb(${mixed.join(' ')})`;
  });
};

// Creates a map; `set` takes the data sent by the server.
export const layerMap = title => {
  const canvas = make('canvas', { tabindex: 0, role: 'img' });
  const names = make('div', { class: 'map-names', 'aria-hidden': 'true' });
  const steps = make('div', { class: 'map-steps', 'aria-hidden': 'true' });
  const words = make('p', { class: 'map-words', 'aria-live': 'polite' });
  const key = make('div', { class: 'map-key', 'aria-hidden': 'true' });
  const node = make('figure', { class: 'map' }, make('figcaption', {}, make('b', {}, title), key),
    make('div', { class: 'map-body' }, names, canvas, steps), words);
  let shown = null;
  let cell = null;

  const draw = () => {
    if (!shown || canvas.clientWidth === 0) return;
    const ratio = devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, shown.layers.length * ROW];
    canvas.style.height = `${height}px`;
    [canvas.width, canvas.height] = [width * ratio, height * ratio];
    const context = canvas.getContext('2d');
    context.scale(ratio, ratio);
    const scale = scaleOf(shown.measurement, shown.values);
    const colours = ramp(canvas, scale.colours);
    const columns = shown.steps.length;
    shown.values.forEach((row, layer) => row.forEach((value, column) => {
      if (value === null) return;
      const at = Math.max(0, Math.min(255, Math.round(scale.at(value) * 255)));
      context.fillStyle = colours[at];
      const left = Math.floor((column * width) / columns);
      context.fillRect(left, layer * ROW + 1, Math.ceil(((column + 1) * width) / columns) - left, ROW - 2);
    }));
    if (cell) {
      context.strokeStyle = getComputedStyle(canvas).getPropertyValue('--ink');
      context.lineWidth = 1.5;
      context.strokeRect((cell.column * width) / columns - 1, cell.layer * ROW + 1, Math.max(4, width / columns + 2), ROW - 2);
    }
    fill(key, make('span', {}, scale.ends[0]), make('i', { style: `background:linear-gradient(to right,${scale.colours.map(name => `var(${name})`).join(',')})` }),
      scale.ends.length > 2 ? make('span', { class: 'middle' }, scale.ends[1]) : null, make('span', {}, scale.ends.at(-1)));
  };

  const say = () => {
    if (!shown) return;
    if (!cell) {
      const worst = shown.layers.map((layer, index) => [layer, shown.values[index].findLast(value => value !== null)]);
      canvas.setAttribute('aria-label', `${title}: ${worst.map(([layer, value]) => `${layer} ${number(value ?? NaN)}`).join(', ')}`);
      fill(words, t('map.hint'));
      return;
    }
    const [from, to] = shown.steps[cell.column];
    const value = shown.values[cell.layer][cell.column];
    const many = shown.measured[cell.column];
    const where = from === to ? t('map.step', from) : t('map.steps', from, to, many);
    const text = `${shown.layers[cell.layer]} · ${where} · ${value === null ? t('map.none') : number(value)}`;
    fill(words, text);
    canvas.setAttribute('aria-label', text);
  };

  const choose = wanted => {
    cell = wanted;
    draw();
    say();
  };
  const inside = (value, count) => Math.max(0, Math.min(count - 1, value));
  canvas.addEventListener('pointermove', event => {
    if (!shown) return;
    const box = canvas.getBoundingClientRect();
    choose({
      layer: inside(Math.floor((event.clientY - box.top) / ROW), shown.layers.length),
      column: inside(Math.floor(((event.clientX - box.left) / box.width) * shown.steps.length), shown.steps.length),
    });
  });
  canvas.addEventListener('pointerleave', () => choose(null));
  canvas.addEventListener('blur', () => choose(null));
  canvas.addEventListener('keydown', event => {
    const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [0, 0];
    if ((!down && !right) || !shown) return;
    const { layer, column } = cell ?? { layer: 0, column: shown.steps.length - 1 - right };
    choose({ layer: inside(layer + down, shown.layers.length), column: inside(column + right, shown.steps.length) });
    event.preventDefault();
  });

  const watch = redrawn(canvas, draw);
  return {
    node,
    set: wanted => {
      shown = wanted.layers.length > 0 ? wanted : null;
      node.hidden = shown === null;
      if (!shown) return;
      if (cell && (cell.layer >= shown.layers.length || cell.column >= shown.steps.length)) cell = null;
      fill(names, shown.layers.map(layer => make('span', { title: layer }, layer)));
      fill(steps, make('span', {}, t('map.step', shown.steps[0][0])), make('span', {}, String(shown.steps.at(-1)[1])));
      draw();
      say();
    },
    close: watch,
  };
};
